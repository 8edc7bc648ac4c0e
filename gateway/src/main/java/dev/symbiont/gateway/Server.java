package dev.symbiont.gateway;

import jakarta.servlet.Filter;
import java.io.IOException;
import org.eclipse.jetty.ee11.webapp.AbstractConfiguration;
import org.eclipse.jetty.ee11.webapp.WebAppContext;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.ServerConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jetty.servlet.JettyServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.web.filter.ShallowEtagHeaderFilter;
import org.springframework.web.servlet.config.annotation.ViewControllerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/// The server itself: where the pages to browse are, and how it says that a request is none.
@Configuration(proxyBeanMethods = false)
class Server implements WebMvcConfigurer, WebServerFactoryCustomizer<JettyServletWebServerFactory> {

  private static final Logger log = LoggerFactory.getLogger(Server.class);

  /// Callers who may come at the same moment.
  private static final int AT_ONCE = 1_000;

  /// Who has more than that left is hung up on: twice what anybody may send.
  private static final int MOST_LEFT = 32 * 1024 * 1024;

  @Override
  public void customize(JettyServletWebServerFactory factory) {
    var problems = new ProblemHandler();
    factory.addServerCustomizers(
        server -> {
          server.setErrorHandler(problems);
          for (Connector each : server.getConnectors()) {
            ((ServerConnector) each).setAcceptQueueSize(AT_ONCE);
            each.getConnectionFactory(HttpConnectionFactory.class)
                .getHttpConfiguration()
                .addCustomizer(Server::refuseTrace);
          }
        });
    // After Spring's own configurations, one of which sets a handler that makes pages.
    factory.addConfigurations(
        new AbstractConfiguration(new AbstractConfiguration.Builder()) {
          @Override
          public void configure(WebAppContext context) {
            context.setErrorHandler(problems);
          }
        });
  }

  /// Nobody is shown the headers that something on the way has added to his request.
  private static Request refuseTrace(Request request, HttpFields.Mutable headers) {
    if (HttpMethod.TRACE.is(request.getMethod())) {
      throw new HttpException.RuntimeException(HttpStatus.METHOD_NOT_ALLOWED_405);
    }
    return request;
  }

  /// Who has a list already is told that it is the same.
  @Bean
  FilterRegistrationBean<ShallowEtagHeaderFilter> entityTags() {
    var filter = new FilterRegistrationBean<>(new ShallowEtagHeaderFilter());
    filter.addUrlPatterns(
        "/tasks", "/ledger", "/ledger/stats", "/tiers", "/dead-letters", "/openapi.json");
    return filter;
  }

  /// Reads what is left of a body that was of no interest. The server would hang up on a caller who
  /// is still sending it, without a word, and his next request would be lost. Comes before the keys
  /// are looked at: who has a wrong one shall hear of it.
  @Bean
  FilterRegistrationBean<Filter> leftovers() {
    var filter =
        new FilterRegistrationBean<Filter>(
            (request, response, chain) -> {
              chain.doFilter(request, response);
              try {
                var _ = request.getInputStream().skip(MOST_LEFT);
              } catch (IOException e) {
                log.debug("the caller has gone: {}", e.toString());
              }
            });
    filter.setOrder(Ordered.HIGHEST_PRECEDENCE + 1);
    return filter;
  }

  @Override
  public void addViewControllers(ViewControllerRegistry registry) {
    registry.addRedirectViewController("/docs", "/docs/index.html");
    registry.addRedirectViewController("/dashboard", "/dashboard/");
    registry.addViewController("/dashboard/").setViewName("forward:/dashboard/index.html");
  }
}
