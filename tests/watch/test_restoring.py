"""How much is left while state is read back, from a real broker."""

from __future__ import annotations

from kafka import KafkaProducer

from streams import admin
from streams.engine.kafka.restore import restore

RECORDS = 2_000


class Counted:
    """What takes the records."""

    records = 0

    def restore(self, full, data):
        self.records += 1


async def test_what_is_left_is_told_from_all_of_it_down_to_nothing(kafka, prefix):
    connection = {"bootstrap_servers": kafka}
    admin.create(connection, prefix=prefix, partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka)
    for number in range(RECORDS):
        producer.send(prefix + "accounts-state", b"x" * 1_000, b"%d" % number)
    producer.close()
    store, told = Counted(), []
    assert await restore(connection, prefix + "accounts-state", 0, store, told.append) == RECORDS
    assert store.records == RECORDS
    assert told[0] == RECORDS
    assert told == sorted(told, reverse=True)
    assert told[-1] == 0
