package bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/**
 * The state of one account: a count, the last five times, the three newest devices.
 *
 * <p>Encoded big-endian, as streams/bench/peers/kafka_streams.py reads it: count (int), number of
 * times (byte), times (longs), number of devices (byte), each device as length (byte) and ASCII.
 */
final class Account {
  static final int LAST = 5;
  static final int NEWEST = 3;

  int count;
  int times;
  final long[] time = new long[LAST];
  int devices;
  final String[] device = new String[NEWEST];

  void see(long at, String ref) {
    count++;
    if (times == LAST) {
      System.arraycopy(time, 1, time, 0, LAST - 1);
      time[LAST - 1] = at;
    } else {
      time[times++] = at;
    }
    int place = 0;
    while (place < devices && !device[place].equals(ref)) {
      place++;
    }
    if (place == devices) {
      if (devices < NEWEST) {
        devices++;
      } else {
        place = NEWEST - 1;
      }
    }
    System.arraycopy(device, 0, device, 1, place);
    device[0] = ref;
  }

  boolean lastFiveWithin(long spanMs) {
    return times == LAST && time[LAST - 1] - time[0] <= spanMs;
  }

  static final class Codec implements Serde<Account>, Serializer<Account>, Deserializer<Account> {
    @Override
    public Serializer<Account> serializer() {
      return this;
    }

    @Override
    public Deserializer<Account> deserializer() {
      return this;
    }

    @Override
    public void configure(java.util.Map<String, ?> configs, boolean isKey) {}

    @Override
    public void close() {}

    @Override
    public byte[] serialize(String topic, Account account) {
      if (account == null) {
        return null;
      }
      int size = 6 + 8 * account.times;
      for (int i = 0; i < account.devices; i++) {
        size += 1 + account.device[i].length();
      }
      ByteBuffer out = ByteBuffer.allocate(size);
      out.putInt(account.count).put((byte) account.times);
      for (int i = 0; i < account.times; i++) {
        out.putLong(account.time[i]);
      }
      out.put((byte) account.devices);
      for (int i = 0; i < account.devices; i++) {
        byte[] ref = account.device[i].getBytes(StandardCharsets.ISO_8859_1);
        out.put((byte) ref.length).put(ref);
      }
      return out.array();
    }

    @Override
    public Account deserialize(String topic, byte[] data) {
      if (data == null) {
        return null;
      }
      ByteBuffer in = ByteBuffer.wrap(data);
      Account account = new Account();
      account.count = in.getInt();
      account.times = in.get();
      for (int i = 0; i < account.times; i++) {
        account.time[i] = in.getLong();
      }
      account.devices = in.get();
      for (int i = 0; i < account.devices; i++) {
        byte[] ref = new byte[in.get()];
        in.get(ref);
        account.device[i] = new String(ref, StandardCharsets.ISO_8859_1);
      }
      return account;
    }
  }
}
