/// Start-up, settings and wiring of the dispatcher.
@NullMarked
package dev.symbiont.dispatcher;

import org.jspecify.annotations.NullMarked;
