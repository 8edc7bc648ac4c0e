/// The formats that programs for other model APIs speak.
@NullMarked
package dev.symbiont.gateway.compat;

import org.jspecify.annotations.NullMarked;
