/// Child processes that end: bounded in time and output, the whole tree.
@NullMarked
package dev.symbiont.dispatcher.process;

import org.jspecify.annotations.NullMarked;
