/// Says how a task would be called, without calling anybody.
@NullMarked
package dev.symbiont.ops.explain;

import org.jspecify.annotations.NullMarked;
