"""What this trace did at the same time on earlier days: the patient's own routine, known at the origin."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from suwen.engines.forecast.trace import Trace
from suwen.engines.forecast.window import STEP_H

Floats = NDArray[np.float64]

DAYS = 7
"""Earlier days that are looked at."""


def habits(
    trace: Trace, at: Floats, last: Floats, ahead_h: Sequence[float], events: Sequence[str]
) -> dict[str, Floats]:
    """Columns (u,) by name.

    Parameters
    ----------
    trace, at, last
        The trace, its origins in hours, and the reading at each.
    ahead_h
        Horizons in hours; all shorter than a day, so that nothing later than the origin is looked at.
    events
        Variables whose usual times matter, e.g. meals.

    Returns
    -------
    dict
        For each horizon the mean change over it on earlier days, and yesterday's; the level then, against
        the last reading; how many days there were; and how often each event fell into the horizon then.
    """
    days = np.arange(1, DAYS + 1)
    then = at[:, None] - 24.0 * days

    def level(offset_h: float) -> Floats:
        """Mean of three readings around the same time on each earlier day, (u, days)."""
        around = offset_h + STEP_H * np.array([-1, 0, 1])
        return _mean(trace.at(then[..., None] + around))

    now = level(0.0)
    known = ~np.isnan(now)
    found = {"days_known": known.sum(1).astype(np.float64), "usual_level": _mean(now) - last}
    for hours in ahead_h:
        change = level(hours) - now
        minutes = round(60 * hours)
        found[f"usual_change_{minutes}"] = _mean(change)
        found[f"yesterday_change_{minutes}"] = change[:, 0]
        found[f"yesterday_level_{minutes}"] = trace.at(then[:, 0] + hours) - last
    edges = [-ahead_h[0], 0.0, *ahead_h]
    for name in events:
        hours_of = trace.events.get(name, (np.zeros(0), np.zeros(0)))[0]
        for start, end in pairwise(edges):
            count = np.searchsorted(hours_of, then + end) - np.searchsorted(hours_of, then + start)
            share = np.where(known, count, np.nan)
            found[f"usual_{name}_{round(60 * start)}_{round(60 * end)}"] = _mean(share.astype(np.float64))
    return found


def _mean(values: Floats) -> Floats:
    """Mean over the last axis of what is known; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as meant
        mean: Floats = np.nanmean(values, axis=-1)
    return mean
