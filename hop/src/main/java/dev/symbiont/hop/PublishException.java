package dev.symbiont.hop;

/// A message was not taken over by the broker.
public final class PublishException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final Problem problem;

  PublishException(Problem problem, Parcel parcel, String detail) {
    super("%s: %s: %s".formatted(parcel, problem.text, detail));
    this.problem = problem;
  }

  public Problem problem() {
    return problem;
  }

  /// Whether publishing it again may help.
  boolean mayPass() {
    return switch (problem) {
      case UNROUTABLE, REFUSED, LOST, BLOCKED -> true;
      case TOO_LARGE, CLOSED -> false;
    };
  }

  /// What went wrong.
  public enum Problem {
    UNROUTABLE("no queue took it"),
    REFUSED("the broker refused it"),
    LOST("the connection ended before it was confirmed"),
    BLOCKED("the broker accepts nothing now"),
    TOO_LARGE("its headers do not fit a frame"),
    CLOSED("this process is stopping");

    private final String text;

    Problem(String text) {
      this.text = text;
    }
  }
}
