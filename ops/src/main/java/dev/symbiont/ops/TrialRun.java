package dev.symbiont.ops;

/// Several commands in one process, for the launcher: Java lays out beforehand what they load. How
/// they end does not matter.
final class TrialRun {

  private TrialRun() {}

  public static void main(String[] commands) {
    for (String command : commands) {
      var _ = Symbiont.commandLine(command).execute(command);
    }
  }
}
