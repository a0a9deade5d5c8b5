"""Does the map depend on what the model learned? The randomisation test of Adebayo et al. (NeurIPS 2018)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.explain.masking import Array

MIN_FAITHFULNESS = 0.0
"""A map must beat this, the exact mean of a random order, as well as the random order tried."""
MAX_RANDOM_WEIGHTS_CORRELATION = 0.8
"""A map that ranks the image as a network with random weights does shows the image, not what was learned."""


def random_weights_correlation(attribution: Array, attribution_of_random_twin: Array) -> float:
    """Absolute Spearman rank correlation of a map with the map of the same network with random weights.

    Parameters
    ----------
    attribution, attribution_of_random_twin
        Two maps of one shape.

    Returns
    -------
    float
        0 to 1; 1 where either map is constant or not finite, since it then says nothing of its own.
    """
    maps = [
        np.asarray(values, dtype=np.float64).ravel() for values in (attribution, attribution_of_random_twin)
    ]
    if not all(np.isfinite(values).all() for values in maps):
        return 1.0
    first, second = (_ranks(values) for values in maps)
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return min(1.0, abs(float((first * second).sum())) / scale) if scale > 0 else 1.0


def passes(faithfulness: float, random: float, correlation: float) -> bool:
    """Whether a map may be shown as a reason.

    Parameters
    ----------
    faithfulness
        Insertion minus deletion, -1 to 1.
    random
        The same of a random order.
    correlation
        From :func:`random_weights_correlation`.
    """
    faithful = faithfulness > max(MIN_FAITHFULNESS, random)
    return bool(faithful and correlation <= MAX_RANDOM_WEIGHTS_CORRELATION)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share their mean rank."""
    ordered = np.sort(values)
    below, upto = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((below + upto - 1) / 2, dtype=np.float64)
