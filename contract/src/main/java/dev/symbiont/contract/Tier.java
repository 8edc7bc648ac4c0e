package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;

/// A tier as configured under `symbiont.tiers`.
///
/// @param adapter `claude`, or `exec` for any other command line program; a dispatcher says if it
///   has no such adapter
/// @param model the model name that the adapter asks for
/// @param purpose what the tier is for; the classifier reads it
/// @param rate calls per period
/// @param concurrency calls that one worker makes at a time
/// @param timeout our own deadline for one call
/// @param typicalCostUsd reserved for a call until its cost is known
/// @param fallback the tiers to try in this order when this one cannot answer
/// @param allowDowngrade whether cheaper tiers may answer when neither it nor its fallbacks can
/// @param slowDown what to do when the provider says that a limit comes near
/// @param onUnknown what to do with a task after a call of which nobody knows the end
/// @param isolation of tasks that do not say; `exec` has a process for each call anyway
/// @param command argument template of the `exec` adapter
public record Tier(
    String name,
    String adapter,
    String model,
    String purpose,
    Rate rate,
    int concurrency,
    Duration timeout,
    Prices prices,
    BigDecimal typicalCostUsd,
    List<String> fallback,
    boolean allowDowngrade,
    SlowDown slowDown,
    OnUnknown onUnknown,
    Isolation isolation,
    List<String> command) {

  @SuppressWarnings("ConstantValue") // settings may leave out anything
  public Tier {
    require(
        name != null && name.matches("[a-z0-9][a-z0-9-]{0,30}"), "name", "must match [a-z0-9-]");
    adapter = adapter == null ? "claude" : adapter;
    model = model == null ? name : model;
    purpose = purpose == null ? "" : purpose;
    rate = rate == null ? new Rate(600, Duration.ofMinutes(1)) : rate;
    concurrency = concurrency == 0 ? 2 : concurrency;
    require(concurrency > 0, name, "concurrency must be positive");
    timeout = timeout == null ? Duration.ofMinutes(10) : timeout;
    require(timeout.isPositive(), name, "timeout must be positive");
    prices = prices == null ? Prices.FREE : prices;
    typicalCostUsd = typicalCostUsd == null ? BigDecimal.ZERO : typicalCostUsd;
    slowDown = slowDown == null ? SlowDown.DEFAULT : slowDown;
    onUnknown = onUnknown == null ? OnUnknown.RETRY : onUnknown;
    isolation = isolation == null ? Isolation.CONVERSATION : isolation;
    fallback = fallback == null ? List.of() : List.copyOf(fallback);
    command = command == null ? List.of() : List.copyOf(command);
    require(
        command.isEmpty() != adapter.equals("exec"),
        name,
        "the exec adapter needs a command, others none");
  }

  /// Whether a call that may have been paid for is made again.
  public enum OnUnknown {
    RETRY,
    FAIL
  }

  /// So many calls in any stretch of time of this length.
  public record Rate(int calls, Duration period) {

    /// Grants are counted, and calls begin a little later; over less time the difference would
    /// show.
    private static final Duration SHORTEST = Duration.ofSeconds(10);

    public Rate {
      require(calls > 0, "rate", "calls must be positive");
      require(period.compareTo(SHORTEST) >= 0, "rate", "period must be 10s or longer");
    }
  }

  /// From a utilisation of `at` on, the rate is multiplied by `factor` until the limit begins anew.
  public record SlowDown(BigDecimal at, BigDecimal factor) {

    public static final SlowDown DEFAULT =
        new SlowDown(new BigDecimal("0.9"), new BigDecimal("0.5"));

    public SlowDown {
      require(isShare(at) && isShare(factor), "slow-down", "at and factor must be between 0 and 1");
    }

    private static boolean isShare(BigDecimal number) {
      return number.signum() > 0 && number.compareTo(BigDecimal.ONE) <= 0;
    }
  }

  /// US dollars per million tokens.
  public record Prices(
      BigDecimal input, BigDecimal output, BigDecimal cacheWrite, BigDecimal cacheRead) {

    public static final Prices FREE =
        new Prices(BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO);

    private static final int MILLION_DIGITS = 6;

    public BigDecimal cost(long in, long out, long written, long read) {
      return input
          .multiply(BigDecimal.valueOf(in))
          .add(output.multiply(BigDecimal.valueOf(out)))
          .add(cacheWrite.multiply(BigDecimal.valueOf(written)))
          .add(cacheRead.multiply(BigDecimal.valueOf(read)))
          .movePointLeft(MILLION_DIGITS)
          .stripTrailingZeros();
    }
  }

  private static void require(boolean condition, String where, String problem) {
    if (!condition) {
      throw new IllegalArgumentException("symbiont.tiers[" + where + "]: " + problem);
    }
  }
}
