"""The times at which every survival model answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

POINTS = 60
"""Times of a grid: cells of a sixtieth of the events, finer than a curve can be told apart."""
LEAST_EVENTS = 10
"""Fewer events teach no model."""
LEAST_AT_RISK = 10
"""The grid ends where fewer are still followed: what the last few say bends every curve after it."""


def time_grid(time: Floats, event: Bools, points: int = POINTS) -> Floats:
    """Times after which equally many events have happened, rising, as long as enough subjects are followed.

    Parameters
    ----------
    time
        Array (n,): time to the event or to censoring, in the data's unit.
    event
        Array (n,): whether the event happened.
    points
        Times wanted; fewer where times repeat.

    Returns
    -------
    array (G,)
        Observed event times, each once.

    Raises
    ------
    BadInput
        ``too-few-events`` for fewer than :data:`LEAST_EVENTS`, or events at a single time.
    """
    happened = np.asarray(time, np.float64)[np.asarray(event, bool)]
    if len(happened) < LEAST_EVENTS:
        raise BadInput(
            f"{len(happened)} events are too few to learn from",
            fix=f"Give follow-up with at least {LEAST_EVENTS} events",
            code="too-few-events",
        )
    # In whole numbers: the k-th time is that of the ceil(k n / points)-th event.
    places = -(-np.arange(1, points + 1) * len(happened) // points) - 1
    grid: Floats = np.unique(np.sort(happened)[places])
    followed = (np.asarray(time, np.float64)[:, None] >= grid[None]).sum(0)
    grid = grid[followed >= min(LEAST_AT_RISK, len(time) // 10)]
    if len(grid) < 2:
        raise BadInput("all events are at one time", fix="Check the unit of the times", code="too-few-events")
    return grid
