package dev.symbiont.dispatcher;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.symbiont.dispatcher", importOptions = DoNotIncludeTests.class)
class BoundariesTest {

  @ArchTest
  static final ArchRule workNeedsNeitherSpringNorBroker =
      noClasses()
          .that()
          .resideInAnyPackage("..dispatcher.attempt..", "..dispatcher.provider..", "..process..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.springframework..", "com.rabbitmq..", "dev.symbiont.hop..");

  @ArchTest
  static final ArchRule onlyTheEdgeMeetsTheBroker =
      noClasses()
          .that()
          .resideOutsideOfPackages("dev.symbiont.dispatcher", "dev.symbiont.dispatcher.amqp..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.symbiont.hop..");

  @ArchTest
  static final ArchRule nobodyTalksToTheClientLibrary =
      noClasses().should().dependOnClassesThat().resideInAPackage("com.rabbitmq..");

  @ArchTest
  static final ArchRule processesKnowNothingOfCalls =
      classes()
          .that()
          .resideInAPackage("..dispatcher.process..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("java..", "org.jspecify..", "dev.symbiont.dispatcher.process..");

  @ArchTest
  static final ArchRule providersKnowNothingOfAttempts =
      noClasses()
          .that()
          .resideInAPackage("..dispatcher.provider..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("..dispatcher.attempt..");
}
