"""What is known of a trace at each origin, as named columns; nothing in it is later than the origin."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.engines.forecast.habits import habits
from suwen.engines.forecast.trace import Trace
from suwen.engines.forecast.window import STEP_H, faded, since, window

Floats = NDArray[np.float64]

DIFFERENCES = 12
"""Differences of neighbouring readings that are columns of their own."""
SPANS = (2, 4, 8, 16)
"""Steps over which slope, mean, spread and extremes are taken."""
HALF_LIVES_H = (0.75, 2.0, 6.0)
MOST_SINCE_H = 8.0


def features(
    trace: Trace,
    index: NDArray[np.int64],
    ahead_h: Sequence[float],
    *,
    events: Sequence[str],
    levels: Sequence[str],
) -> tuple[Floats, tuple[str, ...]]:
    """Columns of some origins.

    Parameters
    ----------
    trace
        Of one sample.
    index
        Which of its readings, (u,); see :meth:`suwen.engines.forecast.trace.Trace.origins`.
    ahead_h
        Horizons in hours.
    events
        Doses and events that happen at a moment: how long ago, and what is left of them.
    levels
        Rates that hold until they change: the last one.

    Returns
    -------
    tuple
        Array (u, d) with NaN where unknown, and the d names.
    """
    at, last = trace.hours[index], trace.values[index]
    seen = window(trace, at)
    found = {"last": last}
    found |= _shape(seen, last)
    found |= _so_far(trace, index)
    found |= _clock(trace.clock_h + at)
    found |= habits(trace, at, last, ahead_h, events)
    for name in events:
        hours, amounts = trace.events.get(name, (np.zeros(0), np.zeros(0)))
        found[f"{name}_since_h"] = since(hours, at, MOST_SINCE_H)
        for half in HALF_LIVES_H:
            found[f"{name}_left_{half:g}h"] = faded(hours, amounts, at, half)
    for name in levels:
        hours, amounts = trace.events.get(name, (np.zeros(0), np.zeros(0)))
        padded = np.concatenate([[np.nan], amounts])
        found[f"{name}_now"] = padded[np.searchsorted(hours, at, side="right")]
    return np.column_stack(list(found.values())), tuple(found)


def _shape(seen: Floats, last: Floats) -> dict[str, Floats]:
    """Differences, slopes, curvature, and the spread of the last minutes to hours."""
    step = seen[:, :-1] - seen[:, 1:]
    found = {f"difference_{number}": step[:, number] for number in range(DIFFERENCES)}
    found["curvature"] = step[:, 0] - step[:, 1]
    found["curvature_2"] = step[:, 0] - step[:, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a span without a reading is NaN, as meant
        for span in SPANS:
            part = seen[:, :span]
            minutes = round(60 * STEP_H * span)
            found[f"mean_{minutes}"] = np.nanmean(part, 1) - last
            found[f"slope_{minutes}"] = _slope(part)
            if span > 2:
                found[f"sd_{minutes}"] = np.nanstd(part, 1)
                found[f"high_{minutes}"] = np.nanmax(part, 1) - last
                found[f"low_{minutes}"] = np.nanmin(part, 1) - last
    found["known_steps"] = (~np.isnan(seen)).sum(1).astype(np.float64)
    return found


def _slope(part: Floats) -> Floats:
    """Least-squares slope per step of the readings known, the newest first; NaN with fewer than two."""
    known = ~np.isnan(part)
    steps = np.where(known, -np.arange(part.shape[1], dtype=np.float64), 0.0)
    values = np.where(known, part, 0.0)
    n = known.sum(1)
    cover = (steps**2).sum(1) - steps.sum(1) ** 2 / np.maximum(n, 1)
    both = (steps * values).sum(1) - steps.sum(1) * values.sum(1) / np.maximum(n, 1)
    return np.where(n >= 2, both / np.where(cover > 0, cover, 1.0), np.nan)


def _so_far(trace: Trace, index: NDArray[np.int64]) -> dict[str, Floats]:
    """Mean, spread and volatility of the trace up to the origin."""
    n = np.arange(1, len(trace.values) + 1)
    mean = np.cumsum(trace.values) / n
    spread = np.sqrt(np.maximum(np.cumsum(trace.values**2) / n - mean**2, 0.0))
    steps = np.abs(np.diff(trace.values, prepend=trace.values[:1]))
    return {
        "hours_so_far": trace.hours[index] - trace.hours[:1].sum(),
        "mean_so_far": mean[index],
        "sd_so_far": spread[index],
        "step_so_far": (np.cumsum(steps) / n)[index],
        "above_mean": trace.values[index] - mean[index],
    }


def _clock(hour: Floats) -> dict[str, Floats]:
    """Hour of the day, as a number for trees and on the circle for linear models."""
    turn = 2 * np.pi * hour / 24
    return {
        "hour_of_day": np.mod(hour, 24.0),
        "day_sin": np.sin(turn),
        "day_cos": np.cos(turn),
        "half_day_sin": np.sin(2 * turn),
        "half_day_cos": np.cos(2 * turn),
    }
