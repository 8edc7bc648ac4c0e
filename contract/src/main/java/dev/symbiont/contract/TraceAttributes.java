package dev.symbiont.contract;

/// Attributes of spans that OpenTelemetry's conventions have no word for and several roles use.
public final class TraceAttributes {

  public static final String TASK = "symbiont.task.id";
  public static final String TIER = "symbiont.tier";

  private TraceAttributes() {}
}
