package dev.symbiont.contract;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "dev.symbiont.contract",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ContractArchitectureTest {

  @ArchTest
  static final ArchRule CONTRACT_STANDS_ON_JDK_JACKSON_AND_JSPECIFY =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.symbiont.contract..",
              "java..",
              "tools.jackson..",
              "com.fasterxml.jackson.annotation..",
              "org.jspecify.annotations..");

  @ArchTest
  static final ArchRule TOPOLOGY_KNOWS_NO_JSON =
      noClasses()
          .that()
          .resideInAPackage("..topology..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("tools.jackson..", "com.fasterxml.jackson..", "..contract.wire..");

  @ArchTest
  static final ArchRule MESSAGES_KNOW_NEITHER_CODEC_NOR_BROKER =
      noClasses()
          .that()
          .resideInAPackage("dev.symbiont.contract")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..contract.wire..", "..contract.topology..");

  @ArchTest
  static final ArchRule RECORDS_ARE_FINAL_THROUGHOUT =
      fields().that().areDeclaredInClassesThat().areRecords().should().beFinal();

  @ArchTest
  static final ArchRule MESSAGES_ARE_RECORDS =
      classes().that().implement(Message.class).and().areNotInterfaces().should().beRecords();

  @ArchTest
  static final ArchRule NAMES_SAY_WHAT_A_CLASS_DOES =
      noClasses()
          .should()
          .haveNameMatching(".*(Util|Utils|Helper|Manager|Impl)")
          .orShould()
          .haveSimpleNameStartingWith("Abstract")
          .orShould()
          .haveSimpleNameStartingWith("Base");
}
