/// Start-up, settings and wiring of the router.
@NullMarked
package dev.symbiont.router;

import org.jspecify.annotations.NullMarked;
