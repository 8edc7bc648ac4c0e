package dev.symbiont.gateway.intake;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What the gateway is told; its address and port are Spring Boot's `server.address` and
/// `server.port`.
///
/// @param patience how long `POST /task` waits before it answers 202
/// @param mostWaiting tasks in the queues before no more are accepted; as many as come if 0
@ConfigurationProperties("symbiont.gateway")
public record IntakeSettings(
    @DefaultValue("10m") Duration patience, @DefaultValue("1000000") long mostWaiting) {}
