package dev.symbiont.dispatcher;

import dev.symbiont.dispatcher.amqp.DispatcherDesk;
import dev.symbiont.hop.Heartbeat;
import java.util.List;
import org.springframework.context.SmartLifecycle;

/// The desks of all tiers as one thing that starts and stops.
final class Dispatchers implements SmartLifecycle {

  private final List<DispatcherDesk> desks;
  private final Heartbeat heartbeat;
  private volatile boolean running;

  Dispatchers(List<DispatcherDesk> desks, Heartbeat heartbeat) {
    this.desks = desks;
    this.heartbeat = heartbeat;
  }

  @Override
  public void start() {
    running = true;
    heartbeat.start();
    desks.forEach(DispatcherDesk::start);
  }

  /// All tiers at once: their calls end side by side.
  @Override
  public void stop() {
    running = false;
    List<Thread> closing =
        desks.stream().map(desk -> Thread.ofVirtual().start(desk::close)).toList();
    try {
      for (Thread thread : closing) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    heartbeat.close();
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
