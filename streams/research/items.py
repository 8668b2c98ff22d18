"""What a signal is for the miner: up to two items, a coarse and a finer one.

An item is what a Sigma detection can say in one selection. Nothing that a person decided is one:
reviews, and hits of source ``human``, are words about an account, not what it did.
"""

from __future__ import annotations

from typing import Any, NamedTuple

TOPICS = ("activity", "moderation-hits")


class Item(NamedTuple):
    """Signals of `topic` whose fields are these; they begin with the kind, or the category."""

    topic: str
    fields: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """What it is, for people: ``csam by classifier on output``."""
        said = dict(self.fields)
        text = said["category"] if "category" in said else said["kind"].replace(".", " ")
        if "source" in said:
            text += f" by {said['source']}"
        if "surface" in said:
            text += f" on {said['surface']}"
        return text.replace("_", " ")


def items_of(signal: Any) -> tuple[Item, ...]:
    """The items of a checked signal of one of `TOPICS`, the coarser one first."""
    if signal.topic == "activity":
        coarse: tuple[tuple[str, str], ...] = (("kind", signal.kind),)
        fine = coarse
    else:
        if signal.source == "human":
            return ()
        coarse = (("category", signal.category),)
        fine = (*coarse, ("source", signal.source))
    if signal.surface is not None:
        fine = (*fine, ("surface", signal.surface))
    first = Item(signal.topic, coarse)
    return (first,) if fine == coarse else (first, Item(signal.topic, fine))
