"""``python -m streams.bench.pattern_run RULES SCHEMA SIGNALS ACCOUNTS``: one measured run, no broker.

Loads the rules, handles simulated signals in one processor with a checkpoint each second, as a
worker would, and prints a JSON object of what it measured.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from streams.agents.accounts import accounts_agent
from streams.bench.engine import WrongResult
from streams.bench.product import simulated
from streams.bench.worker_process import rss_mb
from streams.engine.memory import MemoryRecord
from streams.engine.processor import Processor
from streams.patterns import load_rules
from streams.signals import Schema

CHUNK_RECORDS = 5_000
TURN_RECORDS = 1_000
CHECKPOINT_EVERY_S = 1.0
MAX_DIRTY = 50_000


def main(rules: Path, schema_file: Path, signals: int, accounts: int) -> dict[str, float]:
    """What was measured, times in CPU-seconds. Raises `WrongResult`."""
    schema = Schema.load(schema_file)
    began = time.process_time()
    ruleset = load_rules([rules], schema)
    agent = accounts_agent(ruleset, schema)
    load_s = time.process_time() - began
    logs: dict[str, list[MemoryRecord]] = defaultdict(list)
    for topic, key, value, at_ms in simulated(signals, accounts):
        logs[topic].append(MemoryRecord(key, value, len(logs[topic]), at_ms))
    processor = Processor(agent, 0, 1)
    for topic, log in logs.items():
        index, end = agent.inputs.index(topic), len(log)
        processor.inputs.seek(index, 0, end)
        for start in range(0, end, CHUNK_RECORDS):
            chunk = log[start : start + CHUNK_RECORDS]
            processor.inputs.add(index, chunk, start + len(chunk), end)
    began, wall_began = time.process_time(), time.perf_counter()
    handled, checkpointed, topics = 0, began, Counter[str]()
    while (count := processor.step(TURN_RECORDS)) is not None:
        handled += count
        now = time.process_time()
        if now - checkpointed >= CHECKPOINT_EVERY_S or processor.dirty_count >= MAX_DIRTY:
            topics.update(output.topic for output in processor.checkpoint().outputs)
            checkpointed = now
    topics.update(output.topic for output in processor.checkpoint().outputs)
    if topics["dead-letters"]:
        raise WrongResult(f"{topics['dead-letters']} of {handled} signals were refused")
    return {
        "patterns": len(ruleset),
        "load_s": load_s,
        "signals": handled,
        "cpu_s": time.process_time() - began,
        "wall_s": time.perf_counter() - wall_began,
        "detections": topics["detections"],
        "rss_mb": rss_mb(os.getpid()),
    }


if __name__ == "__main__":
    gc.disable()  # as in the worker (docs/decisions/0006)
    _, given_rules, given_schema, *sizes = sys.argv
    found = main(Path(given_rules), Path(given_schema), *map(int, sizes))
    sys.stdout.write(json.dumps(found) + "\n")
