/// Who may do what at the gateway.
@NullMarked
package dev.symbiont.gateway.access;

import org.jspecify.annotations.NullMarked;
