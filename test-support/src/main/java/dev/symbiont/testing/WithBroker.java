package dev.symbiont.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/// The test meets a real RabbitMQ, as a parameter of type [TestBroker], without any queue of an
/// earlier test.
///
/// The system property `symbiont.test.broker` says which: `private` (a node of the test run's own),
/// `container` (Testcontainers), or an address.
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(BrokerExtension.class)
public @interface WithBroker {}
