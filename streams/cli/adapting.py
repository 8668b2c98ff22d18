"""What `vigil adapt` puts together from its options, and runs: lines, or topics until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import msgspec

from streams.adapters import files
from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.files import Count
from streams.adapters.making import Given
from streams.adapters.pseudonyms import Pseudonyms, read_key
from streams.adapters.table import Adapter, In, Out
from streams.signals import Refused, Schema
from streams.signals.records import TOPICS
from streams.topics import full_name

if TYPE_CHECKING:
    from streams.adapters.bridge import Ends
    from streams.adapters.webhook import Webhook

KEY = "VIGIL_ADAPT_KEY"
SECRET = "VIGIL_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
STANDARD = "-"
WEB = ("https://", "http://")


def door_of(
    adapter: In, known: Schema, words: Dictionary, key_file: Path | None, *, replace_all: bool
) -> Door:
    """The door of an incoming adapter. Raises `AdapterUnusable` without a key."""
    key = read_key(os.environ.get(KEY), key_file, what=f"set {KEY} or give --key-file")
    return Door(adapter.adapt, Given(Pseudonyms(key, replace_all=replace_all), words, known))


def webhook_of(url: str, secret_file: Path | None, header_file: Path | None, tries: int) -> Webhook:
    """The webhook at `url`. Raises `AdapterUnusable` without a secret, or for a bad address."""
    from streams.adapters.webhook import Endpoint, Persistence, Webhook, secret_of

    secret = read_key(os.environ.get(SECRET), secret_file, what=f"set {SECRET} or --secret-file")
    headers = {} if header_file is None else _headers(header_file)
    return Webhook(Endpoint(url, secret_of(secret), headers), Persistence(tries=tries))


def ends_of(
    adapter: Adapter,
    connection: Mapping[str, Any],
    prefix: str,
    group: str | None,
    *,
    source: str,
    target: str,
) -> Ends:
    """Where an adapter reads and writes on Kafka: one end is Vigil's, the other has to be named."""
    from streams.adapters.bridge import Ends

    theirs, ours = ("--from", "--to") if isinstance(adapter, In) else ("--to", "--from")
    named = {"--from": source != STANDARD, "--to": target != STANDARD}
    if not named[theirs]:
        raise click.UsageError(f"with --brokers name the foreign topic: {theirs}")
    if named[ours]:
        raise click.UsageError(
            f"with --brokers {adapter.name} needs no {ours}: that is Vigil's end"
        )
    group = group or f"{prefix}vigil.adapt.{adapter.name}"
    if isinstance(adapter, In):
        targets = tuple(full_name(topic, prefix) for topic in TOPICS)
        return Ends(connection, prefix, group, (source,), targets)
    sources = tuple(full_name(topic, prefix) for topic in adapter.topics)
    return Ends(connection, prefix, group, sources, () if target.startswith(WEB) else (target,))


def lines_in(source: str, target: str, door: Door, count: Count) -> None:
    """Foreign lines to lines of signals."""
    with _reading(source) as lines:
        _write(target, files.come_in(lines, door, _now_ms, count, _teller(source)))


def lines_out(
    source: str,
    target: str,
    adapter: Out,
    words: Dictionary,
    webhook: Webhook | None,
    count: Count,
) -> None:
    """Lines of decisions to foreign lines, or to a webhook."""
    tell = _teller(source)
    with _reading(source) as lines:
        leaving = files.go_out(lines, adapter, words, count, tell)
        if webhook is None:
            _write(target, (msgspec.json.encode(one.body) + b"\n" for _, one in leaving))
            return

        async def deliver() -> None:
            async with webhook:
                for number, one in leaving:
                    if not await webhook.deliver(one.id, msgspec.json.encode(one.body)):
                        count.written -= 1
                        count.refused += 1
                        _tell(source, number, f"undeliverable: {one.id}")

        asyncio.run(deliver())


def topics_in(ends: Ends, door: Door, count: Count, timeout_s: float | None) -> None:
    """A foreign topic to the input topics."""
    from streams.adapters.bridge import BridgeIn

    _until_stopped(BridgeIn(ends, count, door).run(timeout_s))


def topics_out(
    ends: Ends,
    adapter: Out,
    words: Dictionary,
    webhook: Webhook | None,
    count: Count,
    timeout_s: float | None,
) -> None:
    """Output topics to a foreign topic, or to a webhook."""
    from streams.adapters.bridge import BridgeOut

    _until_stopped(BridgeOut(ends, count, adapter, words, webhook).run(timeout_s))


def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or a signal ends it: what isn't committed is done again next time."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())


def _now_ms() -> int:
    return int(time.time() * 1000)


def _headers(file: Path) -> dict[str, str]:
    headers = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip() and value.strip()):
            raise click.UsageError(f"{file}:{number}: not a line 'Name: value'")
        if line.strip():
            headers[name.strip().lower()] = value.strip()
    return headers


def _teller(source: str) -> files.Tell:
    def tell(number: int, refused: Refused) -> None:
        _tell(source, number, str(refused))

    return tell


def _tell(source: str, number: int, problem: str) -> None:
    name = "standard input" if source == STANDARD else source
    command = click.get_current_context().info_name
    click.echo(f"vigil {command}: {name}:{number}: {problem}", err=True)


@contextmanager
def _reading(source: str) -> Iterator[IO[bytes]]:
    if source == STANDARD:
        yield sys.stdin.buffer
        return
    path = Path(source)
    if not path.is_file():
        raise click.UsageError(f"--from {source}: no such file")
    with path.open("rb") as file:
        yield file


def _write(target: str, lines: Iterable[bytes]) -> None:
    if target == STANDARD:
        for line in lines:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()  # what comes from a pipe goes on at once
        return
    with Path(target).open("wb") as file:
        file.writelines(lines)
