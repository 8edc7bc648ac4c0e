package dev.symbiont.ops.chaos;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.OptionalLong;

/// What the kernel says of a file's pages in memory, through cachestat(2) of Linux 6.5 and later.
/// The only way to see from outside whether a process that claims to have forced a file has done
/// so, short of cutting the power.
final class PageCache {

  private static final long CACHESTAT = 451;
  private static final int READ_ONLY = 0;
  private static final int RANGE_WORDS = 2;
  private static final int STAT_WORDS = 5;
  private static final int DIRTY = 1;
  private static final int WRITEBACK = 2;

  private PageCache() {}

  /// Pages of this file that are not on disk; nothing if the kernel does not say.
  @SuppressWarnings("restricted") // there is no Java interface to this system call
  static OptionalLong dirtyPages(Path file) {
    Linker linker = Linker.nativeLinker();
    var libc = linker.defaultLookup();
    var open =
        linker.downcallHandle(
            libc.findOrThrow("open"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    var close =
        linker.downcallHandle(
            libc.findOrThrow("close"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    var syscall =
        linker.downcallHandle(
            libc.findOrThrow("syscall"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG),
            Linker.Option.firstVariadicArg(1));
    try (Arena arena = Arena.ofConfined()) {
      int descriptor = (int) open.invokeExact(arena.allocateFrom(file.toString()), READ_ONLY);
      if (descriptor < 0) {
        return OptionalLong.empty();
      }
      // Offset 0 and length 0: all of the file.
      MemorySegment range = arena.allocate(ValueLayout.JAVA_LONG, RANGE_WORDS);
      MemorySegment stat = arena.allocate(ValueLayout.JAVA_LONG, STAT_WORDS);
      long result = (long) syscall.invokeExact(CACHESTAT, (long) descriptor, range, stat, 0L);
      int _ = (int) close.invokeExact(descriptor);
      return result < 0
          ? OptionalLong.empty()
          : OptionalLong.of(
              stat.getAtIndex(ValueLayout.JAVA_LONG, DIRTY)
                  + stat.getAtIndex(ValueLayout.JAVA_LONG, WRITEBACK));
    } catch (Throwable e) {
      throw new IllegalStateException("cachestat(2) cannot be called", e);
    }
  }
}
