"""Our partitioner against aiokafka's, which Kafka's own producer was compared with."""

from __future__ import annotations

from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.partitioner import partition_of


@given(st.binary(min_size=0, max_size=80), st.integers(1, 1_000))
def test_keys_go_where_kafkas_own_clients_put_them(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions
