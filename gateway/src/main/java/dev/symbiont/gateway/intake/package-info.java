/// Tasks in over HTTP, and their results out.
@NullMarked
package dev.symbiont.gateway.intake;

import org.jspecify.annotations.NullMarked;
