package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// What the gateway says: whether it is one, whether it reaches the ledger-writer, what was set
/// aside, and how late it is where it and the workers run.
final class GatewayCheck {

  private static final int CONNECT_MILLIS = 2_000;
  private static final int MOST = 1_000;

  /// What deadlines and limits can be wrong by without harm.
  private static final Duration SKEW = Duration.ofSeconds(5);

  /// A worker says something every few seconds, and is not named any more after ten.
  private static final Duration SILENCE = Duration.ofSeconds(15);

  private final Gateway gateway;
  private final Findings findings;

  GatewayCheck(Gateway gateway, Findings findings) {
    this.gateway = gateway;
    this.findings = findings;
  }

  void make() {
    if (!somebodyListens()) {
      findings.fail(
          "gateway",
          "nobody listens at %s; start ./symbiont up, or ./symbiont start gateway"
              .formatted(gateway.address()));
      return;
    }
    Gateway.Answer status = status();
    if (status.wantsKey()) {
      findings.ok("gateway", gateway.address());
      findings.unknown(
          "dead letters", "the gateway wants a key that may see them; set SYMBIONT_KEY");
    } else if (!status.body().has("api_uptime_seconds")) {
      findings.fail(
          "gateway",
          "something else has %s; stop it, or set SYMBIONT_PORT to another port for the gateway"
              .formatted(gateway.address()));
      return;
    } else {
      ledger(status.body());
    }
    clocks(status.body());
  }

  private boolean somebodyListens() {
    URI address = URI.create(gateway.address());
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(address.getHost(), address.getPort()), CONNECT_MILLIS);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private Gateway.Answer status() {
    try {
      return gateway.get("/status");
    } catch (SetupException e) {
      return new Gateway.Answer(0, Codec.mapper().nullNode());
    }
  }

  private void ledger(JsonNode status) {
    if (!status.has("queue_size")) {
      findings.fail(
          "gateway",
          "no ledger-writer answers %s; start one with ./symbiont start ledger, or look into its log"
              .formatted(gateway.address()));
      findings.unknown("dead letters", "only the ledger-writer knows");
      return;
    }
    findings.ok("gateway", gateway.address() + ", and the ledger-writer answers it");
    try {
      letters(gateway.get(Query.of("/dead-letters").with("limit", MOST).toString()).orFail());
    } catch (SetupException e) {
      findings.unknown("dead letters", String.valueOf(e.getMessage()));
    }
  }

  private void letters(JsonNode answer) {
    long total = answer.path("total").asLong(0);
    Set<String> unknown = new LinkedHashSet<>();
    long ofUnknown = 0;
    for (JsonNode letter : answer.path("dead_letters")) {
      String reason = letter.path("reason").asString("");
      if (reason.contains("unknown tier")) {
        unknown.add(reason);
        ofUnknown++;
      }
    }
    if (ofUnknown > 0) {
      findings.warn(
          "dead letters",
          "%d name an %s; configure it in symbiont.yml, or ./symbiont dead-letters replay ID --tier TIER, or discard ID"
              .formatted(ofUnknown, String.join("; ", unknown)));
    }
    if (total > ofUnknown) {
      findings.warn(
          "dead letters",
          "%d %swait; ./symbiont dead-letters group says why"
              .formatted(total - ofUnknown, ofUnknown > 0 ? "others " : ""));
    }
    if (total == 0) {
      findings.ok("dead letters", "none");
    }
  }

  private void clocks(JsonNode status) {
    var ahead = gateway.ahead();
    boolean right = true;
    if (ahead.isPresent() && ahead.get().abs().compareTo(SKEW) > 0) {
      right = false;
      differs("the gateway's", ahead.get());
    }
    for (JsonNode worker : status.path("workers")) {
      Duration beat = sinceNow(worker.path("at").asString(""));
      if (beat.compareTo(SKEW) > 0 || beat.negated().compareTo(SILENCE) > 0) {
        right = false;
        differs("that of " + worker.path("worker").asString(""), beat);
      }
    }
    if (right) {
      findings.ok("clocks", "they agree with this one");
    }
  }

  private void differs(String whose, Duration ahead) {
    findings.warn(
        "clocks",
        "%s is %s %s this one's; have both set by NTP: deadlines and limits depend on it"
            .formatted(
                whose, Shown.duration(ahead.abs()), ahead.isNegative() ? "behind" : "ahead of"));
  }

  private static Duration sinceNow(String time) {
    try {
      return Duration.between(Instant.now(), Instant.parse(time));
    } catch (DateTimeParseException e) {
      return Duration.ZERO;
    }
  }
}
