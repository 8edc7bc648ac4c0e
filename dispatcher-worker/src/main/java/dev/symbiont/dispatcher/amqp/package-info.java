/// Work in from the tiers' queues, ends out.
@NullMarked
package dev.symbiont.dispatcher.amqp;

import org.jspecify.annotations.NullMarked;
