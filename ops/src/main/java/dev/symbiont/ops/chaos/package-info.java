/// A fleet of real processes under load, killed and starved, and the check that its promise held.
@NullMarked
package dev.symbiont.ops.chaos;

import org.jspecify.annotations.NullMarked;
