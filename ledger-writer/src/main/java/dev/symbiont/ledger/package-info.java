/// Start-up, settings and wiring of the ledger-writer.
@NullMarked
package dev.symbiont.ledger;

import org.jspecify.annotations.NullMarked;
