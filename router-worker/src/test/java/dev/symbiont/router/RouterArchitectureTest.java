package dev.symbiont.router;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "dev.symbiont.router",
    importOptions = ImportOption.DoNotIncludeTests.class)
class RouterArchitectureTest {

  @ArchTest
  static final ArchRule THE_CHOICE_KNOWS_NEITHER_SPRING_NOR_BROKER =
      noClasses()
          .that()
          .resideInAPackage("..router.policy..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.springframework..",
              "com.rabbitmq..",
              "dev.symbiont.hop..",
              "dev.symbiont.contract.topology..",
              "dev.symbiont.router",
              "dev.symbiont.router.amqp..");

  @ArchTest
  static final ArchRule THE_DESK_KNOWS_NO_SETTINGS_AND_NO_SPRING =
      noClasses()
          .that()
          .resideInAPackage("..router.amqp..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.springframework..", "dev.symbiont.router");

  @ArchTest
  static final ArchRule ONLY_HOP_OPENS_CHANNELS =
      noClasses()
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("com.rabbitmq.client.Channel");

  @ArchTest
  static final ArchRule A_ROUTER_KNOWS_NO_OTHER_ROLE =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.symbiont.gateway..",
              "dev.symbiont.dispatcher..",
              "dev.symbiont.ledger..",
              "dev.symbiont.ops..");
}
