"""How sure a share of upheld decisions is."""

from __future__ import annotations

from math import sqrt

_Z_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


def wilson(upheld: int, overturned: int) -> tuple[float, float]:
    """Where the true share of upheld lies with 95 % confidence; nothing is known of no reviews.

    E. B. Wilson, 'Probable inference, the law of succession, and statistical inference', Journal of
    the American Statistical Association 22 (1927).
    """
    n = upheld + overturned
    if not n:
        return 0.0, 1.0
    share, z2 = upheld / n, _Z_95 * _Z_95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Rounding must not keep an end from where the share itself lies.
    return middle - half if upheld else 0.0, middle + half if overturned else 1.0
