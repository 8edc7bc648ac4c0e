package dev.symbiont.contract;

import org.jspecify.annotations.Nullable;

/// Where the end of a task is sent, beside the ledger.
///
/// @param key reply key of the gateway that waits, on the flow exchange
/// @param queue the producer's own queue
/// @param correlationId given back to the producer as it came
public record Reply(@Nullable String key, @Nullable String queue, @Nullable String correlationId) {

  public static final Reply NONE = new Reply(null, null, null);

  public static Reply toGateway(String key) {
    return new Reply(key, null, null);
  }
}
