package dev.symbiont.gateway;

import org.apache.catalina.core.StandardHost;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.filter.ShallowEtagHeaderFilter;
import org.springframework.web.servlet.config.annotation.ViewControllerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/// The server itself: where the page to browse is, and how it says that a request is none.
@Configuration(proxyBeanMethods = false)
class Server
    implements WebMvcConfigurer, WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

  @Override
  public void customize(TomcatServletWebServerFactory factory) {
    factory.addContextCustomizers(
        context ->
            ((StandardHost) context.getParent())
                .setErrorReportValveClass(ProblemValve.class.getName()));
  }

  /// Who has a list already is told that it is the same.
  @Bean
  FilterRegistrationBean<ShallowEtagHeaderFilter> entityTags() {
    var filter = new FilterRegistrationBean<>(new ShallowEtagHeaderFilter());
    filter.addUrlPatterns(
        "/tasks", "/ledger", "/ledger/stats", "/tiers", "/dead-letters", "/openapi.json");
    return filter;
  }

  @Override
  public void addViewControllers(ViewControllerRegistry registry) {
    registry.addRedirectViewController("/docs", "/docs/index.html");
  }
}
