"""Brier score over time under censoring.

Graf et al., Stat. Med. 18:2529, 1999: ``S(t)^2`` of those with an event by ``t``, weighted by ``1 / G(T-)``, and
``(1 - S(t))^2`` of those still at risk, weighted by ``1 / G(t)``; integrated over time by the trapezoid rule and
divided by the time covered. 0.25 is what knowing nothing gets.
"""

from __future__ import annotations

import numpy as np

from suwen.lifecycle.evaluation.arrays import Bools, Floats
from suwen.lifecycle.evaluation.survival_censoring import LEAST, Steps


def brier_parts(survival: Floats, grid: Floats, time: Floats, event: Bools, uncensored: Steps) -> Floats:
    """What each subject adds to the Brier score at each time, (n, G); the mean over subjects is the score.

    Parameters
    ----------
    survival
        Array (n, G): predicted probability that the event has not happened by each time.
    grid
        Array (G,).
    time, event
        Arrays (n,).
    uncensored
        Distribution of censoring.
    """
    own = np.maximum(uncensored.at(time, before=True), LEAST)[:, None]
    at = np.maximum(uncensored.at(grid), LEAST)[None]
    gone = (time[:, None] <= grid[None]) & event[:, None]
    left = time[:, None] > grid[None]
    out: Floats = np.where(gone, survival**2 / own, 0.0) + np.where(left, (1 - survival) ** 2 / at, 0.0)
    return out


def integrated(parts: Floats, grid: Floats) -> Floats:
    """Mean over time of (n, G) between the first and the last time of the grid, (n,)."""
    if len(grid) < 2:
        return parts[:, 0]
    out: Floats = np.trapezoid(parts, grid, axis=1) / (grid[-1] - grid[0])
    return out
