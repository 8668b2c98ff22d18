"""What all commands that order something share: who orders it, why, and how it goes out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from streams.cli import options, output

if TYPE_CHECKING:
    from streams.desk.orders import Desk, Order

F = TypeVar("F", bound=Callable[..., Any])


class Said(NamedTuple):
    """An order, and what will come of it, in words for people."""

    order: Order
    effect: str


def by_a_person(command: F) -> F:
    """`--reviewer`, `--reason`, `--schema`, `--dry-run` and `--json`.

    The reviewer is no setting and reads no variable: whoever sits at a shared machine would order
    in the name of the one who set it.
    """
    for option in (
        options.json_,
        click.option(
            "--dry-run", is_flag=True, help="Say what would be ordered, and write nothing."
        ),
        options.schema,
        click.option("--reason", metavar="R", required=True, help="Why, from the closed list."),
        click.option("--reviewer", metavar="ID", required=True, help="Who orders it: a pseudonym."),
    ):
        command = option(command)
    return command


def desk(reviewer: str, reason: str, schema: Path | None) -> Desk:
    """The desk at which this person orders."""
    from streams.desk.orders import Desk
    from streams.signals import Schema

    return Desk(Schema.load(schema), reviewer, reason)


def carry_out(
    brokers: str, prefix: str, said: Sequence[Said], *, dry_run: bool, json_: bool
) -> None:
    """Write the orders, wait until Kafka has them, and say what will come of each."""
    from streams.desk.post import post

    if not dry_run:
        post(options.connection(brokers), [one.order for one in said], prefix=prefix)
    shown = [
        {
            "topic": one.order.topic,
            "key": one.order.key,
            "value": one.order.value,
            "effect": one.effect,
            "id": one.order.value["id"],
            "order": one.order.value["kind"],
            "written": not dry_run,
        }
        for one in said
    ]
    output.show(shown, ("order", "effect", "id"), json_=json_)
    many = f"{len(said)} order{'' if len(said) == 1 else 's'}"
    sys.stderr.write(
        f"{many} not written: this was --dry-run.\n"
        if dry_run
        else f"{many} written. A worker carries them out as soon as it reads them.\n"
    )
