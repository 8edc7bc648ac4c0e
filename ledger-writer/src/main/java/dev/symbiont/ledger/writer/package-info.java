/// Takes batches through the one order that keeps the promise: append, force, index, answer.
@NullMarked
package dev.symbiont.ledger.writer;

import org.jspecify.annotations.NullMarked;
