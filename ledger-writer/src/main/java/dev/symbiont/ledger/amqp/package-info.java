/// Batches from the ledger's queue, answers back, and the health snapshot.
@NullMarked
package dev.symbiont.ledger.amqp;

import org.jspecify.annotations.NullMarked;
