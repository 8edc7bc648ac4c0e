/// What the fleet is doing and what it has cost, over HTTP.
@NullMarked
package dev.symbiont.gateway.status;

import org.jspecify.annotations.NullMarked;
