/// Calls those who want to know, as the Standard Webhooks specification has it.
@NullMarked
package dev.symbiont.gateway.webhook;

import org.jspecify.annotations.NullMarked;
