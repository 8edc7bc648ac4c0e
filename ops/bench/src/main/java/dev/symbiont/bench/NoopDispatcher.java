package dev.symbiont.bench;

import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Usage;
import dev.symbiont.dispatcher.DispatcherApplication;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.dispatcher.provider.Provider;
import java.math.BigDecimal;
import java.util.concurrent.CountDownLatch;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// A dispatcher that has one more adapter, `noop`, which answers at once without any program. All
/// else about it is as ever.
final class NoopDispatcher {

  private NoopDispatcher() {}

  /// The adapter.
  @Configuration(proxyBeanMethods = false)
  static class Adapter {

    @Bean
    Provider noop() {
      var answer = new Outcome.Answered("ok", null, false);
      var usage = new Usage(1, 1, 0, 0, new BigDecimal("0.0001"), CostBasis.ESTIMATED, "noop");
      return _ -> new Ending(answer, usage, true);
    }
  }

  public static void main(String[] args) throws InterruptedException {
    new SpringApplicationBuilder(DispatcherApplication.class, Adapter.class)
        .web(WebApplicationType.NONE)
        .run("--spring.config.name=symbiont");
    System.out.printf("dispatcher is up, pid %d%n", ProcessHandle.current().pid());
    new CountDownLatch(1).await();
  }
}
