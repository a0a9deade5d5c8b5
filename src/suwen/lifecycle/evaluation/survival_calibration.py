"""Recalibration of hazards on held-out subjects, and what is left to complain of on others.

A slope shrinks or stretches the differences between subjects, and an offset at each time makes the mean predicted
probability that of Kaplan and Meier: calibration of slope and in the large, as van Houwelingen (Stat. Med. 19:3401,
2000) and Royston and Altman (BMC Med. Res. Methodol. 13:33, 2013) describe for Cox models.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.survival.curves import MOST, prognostic_index
from suwen.engines.survival.risk_sets import SCALES, RiskSets, best_scale
from suwen.lifecycle.evaluation.arrays import Bools, Floats, ratio
from suwen.lifecycle.evaluation.survival_censoring import Steps, kaplan_meier

LEAST_LEFT = 1e-3
"""A survival estimate below this is taken as this: what the last few subjects say bends no curve."""
STEPS = 60
NEWTON = 8


def fit_calibration(scores: Floats, grid: Floats, time: Floats, event: Bools) -> dict[str, Any]:
    """Slope, and centre and offset at each time, from held-out log cumulative hazards (n, G).

    Returns
    -------
    dict
        As :func:`suwen.engines.survival.curves.recalibrated` takes it.
    """
    held = np.clip(np.asarray(scores, np.float64), -MOST, MOST)
    slope = best_scale([(prognostic_index(held), RiskSets.of(time, event))])
    centre = held.mean(0)
    spread = slope * (held - centre)
    gone = 1 - np.clip(kaplan_meier(time, event).at(grid), LEAST_LEFT, 1 - 1e-9)
    low, high = np.full(len(grid), -MOST), np.full(len(grid), MOST)
    for _ in range(STEPS):  # the mean rises with the offset: halve the bracket
        middle = 0.5 * (low + high)
        less = (1 - np.exp(-np.exp(np.minimum(middle + spread, MOST)))).mean(0) < gone
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    offset = np.maximum.accumulate(0.5 * (low + high))
    return {"slope": slope, "centre": centre.tolist(), "offset": offset.tolist()}


def hazard_slope(log_risk: Floats, time: Floats, event: Bools, weights: Floats) -> Floats:
    """Coefficient of the log risk in a Cox model of the judged subjects, (resamples,); 1 is ideal.

    Parameters
    ----------
    log_risk
        Array (n,): log cumulative hazard at the horizon.
    time, event
        Arrays (n,), follow-up ended at the horizon.
    weights
        Array (resamples, n).
    """
    sets = RiskSets.of(time, event)
    x = log_risk[sets.order]
    w, happened = weights[:, sets.order], (sets.weight > 0)[None]
    beta = np.ones(len(weights))
    for _ in range(NEWTON):
        hazard = w * np.exp(beta[:, None] * (x - x.max()))
        zero = np.cumsum(hazard, axis=1)[:, sets.last]
        mean = ratio(np.cumsum(hazard * x, axis=1)[:, sets.last], zero)
        square = ratio(np.cumsum(hazard * x * x, axis=1)[:, sets.last], zero)
        mine = w * happened
        gradient = np.nansum(mine * (x - mean), axis=1)
        curvature = np.nansum(mine * (square - mean**2), axis=1)
        beta = beta + np.clip(ratio(gradient, curvature), -1, 1)
    return np.where(np.isfinite(beta) & (np.abs(beta) < 10 * SCALES[-1]), beta, np.nan)


def observed_by(horizon: float, time: Floats, event: Bools, uncensored: Steps) -> Floats:
    """What each subject adds to the observed probability of the event by the horizon, (n,); their mean is it."""
    known = event & (time <= horizon)
    return np.where(known, 1.0 / np.maximum(uncensored.at(time, before=True), 1e-9), 0.0)
