/// The messages that the parts of Symbiont exchange, and the rules that travel with them.
@NullMarked
package dev.symbiont.contract;

import org.jspecify.annotations.NullMarked;
