package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Asks a gateway for all that [Frame] shows. It may be asked every second: what the ledger has to
/// add up for is asked for seldom enough, and what is not known for now stays as it was.
///
/// | answer | from |
/// | --- | --- |
/// | `ready`, `status`, `tiers`, `tasks` | the gateway, as it says it |
/// | `set_aside` | how many dead letters there are |
/// | `spend` | `/ledger/stats`, with `groups` by hour and tier |
/// | `failed` | of the calls of today (UTC): how many by tier, and whether there are `more` |
/// | `refused` | for each of them that a key does not open, why |
/// | `ledger_at` | when the ledger last said something |
final class Lookout {

  private static final int TASKS = 100;
  private static final int FAILED = 500;

  /// Looking for failures goes through the whole ledger: it may take this part of its time.
  private static final int SHARE = 20;

  private final Gateway gateway;
  private final InstantSource clock;
  private ObjectNode known = Codec.mapper().createObjectNode();
  private Instant sumsNotBefore = Instant.MIN;

  Lookout(Gateway gateway, InstantSource clock) {
    this.gateway = gateway;
    this.clock = clock;
  }

  /// Fails with a [SetupException] if the gateway does not answer, or not to this key.
  Snapshot look() {
    Instant now = clock.instant();
    known = known.deepCopy();
    known.put("at", now.truncatedTo(ChronoUnit.MILLIS).toString());
    known.put("gateway", gateway.address());
    known.set("refused", Codec.mapper().createObjectNode());
    known.set("ready", gateway.get("/health/ready").body());
    Gateway.Answer status = gateway.get("/status");
    if (status.status() == HttpURLConnection.HTTP_UNAUTHORIZED) {
      status.orFail();
    }
    take("status", status);
    // Without a ledger each of the others would only take its time to say so.
    if (status.isError() || status.body().has("queue_size")) {
      askLedger(now);
    }
    return new Snapshot(now, known);
  }

  private void askLedger(Instant now) {
    boolean heard = take("tiers", gateway.get("/tiers"));
    take("tasks", gateway.get(Query.of("/tasks").with("limit", TASKS).toString()));
    Gateway.Answer letters = gateway.get(Query.of("/dead-letters").with("limit", 1).toString());
    if (take("set_aside", letters)) {
      known.set("set_aside", letters.body().path("total"));
    }
    if (!now.isBefore(sumsNotBefore)) {
      addUp(now);
      Instant done = clock.instant();
      sumsNotBefore = done.plus(Duration.between(now, done).multipliedBy(SHARE));
    }
    if (heard) {
      known.put("ledger_at", now.truncatedTo(ChronoUnit.MILLIS).toString());
    }
  }

  private void addUp(Instant now) {
    take("spend", gateway.get(Query.of("/ledger/stats").with("group_by", "hour,tier").toString()));
    Query failures =
        Query.of("/ledger")
            .with("success", false)
            .with("since", now.truncatedTo(ChronoUnit.DAYS))
            .with("limit", FAILED);
    Gateway.Answer failed = gateway.get(failures.toString());
    if (take("failed", failed)) {
      known.set("failed", counted(failed.body()));
    }
  }

  private static ObjectNode counted(JsonNode page) {
    Map<String, Integer> byTier = new TreeMap<>();
    page.path("entries").forEach(it -> byTier.merge(it.path("tier").asString(""), 1, Integer::sum));
    ObjectNode counted = Codec.mapper().createObjectNode().put("more", page.has("next"));
    counted.set("by_tier", Codec.mapper().valueToTree(byTier));
    return counted;
  }

  private boolean take(String name, Gateway.Answer answer) {
    if (answer.isError()) {
      known.withObject("/refused").put(name, answer.detail());
      return false;
    }
    known.set(name, answer.body());
    return true;
  }
}
