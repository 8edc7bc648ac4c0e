/// Start-up, settings and wiring of the gateway.
@NullMarked
package dev.symbiont.gateway;

import org.jspecify.annotations.NullMarked;
