package dev.symbiont.ledger;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import java.util.Set;

/// The boundaries inside the ledger-writer, and the one around settling messages.
@AnalyzeClasses(
    packages = {"dev.symbiont.ledger", "dev.symbiont.hop"},
    importOptions = ImportOption.DoNotIncludeTests.class)
class LedgerArchitectureTest {

  private static final String[] PURE = {
    "dev.symbiont.ledger.journal..",
    "dev.symbiont.ledger.arbiter..",
    "dev.symbiont.ledger.index..",
    "dev.symbiont.ledger.writer.."
  };

  @ArchTest
  static final ArchRule whatWritesKnowsNeitherSpringNorTheBroker =
      noClasses()
          .that()
          .resideInAnyPackage(PURE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.springframework..",
              "com.rabbitmq..",
              "dev.symbiont.hop..",
              "dev.symbiont.ledger.amqp..");

  @ArchTest
  static final ArchRule theArbiterTouchesNoFileAndNoDatabase =
      noClasses()
          .that()
          .resideInAPackage("dev.symbiont.ledger.arbiter..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.nio.file..", "java.nio.channels..", "java.io..", "java.sql..");

  @ArchTest
  static final ArchRule onlyTheIndexKnowsTheDatabase =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.symbiont.ledger.index..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.sql..", "org.sqlite..");

  @ArchTest
  static final ArchRule thePackagesDependInOneDirection =
      SlicesRuleDefinition.slices().matching("dev.symbiont.ledger.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule onlyOneClassSettlesMessages =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("dev.symbiont.hop.Unsettled")
          .should()
          .callMethodWhere(names("settle a message", "basicAck", "basicReject", "basicNack"));

  @ArchTest
  static final ArchRule onlyHopsSettleDeliveries =
      noClasses()
          .that()
          .doNotBelongToAnyOf(Hop.class, Delivery.class)
          .should()
          .callMethodWhere(
              describe(
                  "settle a delivery",
                  (JavaCall<?> call) ->
                      call.getTargetOwner().isEquivalentTo(Delivery.class)
                          && Set.of("acknowledge", "acknowledgeUpToHere", "putBack")
                              .contains(call.getName())));

  @ArchTest
  static final ArchRule onlyTheHopModuleOpensChannels =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.symbiont.hop..")
          .should()
          .callMethodWhere(
              names("open a channel", "createChannel", "basicPublish", "basicConsume"));

  @ArchTest
  static final ArchRule nobodyOutsideOfHopCanSettleADelivery =
      methods()
          .that()
          .areDeclaredIn(Delivery.class)
          .and()
          .haveNameMatching("acknowledge|putBack|settle")
          .should()
          .notBePublic()
          .andShould()
          .notBeProtected();

  private static DescribedPredicate<JavaCall<?>> names(String description, String... names) {
    return describe(description, call -> Set.of(names).contains(call.getName()));
  }
}
