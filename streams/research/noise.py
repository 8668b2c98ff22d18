"""Whole-number noise for counts, drawn exactly: no floating point decides what is published.

The two-sided geometric distribution (discrete Laplace) by the algorithm of C. Canonne, G. Kamath
and T. Steinke, 'The Discrete Gaussian for Differential Privacy' (2020), section 5.2. Sampling with
floats, the textbook way, leaks: I. Mironov, 'On significance of the least significant bits for
differential privacy' (2012).
"""

from __future__ import annotations

from fractions import Fraction
from random import Random


def geometric(scale: Fraction, source: Random) -> int:
    """A whole number x with a chance in proportion to exp(-abs(x) / scale).

    Added to counts one person can change by `scale` × epsilon in all, it makes them
    epsilon-differentially private. `source` must be `random.SystemRandom` for what is published.
    """
    over, under = scale.numerator, scale.denominator
    while True:
        rest = source.randrange(over)
        if not _exp_minus(Fraction(rest, over), source):
            continue
        wholes = 0
        while _exp_minus(Fraction(1), source):
            wholes += 1
        size = (rest + over * wholes) // under
        negative = source.randrange(2) == 1
        if size or not negative:  # else zero would be drawn twice as often
            return -size if negative else size


def _exp_minus(gamma: Fraction, source: Random) -> bool:
    """True with the chance exp(-gamma), for gamma from 0 to 1."""
    k = 1
    while source.randrange(k * gamma.denominator) < gamma.numerator:
        k += 1
    return k % 2 == 1
