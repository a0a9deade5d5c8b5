"""The last hours before each origin, on a grid of 15 minutes that ends at the origin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.engines.forecast.trace import Trace

Floats = NDArray[np.float64]

STEP_H = 0.25
BLOCK = 512
GONE = 30.0
"""Half-lives after which a dose counts no more."""
STEPS = 16
"""Four hours, the origin itself among them."""


def window(trace: Trace, at: Floats) -> Floats:
    """Readings (u, 16) before origins at hours ``at`` (u,), the newest first; NaN where there is none.

    One missing step between two readings is filled with their mean; longer gaps stay open. Nothing later
    than the origin is looked at.
    """
    found = trace.at(at[:, None] - STEP_H * np.arange(STEPS))
    between = (found[:, :-2] + found[:, 2:]) / 2
    gap = np.isnan(found[:, 1:-1])
    found[:, 1:-1] = np.where(gap, between, found[:, 1:-1])
    return found


def doses(hours: Floats, amounts: Floats, at: Floats) -> Floats:
    """Sums (u, 16) of what was given in each step before origins ``at`` (u,), the newest step first."""
    total = np.concatenate([[0.0], np.cumsum(amounts)])
    edges = at[:, None] - STEP_H * np.arange(STEPS + 1)
    upto = total[np.searchsorted(hours, edges, side="right")]
    return np.asarray(upto[:, :-1] - upto[:, 1:])


def faded(hours: Floats, amounts: Floats, at: Floats, half_life_h: float) -> Floats:
    """What is left (u,) at ``at`` of everything given until then, halving every ``half_life_h`` hours.

    After 30 half-lives nothing is left. ``at`` is in order of time; origins are taken in blocks, so that a
    year of doses is not held against a year of origins at once.
    """
    out = np.zeros(len(at))
    for start in range(0, len(at), BLOCK):
        now = at[start : start + BLOCK]
        first = np.searchsorted(hours, now[0] - GONE * half_life_h)
        end = np.searchsorted(hours, now[-1], side="right")
        lives = (now[:, None] - hours[None, first:end]) / half_life_h
        left = np.exp2(-np.clip(lives, 0, GONE)) * amounts[first:end]
        out[start : start + BLOCK] = np.where((lives >= 0) & (lives <= GONE), left, 0.0).sum(1)
    return out


def since(hours: Floats, at: Floats, most_h: float) -> Floats:
    """Hours (u,) since the last of ``hours`` until ``at``, at most ``most_h``; NaN before the first."""
    number = np.searchsorted(hours, at, side="right")
    padded = np.concatenate([[np.nan], hours])
    return np.asarray(np.minimum(at - padded[number], most_h))
