/// What operators run: the command line, the roles as processes, the one-process fleet.
@NullMarked
package dev.symbiont.ops;

import org.jspecify.annotations.NullMarked;
