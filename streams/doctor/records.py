"""What the newest records tell: clocks, partitioning, what is refused; and whether they'll last."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import IncompatibleBrokerVersion
from kafka.partitioner.default import murmur2

from streams.admin.cluster import Cluster, Live
from streams.doctor.finding import Finding, Severity
from streams.doctor.sample import Seen
from streams.policy import Established, established
from streams.signals import Reason
from streams.signals.records import DERIVED, SURFACES, TOPICS
from streams.topics import TABLE, Role

AHEAD_MS = 60_000
_FOR_EVER = -1
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


class _DeadLetter(msgspec.Struct):
    reason: str


_dead_letter = msgspec.json.Decoder(_DeadLetter).decode


class _Hit(msgspec.Struct):
    category: str = ""
    source: str = ""
    verdict: str = ""
    surface: str | None = None


_hit = msgspec.json.Decoder(_Hit).decode
_ANY_SURFACE = "upload"


def retention(
    cluster: Cluster, live: Mapping[str, Live], *, window_ms: int, prefix: str
) -> Iterator[Finding]:
    """Topics that forget signals sooner than the longest window of the rules."""
    names = [prefix + name for name in TOPICS if name not in DERIVED and prefix + name in live]
    for name, config in cluster.configs(names).items():
        kept = int(config.get("retention.ms", _FOR_EVER))
        if config.get("cleanup.policy") == "delete" and _FOR_EVER < kept < window_ms:
            yield Finding(
                Severity.WARNING,
                name,
                f"keeps records {kept / _HOUR_MS:.0f} h, the longest window of the rules is"
                f" {window_ms / _HOUR_MS:.0f} h",
                "Back-filled signals older than that vanish before they are read: raise"
                f" retention.ms to {window_ms} at least",
            )
        if config.get("message.timestamp.type") == "LogAppendTime":
            yield Finding(
                Severity.WARNING,
                name,
                "replaces the producers' timestamps with the time of arrival",
                "Inputs are merged by timestamp: set message.timestamp.type=CreateTime",
            )


def clocks(sample: Iterable[Seen], *, now_ms: int) -> Iterator[Finding]:
    """Records from the future: somebody's clock is wrong."""
    newest: dict[str, int] = {}
    for seen in sample:
        newest[seen.topic] = max(newest.get(seen.topic, 0), seen.timestamp)
    for topic, timestamp in newest.items():
        if timestamp > now_ms + AHEAD_MS:
            yield Finding(
                Severity.PROBLEM,
                topic,
                f"its newest record is {(timestamp - now_ms) / 1000:.0f} s ahead of this machine's"
                " clock",
                "Compare the clocks of its producers and of this machine (timedatectl); signals"
                " more than 5 minutes ahead of their record are refused",
            )


def workers_clocks(
    cluster: Cluster, live: Mapping[str, Live], *, now_ms: int, prefix: str
) -> Iterator[Finding]:
    """State from the future: records of state carry the time by the clock of their worker."""
    names = [prefix + t.name for t in TABLE if t.role is Role.STATE and prefix + t.name in live]
    partitions = [TopicPartition(name, n) for name in names for n in range(live[name].partitions)]
    try:
        newest = cluster.client.list_partition_offsets(
            dict.fromkeys(partitions, OffsetSpec.MAX_TIMESTAMP)
        )
    except IncompatibleBrokerVersion:
        return  # before Kafka 3.0
    ahead_ms = max((found.timestamp for found in newest.values()), default=0) - now_ms
    if ahead_ms > AHEAD_MS:
        yield Finding(
            Severity.PROBLEM,
            "workers",
            f"the newest record of their state is {ahead_ms / 1000:.0f} s ahead of this machine's"
            " clock",
            "Compare the clocks of the workers and of this machine (timedatectl): a worker whose"
            " clock is ahead lets waits and expiries be over too soon",
        )


def without_surface(hits: Iterable[Seen], *, prefix: str) -> Iterator[Finding]:
    """Hits that would be zero tolerance if they said where it was found; `hits` have their values."""
    known = lacking = 0
    for seen in hits:
        try:
            hit = _hit(seen.value or b"{}")
        except (msgspec.MsgspecError, UnicodeError):
            continue
        known_material = established(hit.category, hit.source, hit.verdict, _ANY_SURFACE)
        if known_material is not Established.NOTHING:
            known += 1
            lacking += hit.surface is None
    if lacking:
        yield Finding(
            Severity.WARNING,
            f"{prefix}moderation-hits",
            f"of {known} hits on known child sexual abuse material looked at, {lacking} don't say"
            " where it was found: without a surface they count as ordinary hits, and nothing is"
            " reported or removed at once",
            f"Have whoever writes them say surface: one of {', '.join(SURFACES)}",
        )


def partitioning(sample: Iterable[Seen], counts: Mapping[str, int]) -> Iterator[Finding]:
    """Keys that lie where Kafka's own partitioner wouldn't have put them."""
    looked: Counter[str] = Counter()
    astray: Counter[str] = Counter()
    by_crc: Counter[str] = Counter()
    of_fewer: dict[str, set[int]] = {}
    for seen in sample:
        if seen.key is None:
            continue
        count = counts[seen.topic]
        looked[seen.topic] += 1
        hashed = murmur2(seen.key) & 0x7FFFFFFF
        if hashed % count != seen.partition:
            astray[seen.topic] += 1
            fits = of_fewer.setdefault(seen.topic, set(range(2, count)))
            fits &= {fewer for fewer in fits if hashed % fewer == seen.partition}
            by_crc[seen.topic] += zlib.crc32(seen.key) % count == seen.partition
    for topic, wrong in astray.items():
        if of_fewer[topic]:
            yield Finding(
                Severity.NOTE,
                topic,
                f"of {looked[topic]} records looked at, {wrong} lie where their keys belonged when it"
                f" had {max(of_fewer[topic])} partitions",
                "All is well if vigil topics repartition gave it more since, and whoever writes was"
                " started again after it; else look for wrong_partition among the dead letters",
            )
            continue
        librdkafka = by_crc[topic] == wrong
        cause = ", where CRC32 puts them as librdkafka does by default" if librdkafka else ""
        yield Finding(
            Severity.PROBLEM,
            topic,
            f"of {looked[topic]} records looked at, {wrong} lie on a partition their key doesn't"
            f" belong to{cause}",
            "They are refused as wrong_partition. Producers on librdkafka (confluent-kafka, kcat,"
            " node-rdkafka) need partitioner=murmur2_random; a topic's partition count must be"
            " raised by vigil topics repartition alone",
        )


def dead_letters(sample: Iterable[Seen], *, now_ms: int) -> Iterator[Finding]:
    """What was refused in the last day, by reason."""
    reasons: Counter[str] = Counter()
    for seen in sample:
        if seen.value is None or seen.timestamp < now_ms - _DAY_MS:
            continue
        try:
            reason = _dead_letter(seen.value).reason
        except msgspec.MsgspecError:
            reason = "unreadable"
        # Closed list: whoever can write there could write anything.
        reasons[reason if reason in set(Reason) else "unreadable"] += 1
    if reasons:
        counts = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        yield Finding(
            Severity.WARNING,
            "dead-letters",
            f"refused within 24 h, of the newest: {counts}",
            "Look which producer it is: vigil dlq list names topics and fields, vigil dlq show one"
            " record's place; vigil dlq requeue has them taken once that is mended",
        )
