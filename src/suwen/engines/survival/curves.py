"""From log cumulative hazards on a grid to curves, medians and risks; numpy alone, as served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST = 30.0
"""Log cumulative hazards are kept within plus and minus this."""


def recalibrated(scores: Floats, calibration: Mapping[str, Any]) -> Floats:
    """Log cumulative hazards (n, G) after recalibration; they never fall over time.

    ``offset(t) + slope * (score(t) - centre(t))``, then the running maximum.

    Parameters
    ----------
    scores
        Log cumulative hazards (n, G), as a model answers.
    calibration
        ``slope``, and ``centre`` and ``offset`` of each time of the grid; empty leaves the scores as they are.
    """
    moved = np.asarray(scores, np.float64)
    if calibration:
        centre, offset = np.asarray(calibration["centre"]), np.asarray(calibration["offset"])
        moved = offset + float(calibration["slope"]) * (moved - centre)
    out: Floats = np.maximum.accumulate(np.clip(moved, -MOST, MOST), axis=1)
    return out


def survival(log_hazard: Floats) -> Floats:
    """Probability that the event has not happened by each time of the grid, (n, G)."""
    out: Floats = np.exp(-np.exp(log_hazard))
    return out


def risk(log_hazard: Floats) -> Floats:
    """Mean probability of the event over the times of the grid, (n,), 0 to 1: what ranks subjects.

    It is the share of follow-up that is lost, time being counted in events (restricted mean time lost: Royston and
    Parmar, BMC Med. Res. Methodol. 13:152, 2013). Under proportional hazards it ranks as the hazard does; where
    curves cross it is not ruled by the last times, as a sum of cumulative hazards would be.
    """
    out: Floats = 1 - survival(log_hazard).mean(1)
    return out


def prognostic_index(log_hazard: Floats) -> Floats:
    """Log of the mean cumulative hazard over the grid, (n,): under proportional hazards the log hazard and a constant.

    What scales and weights are fitted on; subjects are ranked by :func:`risk`.
    """
    top = log_hazard.max(1)
    out: Floats = top + np.log(np.exp(log_hazard - top[:, None]).mean(1))
    return out


def hazard_at(log_hazard: Floats, grid: Floats, time: Floats) -> Floats:
    """Cumulative hazard of each subject at its own time, (n,): linear between times of the grid, from 0 at time 0.

    Beyond the last time it stays what it was there.
    """
    total = np.concatenate([np.zeros((len(log_hazard), 1)), np.exp(log_hazard)], axis=1)
    edges = np.concatenate([[0.0], grid])
    held = np.clip(time, 0.0, grid[-1])
    cell = np.clip(np.searchsorted(edges, held, side="left") - 1, 0, len(grid) - 1)
    share = (held - edges[cell]) / (edges[cell + 1] - edges[cell])
    at = np.arange(len(total))
    out: Floats = total[at, cell] * (1 - share) + total[at, cell + 1] * share
    return out


def time_of(log_hazard: Floats, grid: Floats, hazard: float) -> Floats:
    """First time at which each subject's cumulative hazard is that large, (n,); infinite where it never is."""
    total = np.concatenate([np.zeros((len(log_hazard), 1)), np.exp(log_hazard)], axis=1)
    edges = np.concatenate([[0.0], grid])
    reached = total >= hazard
    cell = np.maximum(reached.argmax(1), 1)
    at = np.arange(len(total))
    rise = total[at, cell] - total[at, cell - 1]
    share = np.divide(hazard - total[at, cell - 1], rise, out=np.ones(len(total)), where=rise > 0)
    found = edges[cell - 1] + share * (edges[cell] - edges[cell - 1])
    return np.where(reached.any(1), found, np.inf)
