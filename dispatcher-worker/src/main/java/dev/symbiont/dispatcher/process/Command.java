package dev.symbiont.dispatcher.process;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// A program to run.
///
/// @param environment all that it sees; nothing of ours is inherited
/// @param folder its working directory
/// @param timeout after which it is ended
public record Command(
    List<String> arguments,
    Map<String, String> environment,
    Path folder,
    String input,
    Duration timeout) {}
