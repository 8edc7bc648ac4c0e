package dev.symbiont.contract;

/// Anything that travels between parts as the body of an AMQP message.
public sealed interface Message
    permits Task,
        Event,
        Result,
        GrantRequest,
        GrantAnswer,
        StopCall,
        TierState,
        LedgerQuery,
        LedgerAnswer,
        PartialText,
        WorkerBeat,
        Webhook {}
