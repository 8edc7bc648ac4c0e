package dev.symbiont.ops;

import dev.symbiont.dispatcher.DispatcherApplication;
import dev.symbiont.gateway.GatewayApplication;
import dev.symbiont.ledger.LedgerApplication;
import dev.symbiont.router.RouterApplication;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.context.ConfigurableApplicationContext;

/// A part of the fleet. The order is the order of starting; stopping goes the other way round.
public enum Role {
  LEDGER(LedgerApplication.class, WebApplicationType.NONE),
  DISPATCHER(DispatcherApplication.class, WebApplicationType.NONE),
  ROUTER(RouterApplication.class, WebApplicationType.NONE),
  GATEWAY(GatewayApplication.class, WebApplicationType.SERVLET);

  private final Class<?> application;
  private final WebApplicationType web;

  Role(Class<?> application, WebApplicationType web) {
    this.application = application;
    this.web = web;
  }

  String title() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// Starts it in this process.
  ///
  /// @param settings `key=value`, stronger than any file
  ConfigurableApplicationContext start(
      Installation installation, boolean ownShutdownHook, List<String> settings) {
    return start(title(), application, web, installation, ownShutdownHook, settings);
  }

  /// Starts something that is configured like a role.
  public static ConfigurableApplicationContext start(
      String title,
      Class<?> application,
      WebApplicationType web,
      Installation installation,
      boolean ownShutdownHook,
      List<String> settings) {
    var arguments =
        Stream.of(
                List.of(
                    "spring.config.name=symbiont",
                    "spring.config.additional-location=optional:file:%s/"
                        .formatted(installation.root())),
                installation.logSettings(),
                settings)
            .flatMap(List::stream)
            .map(setting -> "--" + setting);
    try {
      return new SpringApplicationBuilder(application)
          .web(web)
          .registerShutdownHook(ownShutdownHook)
          .run(arguments.toArray(String[]::new));
    } catch (RuntimeException e) {
      throw new SetupException("%s: %s".formatted(title, reason(e)));
    }
  }

  /// One line out of Spring's many: the setting or the thing that is to blame, and the innermost
  /// cause.
  private static String reason(Throwable e) {
    String blamed = "";
    String message = "";
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof BindException bind) {
        blamed = bind.getName() + ": ";
      } else if (cause instanceof UncheckedIOException) {
        blamed = cause.getMessage() + ": ";
      }
      message = String.valueOf(cause.getMessage());
      if (cause instanceof FileSystemException file && file.getReason() == null) {
        message = file.getClass().getSimpleName().replace("Exception", ": ") + file.getFile();
      }
    }
    String line = message.startsWith("symbiont.") ? message : blamed + message;
    return line.replaceAll("\\s*\n\\s*", " ");
  }
}
