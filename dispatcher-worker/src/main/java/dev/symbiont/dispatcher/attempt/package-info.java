/// One task at one tier: grants, calls, repetition. Knows neither broker nor Spring.
@NullMarked
package dev.symbiont.dispatcher.attempt;

import org.jspecify.annotations.NullMarked;
