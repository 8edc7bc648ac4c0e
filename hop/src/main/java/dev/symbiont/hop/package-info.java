/// The one way a message moves: publish, have it confirmed, then acknowledge what it came from.
///
/// Nothing outside this package acknowledges a delivery or opens a channel.
@NullMarked
package dev.symbiont.hop;

import org.jspecify.annotations.NullMarked;
