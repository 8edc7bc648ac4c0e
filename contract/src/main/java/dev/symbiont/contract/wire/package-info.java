/// Messages as bytes: one JSON codec, and the schema names that go into the AMQP `type` property.
@NullMarked
package dev.symbiont.contract.wire;

import org.jspecify.annotations.NullMarked;
