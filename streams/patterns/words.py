"""Conditions in words over the rules of a correlation: ``spree and not (appeal or review)``.

pySigma parses them. For `temporal` the set of rules that matched in the window is asked, as bits.
For `temporal_ordered` ``and`` means *and then*: the expression is multiplied out into the orders
that satisfy it, each a sequence of rules in the order they are written, and the rules that must not
match anywhere in the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sigma import correlations as sigma

from streams.patterns.temporal import Met, Order

MAX_ORDERS = 32
"""Ways to satisfy an ordered condition; beyond that it is refused."""


class TooManyOrders(Exception):
    """An ordered condition has more than `MAX_ORDERS` ways to be satisfied."""


@dataclass(frozen=True, slots=True)
class Words:
    """A condition in words over rules given as bits.

    `wanted` are the rules that stand under an even number of ``not``; `needed` is how many of them
    the easiest way to satisfy it takes.
    """

    met: Met
    wanted: int
    needed: int

    @property
    def holds_on_nothing(self) -> bool:
        """Whether no rule has to match at all."""
        return self.met(0)


def compile_words(parsed: Any, bits: Mapping[str, int]) -> Words:
    """`parsed` is pySigma's tree, `bits` the bit of each name in it. Raises TooManyOrders."""
    ways = _multiply_out(parsed, bits)
    wanted = 0
    for order in ways:
        for step in order.steps:
            wanted |= step
    needed = min((len(set(order.steps)) for order in ways), default=0)
    return Words(_compile(parsed, bits), wanted, max(1, needed))


def orders(parsed: Any, bits: Mapping[str, int]) -> list[Order]:
    """The orders that satisfy a parsed condition. Raises TooManyOrders.

    Ways that exclude themselves (``a and not a``) are left out.
    """
    return [
        order
        for order in _multiply_out(parsed, bits)
        if not any(step & order.without for step in order.steps)
    ]


def _compile(node: Any, bits: Mapping[str, int]) -> Met:
    if isinstance(node, sigma.SigmaRuleReference):
        bit = bits[node.reference]
        return lambda present: bool(present & bit)
    parts = [_compile(arg, bits) for arg in node.args]
    if isinstance(node, sigma.CorrelationConditionNOT):
        (inner,) = parts
        return lambda present: not inner(present)
    if isinstance(node, sigma.CorrelationConditionAND):
        return lambda present: all(part(present) for part in parts)
    return lambda present: any(part(present) for part in parts)


def _multiply_out(node: Any, bits: Mapping[str, int], *, negated: bool = False) -> list[Order]:
    if isinstance(node, sigma.SigmaRuleReference):
        bit = bits[node.reference]
        return [Order((), bit)] if negated else [Order((bit,))]
    if isinstance(node, sigma.CorrelationConditionNOT):
        return _multiply_out(node.args[0], bits, negated=not negated)
    parts = [_multiply_out(arg, bits, negated=negated) for arg in node.args]
    if isinstance(node, sigma.CorrelationConditionAND) == negated:  # de Morgan
        ways = [order for part in parts for order in part]
    else:
        ways = [Order(())]
        for part in parts:
            if len(ways) * len(part) > MAX_ORDERS:
                raise TooManyOrders
            ways = [Order((*a.steps, *b.steps), a.without | b.without) for a in ways for b in part]
    if len(ways) > MAX_ORDERS:
        raise TooManyOrders
    return ways


def meaning_of_words(node: Any, bits: Mapping[str, int]) -> str:
    """The expression with the rules as numbers, the same whatever they are called."""
    if isinstance(node, sigma.SigmaRuleReference):
        return str(bits[node.reference].bit_length() - 1)
    parts = [meaning_of_words(arg, bits) for arg in node.args]
    if isinstance(node, sigma.CorrelationConditionNOT):
        return f"not {parts[0]}"
    word = " and " if isinstance(node, sigma.CorrelationConditionAND) else " or "
    return f"({word.join(parts)})"
