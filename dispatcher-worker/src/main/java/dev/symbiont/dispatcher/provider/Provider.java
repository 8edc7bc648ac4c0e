package dev.symbiont.dispatcher.provider;

/// A way to have a prompt answered by a command line program.
public interface Provider extends AutoCloseable {

  /// Makes the call and returns when it is over and nothing of it is left running. Never throws for
  /// what a program may do; an interrupt ends the call, which is then
  /// [dev.symbiont.contract.Outcome.Cancelled].
  Ending make(Call call);

  /// Ends what it keeps running between calls.
  @Override
  default void close() {}
}
