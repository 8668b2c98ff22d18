"""What chance could have done: Fisher's exact test, and Holm's correction for asking often."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log


def fisher(hits: int, fired: int, upheld: int, total: int) -> float:
    """The natural logarithm of Fisher's one-sided p.

    The chance that, of `total` accounts of which `upheld` are upheld, `fired` ones drawn blindly
    hold `hits` upheld ones or more.
    """
    most = min(fired, upheld)
    if hits <= max(0, fired + upheld - total):
        return 0.0
    if hits > most:
        return float("-inf")
    first = _choose(upheld, hits) + _choose(total - upheld, fired - hits) - _choose(total, fired)
    # Each further term as a multiple of the first: none overflows, and none that matters is lost.
    term = tail = 1.0
    for k in range(hits, most):
        term *= (upheld - k) * (fired - k) / ((k + 1) * (total - upheld - fired + k + 1))
        tail += term
    return min(0.0, first + log(tail))


def holm(log_ps: Sequence[float], alpha: float) -> list[bool]:
    """Which of some hypotheses stand: that even one does so by chance is no likelier than `alpha`.

    S. Holm, 'A simple sequentially rejective multiple test procedure', Scandinavian Journal of
    Statistics 6 (1979). It holds however the hypotheses hang together.
    """
    stands = [False] * len(log_ps)
    for done, index in enumerate(sorted(range(len(log_ps)), key=lambda one: log_ps[one])):
        if exp(log_ps[index]) > alpha / (len(log_ps) - done):
            break
        stands[index] = True
    return stands


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
