/// Append-only files of chained lines: what is in them, how they are forced to disk and how they
/// recover.
@NullMarked
package dev.symbiont.ledger.journal;

import org.jspecify.annotations.NullMarked;
