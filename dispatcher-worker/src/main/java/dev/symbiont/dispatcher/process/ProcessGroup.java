package dev.symbiont.dispatcher.process;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// A process and all its descendants that did not leave its group. The JDK can end single processes
/// only, and a grandchild whose parent has died is no descendant any more.
final class ProcessGroup {

  static final int SIGTERM = 15;
  static final int SIGKILL = 9;

  private static final MethodHandle KILL = kill();

  private ProcessGroup() {}

  /// Signals every member; nothing happens if there is none left.
  static void signal(long leader, int signal) {
    try {
      int _ = (int) KILL.invokeExact(Math.toIntExact(-leader), signal);
    } catch (Throwable e) {
      throw new IllegalStateException("kill(2) cannot be called", e);
    }
  }

  @SuppressWarnings("restricted") // a call into the C library is the only way to signal a group
  private static MethodHandle kill() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("kill"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  }
}
