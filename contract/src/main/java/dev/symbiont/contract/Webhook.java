package dev.symbiont.contract;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Something that has happened, for somebody who wants to be called over HTTP.
///
/// @param id the same whenever the same is told
/// @param url who is called
/// @param event what has happened, such as `task.succeeded`
/// @param at when
/// @param data what there is to say
/// @param attempt from 1
/// @param failure of the attempt before
public record Webhook(
    String id,
    String url,
    String event,
    Instant at,
    JsonNode data,
    int attempt,
    @Nullable String failure)
    implements Message {

  private static final int MAX_URL = 2_000;

  public Webhook {
    InvalidFieldException.require("id", id);
    InvalidFieldException.require("event", event);
    InvalidFieldException.require("at", at);
    InvalidFieldException.require("data", data);
    requireUrl("url", url);
    attempt = Math.max(1, attempt);
  }

  public Webhook again(String why) {
    return new Webhook(id, url, event, at, data, attempt + 1, why);
  }

  /// As if it had never been tried.
  public Webhook afresh() {
    return new Webhook(id, url, event, at, data, 1, null);
  }

  static void requireUrl(String field, @Nullable String url) {
    InvalidFieldException.require(field, url);
    try {
      var uri = new URI(String.valueOf(url));
      if (String.valueOf(url).length() <= MAX_URL
          && String.valueOf(uri.getScheme()).matches("https?")
          && uri.getHost() != null
          && uri.getRawUserInfo() == null) {
        return;
      }
    } catch (URISyntaxException e) {
      // Told below, like all that is no address.
    }
    throw new InvalidFieldException(
        field,
        "must be an https address without user and password, of at most %d characters"
            .formatted(MAX_URL));
  }
}
