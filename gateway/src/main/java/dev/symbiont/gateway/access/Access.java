package dev.symbiont.gateway.access;

import static org.springframework.http.HttpMethod.DELETE;
import static org.springframework.http.HttpMethod.GET;
import static org.springframework.http.HttpMethod.POST;

import dev.symbiont.contract.Scope;
import dev.symbiont.gateway.Problem;
import dev.symbiont.hop.Vitals;
import jakarta.servlet.DispatcherType;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.annotation.web.configurers.AuthorizeHttpRequestsConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.header.HeaderWriter;
import org.springframework.security.web.header.writers.CompositeHeaderWriter;
import org.springframework.security.web.header.writers.ContentSecurityPolicyHeaderWriter;
import org.springframework.security.web.header.writers.DelegatingRequestMatcherHeaderWriter;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.header.writers.StaticHeadersWriter;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;

/// Which scope opens what. Whatever is not named here is an operator's.
@Configuration(proxyBeanMethods = false)
@EnableWebSecurity
@EnableConfigurationProperties(AccessSettings.class)
class Access {

  private static final Set<String> LOOPBACK_NAMES =
      Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  @Bean
  SecurityFilterChain doors(
      HttpSecurity http,
      KeyRing ring,
      AccessSettings settings,
      @Value("${server.address:127.0.0.1}") String address) {
    settings.requireSafe(address);
    return http.csrf(AbstractHttpConfigurer::disable) // no cookie opens anything here
        .requestCache(AbstractHttpConfigurer::disable)
        .logout(AbstractHttpConfigurer::disable)
        .sessionManagement(it -> it.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
        // Lists have entity tags, which are of no use where nothing may be kept.
        .headers(it -> it.cacheControl(each -> each.disable()).addHeaderWriter(dashboard()))
        .cors(it -> it.configurationSource(origins(settings.origins())))
        .addFilterBefore(new KeyFilter(ring, settings), AuthorizationFilter.class)
        .authorizeHttpRequests(Access::rules)
        .exceptionHandling(
            it ->
                it.authenticationEntryPoint(
                        (_, response, _) -> KeyFilter.writeUnauthorized(response))
                    .accessDeniedHandler(
                        (_, response, _) ->
                            Problem.of(HttpStatus.FORBIDDEN, "the key has not the scope for this")
                                .writeTo(response)))
        .build();
  }

  private static void rules(
      AuthorizeHttpRequestsConfigurer<HttpSecurity>.AuthorizationManagerRequestMatcherRegistry
          paths) {
    paths
        .dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.FORWARD)
        .permitAll()
        .requestMatchers(
            GET, "/openapi.json", "/docs", "/docs/**", "/dashboard", "/dashboard/**", "/webjars/**")
        .permitAll()
        .requestMatchers(GET, Vitals.LIVE_PATH, Vitals.READY_PATH)
        .permitAll()
        .requestMatchers(
            POST, "/task", "/queue", "/tasks/batch", "/v1/chat/completions", "/v1/messages")
        .hasAuthority(Scope.SUBMIT.wire())
        .requestMatchers(DELETE, "/tasks/{id}")
        .hasAnyAuthority(Scope.SUBMIT.wire(), Scope.OPERATE.wire())
        .requestMatchers(GET, "/tasks", "/tasks/**", "/events", "/ledger", "/ledger/**")
        .hasAnyAuthority(Scope.READ_OWN.wire(), Scope.READ_ALL.wire())
        .requestMatchers(GET, "/tiers", "/v1/models", "/v1/models/**")
        .hasAnyAuthority(Arrays.stream(Scope.values()).map(Scope::wire).toArray(String[]::new))
        .requestMatchers(GET, "/status", Vitals.METRICS_PATH)
        .hasAnyAuthority(Scope.READ_ALL.wire(), Scope.OPERATE.wire())
        .anyRequest()
        .hasAuthority(Scope.OPERATE.wire());
  }

  /// The dashboard shows what strangers have written: whatever of it should get into the page as
  /// markup or as a script is not run. Its files are asked for anew, so that they fit each other.
  private static HeaderWriter dashboard() {
    var writers =
        new CompositeHeaderWriter(
            List.of(
                new ContentSecurityPolicyHeaderWriter(
                    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none';"
                        + " frame-ancestors 'none'; require-trusted-types-for 'script'"),
                new ReferrerPolicyHeaderWriter(ReferrerPolicy.NO_REFERRER),
                new StaticHeadersWriter(HttpHeaders.CACHE_CONTROL, "no-cache")));
    return new DelegatingRequestMatcherHeaderWriter(
        PathPatternRequestMatcher.pathPattern("/dashboard/**"), writers);
  }

  /// Pages of other origins are refused unless they are named, also where the browser would only
  /// keep the answer from them: the request alone costs money.
  private static CorsConfigurationSource origins(List<String> origins) {
    var cors = new CorsConfiguration();
    cors.setAllowedOrigins(origins);
    cors.setAllowedMethods(List.of("GET", "POST", "DELETE"));
    cors.setAllowedHeaders(List.of("*"));
    cors.setExposedHeaders(List.of("Location", "Preference-Applied", "Retry-After", "ETag"));
    var source = new UrlBasedCorsConfigurationSource();
    source.registerCorsConfiguration("/**", cors);
    return source;
  }

  /// A name that somebody has let point here would make a stranger's page one of ours.
  @Bean
  StrictHttpFirewall firewall(
      AccessSettings settings, @Value("${server.address:127.0.0.1}") String address) {
    var firewall = new StrictHttpFirewall();
    if (!settings.keys() && AccessSettings.isLoopback(address)) {
      firewall.setAllowedHostnames(it -> LOOPBACK_NAMES.contains(it) || it.equals(address));
    }
    return firewall;
  }
}
