/// The choice of a tier. Pure: no broker, no Spring.
@NullMarked
package dev.symbiont.router.policy;

import org.jspecify.annotations.NullMarked;
