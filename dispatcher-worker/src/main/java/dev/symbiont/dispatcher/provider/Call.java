package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Tier;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A granted call, as a provider needs it.
///
/// @param folder empty, private to this call, and gone after it
/// @param timeout after which the call is ended
public record Call(
    String callId,
    Tier tier,
    Purpose purpose,
    String prompt,
    @Nullable String system,
    @Nullable JsonNode jsonSchema,
    Path folder,
    Duration timeout) {}
