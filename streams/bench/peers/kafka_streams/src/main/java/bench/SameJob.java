package bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The same-job on Kafka Streams: exactly-once v2, in-memory store with changelog, commit each
 * second, one thread. Arguments: brokers, application id, activity topic, hits topic, decisions
 * topic, state directory.
 */
public final class SameJob {
  private static final String STORE = "accounts";
  private static final long WITHIN_MS = 24 * 3_600_000L;

  private static final class Decide implements Processor<String, byte[], String, byte[]> {
    private final ObjectReader reader = new ObjectMapper().readerFor(Signal.class);
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, Account> accounts;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      this.accounts = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, byte[]> record) {
      Signal signal;
      try {
        signal = reader.readValue(record.value());
      } catch (IOException bad) {
        throw new UncheckedIOException(bad);
      }
      Account account = accounts.get(record.key());
      if (account == null) {
        account = new Account();
      }
      account.see(signal.at, signal.device);
      accounts.put(record.key(), account);
      if (signal.verdict != null && account.lastFiveWithin(WITHIN_MS)) {
        String decision =
            "{\"id\":\"" + signal.id + "\",\"account\":\"" + signal.account
                + "\",\"at\":" + signal.at + ",\"count\":" + account.count + "}";
        context.forward(record.withValue(decision.getBytes(StandardCharsets.UTF_8)));
      }
    }
  }

  public static void main(String[] args) throws InterruptedException {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    // Both inputs are read in the order of their timestamps: wait, as Vigil does, for one that lags.
    config.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, 1000);
    config.put("auto.offset.reset", "earliest");

    Topology topology = new Topology();
    topology.addSource(
        "in", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), args[2], args[3]);
    topology.addProcessor("decide", Decide::new, "in");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore(STORE), Serdes.String(), new Account.Codec()),
        "decide");
    topology.addSink(
        "out", args[4], Serdes.String().serializer(), Serdes.ByteArray().serializer(), "decide");

    KafkaStreams streams = new KafkaStreams(topology, config);
    CountDownLatch stopped = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(
        failure -> {
          failure.printStackTrace();
          stopped.countDown();
          return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
              .StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
    stopped.await();
  }
}
