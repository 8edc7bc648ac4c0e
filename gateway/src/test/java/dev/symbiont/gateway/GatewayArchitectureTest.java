package dev.symbiont.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packagesOf = GatewayApplication.class,
    importOptions = ImportOption.DoNotIncludeTests.class)
class GatewayArchitectureTest {

  @ArchTest
  static final ArchRule meetsTheOtherRolesOnTheBrokerOnly =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.symbiont.router..", "dev.symbiont.dispatcher..", "dev.symbiont.ledger..");

  @ArchTest
  static final ArchRule neverTouchesTheBrokerItself =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("com.rabbitmq..", "org.springframework.amqp..");

  @ArchTest
  static final ArchRule statusKnowsNothingOfIntake =
      noClasses()
          .that()
          .resideInAPackage("..status..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("..intake..");
}
