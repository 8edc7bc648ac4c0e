/// The projection that answers queries; can be deleted and rebuilt from the journal.
@NullMarked
package dev.symbiont.ledger.index;

import org.jspecify.annotations.NullMarked;
