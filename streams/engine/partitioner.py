"""Kafka's default partitioner: murmur2 of the key, as the Java client computes it.

aiokafka's own is written in Python, and it is asked once for every account and entity that is met
for the first time, and for every output: a seventh of the entities agent's time.
"""

from __future__ import annotations

from murmurhash2 import murmurhash2

_SEED = 0x9747B28C


def partition_of(key: bytes, partitions: int) -> int:
    """The partition a key belongs on, 0…`partitions`-1."""
    return (murmurhash2(key, _SEED) & 0x7FFFFFFF) % partitions
