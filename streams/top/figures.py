"""What two looks at workers come to: the figures of one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.top.between import Between, alone, labels_of
from streams.top.look import Look


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker. `why` is why it doesn't answer; then nothing else is known.

    `running` of the `assigned` pairs of agent and partition are restored and at work;
    `refuses` tells that it can't run the current published rule set.
    """

    address: str
    why: str = ""
    assigned: int = 0
    running: int = 0
    records_per_s: float = 0.0
    lag_s: float = 0.0
    memory_bytes: int = 0
    version: str = ""
    ruleset: str = ""
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent over all workers; p95 of its checkpoints since the last look, None without any."""

    agent: str
    lag_s: float
    checkpoint_p95_s: float | None
    failed_checkpoints: int
    restoring: int


@dataclass(frozen=True, slots=True)
class Read:
    """What an agent read of a topic."""

    agent: str
    topic: str
    per_s: float
    total: int


@dataclass(frozen=True, slots=True)
class Written:
    """What was committed to a topic, and how long after the signal; None: nothing just now."""

    topic: str
    per_s: float
    total: int
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a pattern did: detections, holds for a person, breakers opened."""

    pattern: str
    title: str
    mode: str
    per_min: float
    detections: int
    held: int
    breakers: int


@dataclass(frozen=True, slots=True)
class Held:
    """Actions that were held for a person, by what held them."""

    held_by: str
    per_min: float
    total: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Dead letters of an agent, by reason."""

    agent: str
    reason: str
    per_min: float
    total: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything; totals are since the workers' starts. What was zero all along is left out."""

    seconds: float
    workers: list[Worker]
    agents: list[Agent]
    inputs: list[Read]
    outputs: list[Written]
    patterns: list[Pattern]
    held: list[Held]
    dead_letters: list[Refused]


def frame(between: Between) -> Frame:
    """The figures of two looks."""
    pairs = list(zip(between.before, between.after, strict=True))
    dead = between.counts("vigil_dead_letters_total", "agent", "reason")
    held = between.counts("vigil_held_total", "held_by")
    return Frame(
        seconds=max((after.at - before.at for before, after in pairs), default=0.0),
        workers=[_worker(before, after) for before, after in pairs],
        agents=_agents(between),
        inputs=[
            Read(agent, topic, count.per_s, int(count.total))
            for (agent, topic), count in between.counts(
                "vigil_signals_total", "agent", "topic"
            ).items()
            if count.total
        ],
        outputs=_outputs(between),
        patterns=_patterns(between),
        held=[
            Held(by, count.per_s * 60, int(count.total))
            for (by,), count in sorted(held.items(), key=lambda one: -one[1].total)
            if count.total
        ],
        dead_letters=[
            Refused(agent, reason, count.per_s * 60, int(count.total))
            for (agent, reason), count in sorted(dead.items(), key=lambda one: -one[1].total)
            if count.total
        ],
    )


def _worker(before: Look, after: Look) -> Worker:
    if after.why:
        return Worker(after.address, after.why)
    own = Between([before], [after])
    pairs = own.most("vigil_partitions", "state")
    return Worker(
        address=after.address,
        assigned=int(pairs.get(("assigned",), 0)),
        running=int(pairs.get(("running",), 0)),
        records_per_s=alone(before, after, "vigil_signals_total").per_s,
        lag_s=max(own.most("vigil_lag_seconds").values(), default=0.0),
        memory_bytes=int(own.most("process_resident_memory_bytes").get((), 0)),
        version=next((one["version"] for one in labels_of(after, "vigil_build_info")), ""),
        ruleset=next((one["ruleset"] for one in labels_of(after, "vigil_ruleset_info")), ""),
        refuses=bool(own.most("vigil_ruleset_refused").get(())),
    )


def _agents(between: Between) -> list[Agent]:
    failed = between.counts("vigil_checkpoint_failures_total", "agent")
    restoring = between.counts("vigil_restore_left_records", "agent")
    p95 = between.quantiles("vigil_checkpoint_seconds", "agent", 0.95)
    return [
        Agent(
            agent,
            lag_s,
            p95.get(agent),
            int(failed[agent,].total) if (agent,) in failed else 0,
            int(restoring[agent,].total) if (agent,) in restoring else 0,
        )
        for (agent,), lag_s in between.most("vigil_lag_seconds", "agent").items()
    ]


def _outputs(between: Between) -> list[Written]:
    p50 = between.quantiles("vigil_latency_seconds", "topic", 0.5)
    p95 = between.quantiles("vigil_latency_seconds", "topic", 0.95)
    return [
        Written(topic, count.per_s, int(count.total), p50.get(topic), p95.get(topic))
        for (topic,), count in between.counts("vigil_outputs_total", "topic").items()
        if count.total
    ]


def _patterns(between: Between) -> list[Pattern]:
    """Those that did anything, the hottest first."""
    info: dict[str, Mapping[str, str]] = {
        one["pattern"]: one
        for after in between.after
        for one in labels_of(after, "vigil_pattern_info")
    }
    detections = between.counts("vigil_detections_total", "pattern")
    held = between.counts("vigil_held_total", "pattern")
    breakers = between.counts("vigil_breakers_total", "pattern")
    rows = [
        Pattern(
            pattern=pattern,
            title=info.get(pattern, {}).get("title", "(no longer in force)"),
            mode=info.get(pattern, {}).get("mode", ""),
            per_min=detections[pattern,].per_s * 60 if (pattern,) in detections else 0.0,
            detections=int(detections[pattern,].total) if (pattern,) in detections else 0,
            held=int(held[pattern,].total) if (pattern,) in held else 0,
            breakers=int(breakers[pattern,].total) if (pattern,) in breakers else 0,
        )
        for (pattern,) in detections.keys() | held.keys() | breakers.keys()
    ]
    did = [one for one in rows if one.detections or one.held or one.breakers]
    return sorted(did, key=lambda one: (-one.per_min, -one.detections, one.pattern))
