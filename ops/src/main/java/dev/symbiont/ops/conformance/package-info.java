/// Checks a running fleet against the public AMQP contract, from outside: as a producer and a
/// watcher.
@NullMarked
package dev.symbiont.ops.conformance;

import org.jspecify.annotations.NullMarked;
