/// The Claude Code CLI.
@NullMarked
package dev.symbiont.dispatcher.provider.claude;

import org.jspecify.annotations.NullMarked;
