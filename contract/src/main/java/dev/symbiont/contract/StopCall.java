package dev.symbiont.contract;

/// To the worker that makes a call: end it, nobody wants it any more.
public record StopCall(String callId) implements Message {}
