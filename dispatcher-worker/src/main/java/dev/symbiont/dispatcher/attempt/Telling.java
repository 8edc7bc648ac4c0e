package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.PartialText;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/// Tells the text of one call while it comes: the first of it at once, the rest in pieces that are
/// not too small. The last piece may be missing, as the end of the call has it all.
final class Telling {

  static final Duration NOT_MORE_OFTEN = Duration.ofMillis(100);

  private final String taskId;
  private final String callId;
  private final String model;
  private final Consumer<PartialText> listener;
  private final LongSupplier nanoTime;
  private final StringBuilder untold = new StringBuilder();
  private int told;
  private long toldAt;

  Telling(
      String taskId,
      String callId,
      String model,
      Consumer<PartialText> listener,
      LongSupplier nanoTime) {
    this.taskId = taskId;
    this.callId = callId;
    this.model = model;
    this.listener = listener;
    this.nanoTime = nanoTime;
    this.toldAt = nanoTime.getAsLong() - NOT_MORE_OFTEN.toNanos();
  }

  /// Called by one thread at a time.
  void more(String text) {
    untold.append(text);
    long now = nanoTime.getAsLong();
    int complete = withoutHalf();
    if (complete > 0 && now - toldAt >= NOT_MORE_OFTEN.toNanos()) {
      listener.accept(new PartialText(taskId, callId, model, told, untold.substring(0, complete)));
      untold.delete(0, complete);
      told += complete;
      toldAt = now;
    }
  }

  /// Half of a surrogate pair waits for the other.
  private int withoutHalf() {
    int length = untold.length();
    return length > 0 && Character.isHighSurrogate(untold.charAt(length - 1)) ? length - 1 : length;
  }
}
