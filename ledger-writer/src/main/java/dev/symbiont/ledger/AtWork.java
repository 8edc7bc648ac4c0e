package dev.symbiont.ledger;

import dev.symbiont.ledger.amqp.Gauges;
import dev.symbiont.ledger.amqp.LedgerDesk;
import dev.symbiont.ledger.writer.Writer;
import java.io.IOException;
import java.util.Optional;

/// What a ledger-writer has that is the one to write.
record AtWork(LedgerDesk desk, Writer writer, Gauges gauges) implements Standby.Writing {

  @Override
  public Optional<String> problem() {
    return desk.isWritable() ? Optional.empty() : Optional.of("the ledger cannot be written");
  }

  @Override
  public void close() throws IOException {
    gauges.close();
    desk.close();
    writer.close();
  }
}
