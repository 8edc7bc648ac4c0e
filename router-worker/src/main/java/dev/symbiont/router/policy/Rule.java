package dev.symbiont.router.policy;

import dev.symbiont.contract.AcceptedTask;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A prompt in which the pattern is found goes to the tier.
public record Rule(Pattern pattern, String tier) {

  private static final Logger log = LoggerFactory.getLogger(Rule.class);

  /// A pattern that cannot be evaluated on this prompt does not match it.
  boolean matches(AcceptedTask accepted) {
    String prompt = accepted.task().task();
    try {
      return pattern.matcher(prompt).find();
    } catch (StackOverflowError e) {
      // Alternatives under a star, as in (a|b)*, recurse once per character.
      log.warn(
          "rule '{}' is too deep for the {} characters of task {}; write it without a group under a star",
          pattern,
          prompt.length(),
          accepted.taskId());
      return false;
    }
  }
}
