package dev.symbiont.contract;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

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

  /// Where a task that was decided for `tier` may go instead, in this order: the tier's fallbacks,
  /// and then, if that is allowed, the tiers that are cheaper, dearest first.
  public List<String> alternativesTo(String tier, Task task) {
    if (!task.mayFallBack()) {
      return List.of();
    }
    Optional<Tier> found = find(tier);
    boolean downgrade =
        task.allowDowngrade() == null
            ? found.map(Tier::allowDowngrade).orElse(false)
            : task.allowDowngrade();
    return Stream.concat(
            found.stream().flatMap(it -> it.fallback().stream()),
            downgrade ? cheaperThan(tier).stream() : Stream.of())
        .filter(it -> !it.equals(tier))
        .distinct()
        .toList();
  }

  /// The tiers that are cheaper, dearest first.
  public List<String> cheaperThan(String tier) {
    int index = names().indexOf(tier);
    return index <= 0 ? List.of() : names().subList(0, index).reversed();
  }
}
