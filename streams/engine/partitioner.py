"""Kafka's default partitioner: murmur2 of the key, as the Java client computes it.

aiokafka's is the same function at three times the cost, and it is asked once for every account
that is met for the first time.
"""

from __future__ import annotations

from functools import cache
from struct import Struct

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition a key belongs on, 0…`partitions`-1."""
    length = len(key)
    h = _SEED ^ length
    words = length >> 2
    for k in _words(words).unpack_from(key):
        k = k * _M & _MASK  # noqa: PLW2901 - the algorithm as it is written everywhere
        h = (h * _M & _MASK) ^ ((k ^ k >> 24) * _M & _MASK)
    rest = key[words * 4 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions


@cache
def _words(count: int) -> Struct:
    return Struct(f"<{count}I")
