package dev.symbiont.gateway.webhook;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// How others are called.
///
/// @param secret that each call is signed with; without it this gateway calls nobody, and refuses
///   tasks that ask for it
/// @param allowPrivate whether addresses of private networks and plain http are called as well
@ConfigurationProperties("symbiont.gateway.webhooks")
public record WebhookSettings(
    @DefaultValue("") String secret, @DefaultValue("false") boolean allowPrivate) {

  boolean isOn() {
    return !secret.isBlank();
  }

  /// Not the secret.
  @Override
  public String toString() {
    return "WebhookSettings[secret=%s, allowPrivate=%s]"
        .formatted(isOn() ? "…" : "none", allowPrivate);
  }
}
