/// Tasks in from the inbox, and out to the tiers.
@NullMarked
package dev.symbiont.router.amqp;

import org.jspecify.annotations.NullMarked;
