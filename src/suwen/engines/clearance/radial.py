"""How far from its mean a normal error in three dimensions stays, with a given probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import erf, exp, pi, sqrt

import numpy as np


@cache
def chi3_quantile(probability: float) -> float:
    """Quantile of the chi distribution with 3 degrees of freedom, the distance of a normal error of deviation 1.

    From its distribution function ``erf(r / √2) - √(2 / π) r exp(-r² / 2)`` (Maxwell).
    """
    return _solved(lambda r: erf(r / sqrt(2)) - sqrt(2 / pi) * r * exp(-r * r / 2), probability, 0.0, 40.0)


def radial_quantile(deviation_mm: Sequence[float], probability: float) -> float:
    """Radius of the ball that holds a normal error of these deviations along three axes with a probability.

    Parameters
    ----------
    deviation_mm
        Along each of three independent axes, zero or more.
    probability
        Above 0 and below 1.

    Returns
    -------
    float
        mm, to six digits. A deviation below a hundredth of the largest counts as that.

    Notes ----- Along the axis of the largest deviation the distribution is integrated over the disc across
    it, whose probability is, in polar coordinates with q(t) = cos² t / s₂² + sin² t / s₃², the mean over t of
    (1 - exp(-ρ² q / 2)) / (s₂ s₃ q).
    """
    largest = max(deviation_mm)
    if largest == 0:
        return 0.0
    one, two, three = sorted((max(value / largest, 0.01) for value in deviation_mm), reverse=True)
    if three == one:
        return largest * chi3_quantile(probability)
    nodes, weights = np.polynomial.legendre.leggauss(96)
    angle = (np.arange(1024) + 0.5) * (pi / 2 / 1024)
    q = (np.cos(angle) / two) ** 2 + (np.sin(angle) / three) ** 2
    share = 1 / (two * three * q * len(q))

    def within(radius: float) -> float:
        along = radius * nodes
        disc = -np.expm1(-0.5 * np.outer(radius**2 - along**2, q)) @ share
        density = np.exp(-0.5 * (along / one) ** 2) / (one * sqrt(2 * pi))
        return float(radius * weights @ (density * disc))

    return largest * _solved(within, probability, 0.0, chi3_quantile(probability))


def _solved(rising: Callable[[float], float], value: float, low: float, high: float) -> float:
    """Where a rising function has a value, by halving the interval until it is as good as none."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        if rising(middle) < value:
            low = middle
        else:
            high = middle
        if high - low < 1e-9:
            break
    return 0.5 * (low + high)
