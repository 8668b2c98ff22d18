"""`vigil replay`: what the agents decide about a recording."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.patterns import load_rules
from streams.recording import STDIN
from streams.replay import replay
from streams.signals import Schema
from streams.topics import BY_NAME, Role


@click.command("replay")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option(
    "--rules", multiple=True, help="Rule directory; the word catalogue is the shipped one."
)
@click.option("--schema", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Schema file that adds kinds, attributes, …")  # fmt: skip
def replay_command(files: tuple[Path, ...], rules: tuple[str, ...], schema: Path | None) -> None:
    """Read JSON lines of signals, write JSON lines of everything the agents decide.

    No Kafka, and always the same output for the same input. Files are merged by their records'
    time stamps; - reads standard input; .gz and .zst are unpacked. A record that is refused gives
    its dead letter and the exit code stays 0; a line that is no record at all ends with 2.

    \b
    vigil replay day.jsonl.zst | jq 'select(.topic == "detections")'
    vigil simulate --out - | vigil replay -
    vigil replay day.jsonl --rules catalogue --rules my-rules
    """
    if files.count(STDIN) > 1:
        raise click.UsageError("standard input can be read once only")
    known = Schema.load(schema)
    agents = all_agents(load_rules(rules or ("catalogue",), known))
    topics = {topic for agent in agents for topic in agent.inputs if _role(topic) is Role.IN}
    write = sys.stdout.buffer.write
    for output in replay(MemoryDriver(agents), files, topics):
        if _role(output.topic) is Role.OUT:  # not what goes from agent to agent
            write(_line(output))
    sys.stdout.buffer.flush()


def _role(topic: str) -> Role:
    return BY_NAME[topic].role


def _line(output: Output) -> bytes:
    # Keys and topics are ids and names of ours: nothing in them needs escaping.
    return b'{"topic":"%s","key":"%s","value":%s,"ts":%d}\n' % (
        output.topic.encode(),
        output.key,
        output.value,
        output.ts,
    )
