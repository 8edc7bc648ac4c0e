package dev.symbiont.contract;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/// The configured tiers, cheapest first.
public record Tiers(List<Tier> all) {

  /// For readers of old entries, which decide nothing.
  public static final Tiers NONE = new Tiers(List.of());

  public Tiers {
    all = List.copyOf(all);
    var names = new HashSet<String>();
    for (Tier tier : all) {
      if (!names.add(tier.name())) {
        throw new IllegalArgumentException("symbiont.tiers: " + tier.name() + " is there twice");
      }
    }
    for (Tier tier : all) {
      for (String next : tier.fallback()) {
        if (!names.contains(next)) {
          throw new IllegalArgumentException(
              "symbiont.tiers[%s]: fallback names the unknown tier '%s' (known: %s)"
                  .formatted(
                      tier.name(), next, String.join(", ", all.stream().map(Tier::name).toList())));
        }
      }
    }
  }

  public List<String> names() {
    return all.stream().map(Tier::name).toList();
  }

  public Optional<Tier> find(String name) {
    return all.stream().filter(tier -> tier.name().equals(name)).findFirst();
  }

  /// The tier of that name; `setting` says who asks, for the message if there is none.
  public Tier require(String name, String setting) {
    return find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s: unknown tier '%s' (known: %s)"
                        .formatted(setting, name, String.join(", ", names()))));
  }

  public Tier cheapest() {
    return all.getFirst();
  }

  /// Where a task goes after `tier`, if anywhere: the first of its fallbacks that was not tried.
  public Optional<Tier> fallbackOf(String tier, Collection<String> tried) {
    return find(tier).stream()
        .flatMap(it -> it.fallback().stream())
        .filter(next -> !tried.contains(next) && !next.equals(tier))
        .findFirst()
        .flatMap(this::find);
  }
}
