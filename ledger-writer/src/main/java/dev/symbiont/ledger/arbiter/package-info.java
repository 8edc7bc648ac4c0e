/// Decides, from what the journal says, whether a call may be made. Pure: no file, no broker.
@NullMarked
package dev.symbiont.ledger.arbiter;

import org.jspecify.annotations.NullMarked;
