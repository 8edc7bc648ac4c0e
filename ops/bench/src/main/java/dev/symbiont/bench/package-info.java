/// Measures a fleet of real processes, each figure beside its denominator from the same run.
@NullMarked
package dev.symbiont.bench;

import org.jspecify.annotations.NullMarked;
