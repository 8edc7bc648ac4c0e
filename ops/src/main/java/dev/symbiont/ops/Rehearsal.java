package dev.symbiont.ops;

/// Several commands in one process, which ends without a word on how they ended. The launcher lets
/// Java lay out beforehand what they load.
final class Rehearsal {

  private Rehearsal() {}

  public static void main(String[] commands) {
    for (String command : commands) {
      var _ = Symbiont.commandLine(command).execute(command);
    }
  }
}
