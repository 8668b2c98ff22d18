"""What all commands that order something share: who orders it, why, and how it goes out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from streams.cli import options, output

if TYPE_CHECKING:
    from streams.desk.orders import Desk, Order


class Said(NamedTuple):
    """An order, and what will come of it, in words for people."""

    order: Order
    effect: str


@dataclass(frozen=True, slots=True)
class Ordering:
    """Who orders and why, where it goes, and whether it does: what the options said."""

    brokers: str
    prefix: str
    reviewer: str
    reason: str
    schema: Path | None
    dry_run: bool
    json_: bool

    @property
    def connection(self) -> dict[str, Any]:
        """See `options.connection`."""
        return options.connection(self.brokers)

    def desk(self) -> Desk:
        """The desk at which this person orders."""
        from streams.desk.orders import Desk
        from streams.signals import Schema

        return Desk(Schema.load(self.schema), self.reviewer, self.reason)

    def carry_out(self, said: Sequence[Said]) -> None:
        """Write the orders, wait until Kafka has them, and say what will come of each."""
        from streams.desk.post import post

        if not self.dry_run:
            post(self.connection, [one.order for one in said], prefix=self.prefix)
        shown = [
            {
                "topic": one.order.topic,
                "key": one.order.key,
                "value": one.order.value,
                "effect": one.effect,
                "id": one.order.value["id"],
                "order": one.order.value["kind"],
                "written": not self.dry_run,
            }
            for one in said
        ]
        output.show(shown, ("order", "effect", "id"), json_=self.json_)
        many = f"{len(said)} order{'' if len(said) == 1 else 's'}"
        sys.stderr.write(
            f"{many} not written: this was --dry-run.\n"
            if self.dry_run
            else f"{many} written. A worker carries them out as soon as it reads them.\n"
        )


def by_a_person(command: Callable[..., None]) -> Callable[..., None]:
    """`--reviewer`, `--reason`, `--schema`, `--dry-run` and `--json`.

    They are handed to the command as one `Ordering`, `by`, together with the `--brokers` and
    `--prefix` that stand above this. The reviewer is no setting and reads no variable: whoever sits
    at a shared machine would order in the name of the one who set it.
    """

    @wraps(command)
    def ordered(*given: Any, **options_: Any) -> None:
        by = Ordering(**{field.name: options_.pop(field.name) for field in fields(Ordering)})
        command(*given, by=by, **options_)

    for option in (
        options.json_,
        click.option(
            "--dry-run", is_flag=True, help="Say what would be ordered, and write nothing."
        ),
        options.schema,
        click.option("--reason", metavar="R", required=True, help="Why, from the closed list."),
        click.option("--reviewer", metavar="ID", required=True, help="Who orders it: a pseudonym."),
    ):
        ordered = option(ordered)
    return ordered
