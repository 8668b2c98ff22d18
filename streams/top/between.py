"""What happened between two looks at the same workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import NamedTuple

from streams.top.look import Look


class Count(NamedTuple):
    """A counter: all since the workers started, and how much per second between the looks."""

    total: float
    per_s: float


@dataclass(frozen=True, slots=True)
class Between:
    """Two looks, each at the same workers in the same order.

    A counter that fell began anew, for its worker did. Of a worker that didn't answer the first
    time nothing is known of between.
    """

    before: Sequence[Look]
    after: Sequence[Look]

    def counts(self, name: str, *by: str) -> dict[tuple[str, ...], Count]:
        """A counter, or a gauge that adds up, over all workers by the values of these labels."""
        found: dict[tuple[str, ...], Count] = {}
        for before, after in zip(self.before, self.after, strict=True):
            for labels, value, per_s in _moved(name, before, after):
                of = tuple(labels.get(label, "") for label in by)
                total, rate = found.get(of, Count(0.0, 0.0))
                found[of] = Count(total + value, rate + per_s)
        return found

    def most(self, name: str, *by: str) -> dict[tuple[str, ...], float]:
        """The highest value of a gauge among the workers, by the values of these labels."""
        found: dict[tuple[str, ...], float] = {}
        for after in self.after:
            for labels, value in _of(name, after):
                of = tuple(labels.get(label, "") for label in by)
                found[of] = max(value, found.get(of, value))
        return found

    def quantiles(self, name: str, by: str, q: float) -> dict[str, float]:
        """A quantile of what a histogram took in between the looks, by one label.

        Estimated within a bucket as Prometheus' ``histogram_quantile`` does; without what took
        nothing in.
        """
        buckets: dict[str, list[tuple[float, float]]] = {}
        for (of, bound), count in self.counts(f"{name}_bucket", by, "le").items():
            buckets.setdefault(of, []).append((float(bound), count.per_s))
        return {
            of: _quantile(q, sorted(found))
            for of, found in buckets.items()
            if max(rate for _, rate in found) > 0
        }


def alone(before: Look, after: Look, name: str) -> Count:
    """A counter of one worker, over all its labels."""
    moved = [(value, per_s) for _, value, per_s in _moved(name, before, after)]
    return Count(sum(value for value, _ in moved), sum(per_s for _, per_s in moved))


def labels_of(look: Look, name: str) -> Iterator[Mapping[str, str]]:
    """The labels of each series of a name that is not zero: of what is called ``…_info``."""
    return (labels for labels, value in _of(name, look) if value)


def _of(name: str, look: Look) -> Iterator[tuple[Mapping[str, str], float]]:
    for (found, labels), value in look.samples.items():
        if found == name:
            yield dict(labels), value


def _moved(
    name: str, before: Look, after: Look
) -> Iterator[tuple[Mapping[str, str], float, float]]:
    seconds = after.at - before.at
    known = before.samples and seconds > 0
    for series, value in after.samples.items():
        if series[0] == name:
            earlier = before.samples.get(series, 0.0)
            increase = value - earlier if value >= earlier else value
            yield dict(series[1]), value, increase / seconds if known else 0.0


def _quantile(q: float, buckets: Sequence[tuple[float, float]]) -> float:
    """`buckets` are upper bounds with how much is at most that, in order; the last has all."""
    wanted = q * buckets[-1][1]
    for (low, under), (high, upto) in pairwise([(0.0, 0.0), *buckets]):
        if upto >= wanted:
            if high == inf or upto == under:
                return low
            return low + (high - low) * (wanted - under) / (upto - under)
    return buckets[-1][0]
