package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.wire.Codec;
import java.util.List;
import java.util.Optional;

/// Who is called when a tier changes.
///
/// @param url the address
/// @param events such as `tier.limited`; `tier.limited` and `tier.open` if empty
public record TierWatcher(String url, List<String> events) {

  private static final List<String> DEFAULT = List.of("tier.limited", "tier.open");

  @SuppressWarnings("ConstantValue") // settings may leave out anything
  public TierWatcher {
    events = events == null || events.isEmpty() ? DEFAULT : List.copyOf(events);
    if (url == null || url.isBlank()) {
      throw new IllegalArgumentException("symbiont.ledger.webhooks: url is needed");
    }
  }

  /// A ledger-writer that starts tells of a tier that is closed once more, with the same id.
  Optional<Webhook> call(TierState state) {
    String event = "tier." + state.phase().wire();
    return events.contains(event)
        ? Optional.of(
            new Webhook(
                "msg_tier.%s.%s.%d"
                    .formatted(state.tier(), state.phase().wire(), state.since().toEpochMilli()),
                url,
                event,
                state.since(),
                Codec.mapper().valueToTree(state),
                1,
                null))
        : Optional.empty();
  }
}
