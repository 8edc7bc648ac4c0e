package dev.symbiont.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.math.BigDecimal;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A key to the gateways, as the ledger keeps it: never its text, only hashes of that.
///
/// @param id the part of its text by which it is found
/// @param name whose it is, in words for operators
/// @param labels that each of its tasks has; a task cannot say otherwise
/// @param usdPerDay what its tasks may cost in a day (UTC); no bound if absent
/// @param whenSpent what becomes of its tasks then
/// @param secrets of the texts that open; several while one replaces another
/// @param version one more with every change
public record AccessKey(
    String id,
    String name,
    Set<Scope> scopes,
    Map<String, String> labels,
    @Nullable BigDecimal usdPerDay,
    WhenSpent whenSpent,
    List<Secret> secrets,
    Instant createdAt,
    @Nullable Instant expiresAt,
    @Nullable Instant revokedAt,
    int version) {

  /// The label by which a task is known to be a key's.
  public static final String LABEL = Task.RESERVED_LABELS + "key";

  private static final Pattern ID = Pattern.compile("[a-z0-9]{8,16}");
  private static final int MAX_NAME = 100;
  private static final int MAX_LABELS = 16;

  /// One text that opens.
  ///
  /// @param sha256 of the whole text, in hexadecimal digits. A slow hash would protect words that
  ///   can be guessed; these are 190 random bits.
  /// @param until when it no longer opens; absent for the latest
  public record Secret(String sha256, @Nullable Instant until) {}

  @SuppressWarnings("ConstantValue") // JSON may leave out anything
  public AccessKey {
    if (id == null || !ID.matcher(id).matches()) {
      throw new InvalidFieldException("id", "must match " + ID.pattern());
    }
    if (name == null || name.isBlank() || name.length() > MAX_NAME) {
      throw new InvalidFieldException("name", "must have 1 to %d characters".formatted(MAX_NAME));
    }
    if (scopes == null || scopes.isEmpty()) {
      throw new InvalidFieldException("scopes", "at least one is needed");
    }
    InvalidFieldException.require("created_at", createdAt);
    if (usdPerDay != null && usdPerDay.signum() <= 0) {
      throw new InvalidFieldException("usd_per_day", "must be positive");
    }
    scopes = Collections.unmodifiableSortedSet(new TreeSet<>(scopes));
    labels = labels == null ? Map.of() : Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    if (labels.size() > MAX_LABELS) {
      throw new InvalidFieldException("labels", "at most " + MAX_LABELS + " are allowed");
    }
    if (labels.keySet().stream().anyMatch(it -> it.startsWith(Task.RESERVED_LABELS))) {
      throw new InvalidFieldException("labels", Task.RESERVED_LABELS_PROBLEM);
    }
    whenSpent = whenSpent == null ? WhenSpent.WAIT : whenSpent;
    secrets = secrets == null ? List.of() : List.copyOf(secrets);
  }

  /// Whether this text opens now. Takes the same time for every wrong one.
  public boolean opens(KeyText text, Instant now) {
    boolean alive =
        revokedAt == null && (expiresAt == null || now.isBefore(expiresAt)) && text.id().equals(id);
    boolean known = false;
    for (Secret secret : secrets) {
      known |=
          MessageDigest.isEqual(text.sha256().getBytes(US_ASCII), secret.sha256.getBytes(US_ASCII))
              && (secret.until == null || now.isBefore(secret.until));
    }
    return alive && known;
  }

  @JsonIgnore
  public boolean isRevoked() {
    return revokedAt != null;
  }

  /// With another text, beside which the old ones open until then.
  public AccessKey rotated(KeyText text, Instant oldUntil) {
    var kept =
        secrets.stream()
            .map(
                it ->
                    it.until != null && it.until.isBefore(oldUntil)
                        ? it
                        : new Secret(it.sha256, oldUntil));
    return with(
        Stream.concat(kept, Stream.of(new Secret(text.sha256(), null))).toList(), null, version);
  }

  public AccessKey revoked(Instant at) {
    return with(secrets, at, version);
  }

  public AccessKey withVersion(int newVersion) {
    return with(secrets, revokedAt, newVersion);
  }

  private AccessKey with(List<Secret> newSecrets, @Nullable Instant newRevokedAt, int newVersion) {
    return new AccessKey(
        id,
        name,
        scopes,
        labels,
        usdPerDay,
        whenSpent,
        newSecrets,
        createdAt,
        expiresAt,
        newRevokedAt,
        newVersion);
  }
}
