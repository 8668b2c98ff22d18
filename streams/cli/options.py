"""Options several commands share; each also reads its `VIGIL_…` variable and `vigil.toml`."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.config import Settings
from streams.signals.times import parse_ms

if TYPE_CHECKING:
    from streams.topics import Party

CATALOGUE = "catalogue"
"""Names the shipped patterns where a rule directory is expected."""
_NAME_CHARS = 200
_NAME = re.compile(rf"[A-Za-z0-9._-]{{0,{_NAME_CHARS}}}")

F = TypeVar("F", bound=Callable[..., Any])


def brokers(command: F) -> F:
    """`--brokers`; turn it into a connection with `connection`."""
    return click.option(
        "--brokers", metavar="H:P", required=True, help="Kafka's bootstrap servers, host:port[,…]."
    )(command)


def prefix(command: F) -> F:
    """`--prefix`."""
    return click.option(
        "--prefix", default="", callback=_kafka_name, help="Put before every topic's name."
    )(command)


def worker_id(command: F) -> F:
    """`--worker-id`."""
    return click.option(
        "--worker-id",
        metavar="NAME",
        default=socket.gethostname,
        callback=_kafka_name,
        help="Stable name of this worker, unique in the group [default: the host's name].",
    )(command)


def _kafka_name(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    """What Kafka accepts in the name of a topic, a group or a member."""
    if not _NAME.fullmatch(value):
        raise click.BadParameter(
            f"up to {_NAME_CHARS} letters, digits, '.', '_' and '-' only", param=parameter
        )
    return value


def json_(command: F) -> F:
    """`--json`, passed as `json_`."""
    return click.option("--json", "json_", is_flag=True, help="JSON instead of a table.")(command)


def schema(command: F) -> F:
    """`--schema`."""
    return click.option(
        "--schema",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Schema file that adds kinds, attributes, ….",
    )(command)


def principals(command: F) -> F:
    """`--principal`, passed as `principals`: whom each party logs in as."""
    return click.option(
        "--principal",
        "principals",
        metavar="PARTY=User:NAME",
        multiple=True,
        callback=_principals,
        help="Whom a party logs in as [default: User:vigil-PARTY]. May be repeated.",
    )(command)


def _principals(
    _context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[Party, str]:
    from streams.admin.rights import PRINCIPALS
    from streams.topics import Party

    principals = dict(PRINCIPALS)
    for text in given:
        party, _, principal = text.partition("=")
        kind, _, name = principal.partition(":")
        if party not in list(Party) or not kind or not name:
            raise click.BadParameter(
                f"{text!r} is not PARTY=User:NAME with a party of {', '.join(Party)}",
                param=parameter,
            )
        principals[Party(party)] = principal
    return principals


def since(command: F) -> F:
    """`--since`, passed as ms since the epoch, None without."""
    return click.option(
        "--since",
        metavar="TIME",
        callback=_moment,
        help="Records since then: RFC 3339 or epoch ms.",
    )(command)


def _moment(_context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_ms(int(text) if text.isdigit() else text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is {error}", param=parameter) from error


def insist_on_rules(paths: Sequence[str]) -> None:
    """Raise `click.UsageError` for a rule directory that isn't there."""
    missing = [path for path in paths if path != CATALOGUE and not Path(path).exists()]
    if missing:
        raise click.UsageError(f"no such rule directory: {', '.join(missing)}")


def jobs(command: F) -> F:
    """`--jobs`, None unless given; then use `cores`."""
    return click.option(
        "--jobs",
        type=click.IntRange(1),
        metavar="N",
        help="Processes at once [default: one per core].",
    )(command)


def cores() -> int:
    """Those this process may use; a container often has fewer than its machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def connection(brokers: str) -> dict[str, Any]:
    """Client settings for `brokers`, with the security settings in force."""
    context = click.get_current_context(silent=True)
    settings = context.find_object(Settings) if context else None
    return (settings or Settings.load()).connection(brokers)
