"""Observations on a regular grid of time, as a network reads them: last value, mask, time since.

One pass over the observations in order of time fills the grid; a stream fills it the same way, cell by
cell, so that both see the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.formats.signals.observations import Observations

Array = NDArray[np.float32]
NEVER = 99.0
"""Hours since a variable that was never observed, as the network sees it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Stays on a grid of ``steps`` cells.

    Attributes
    ----------
    value
        Array (n, T, V), float32: mean within the cell, else the last cell's mean before it; NaN until first seen.
    seen
        Array (n, T, V), bool: observed within this cell.
    since
        Array (n, T, V), float32: hours since the cell in which it was last observed; :data:`NEVER` before.
    static
        Array (n, S), float32: descriptors, NaN where missing.
    end
        Array (n,), int64: cell in which what is known of the stay ends; the answer is that of this cell.
    """

    value: Array
    seen: NDArray[np.bool_]
    since: Array
    static: Array
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.value)

    def take(self, samples: NDArray[np.int64]) -> Grid:
        """The grid of these samples, in the given order."""
        return Grid(
            value=self.value[samples],
            seen=self.seen[samples],
            since=self.since[samples],
            static=self.static[samples],
            end=self.end[samples],
        )


def cell_means(stay: Observations, steps: int, step_h: float) -> Array:
    """Mean of each variable in each cell, (T, V), NaN where nothing was observed; later cells are not read."""
    cell = (stay.hours / step_h).astype(np.int64)
    # The challenge's last minute belongs to its last hour.
    cell = np.where((cell == steps) & (stay.hours <= steps * step_h), steps - 1, cell)
    inside = (cell >= 0) & (cell < steps)
    width = len(stay.names)
    at = cell[inside] * width + stay.variable[inside]
    count = np.bincount(at, minlength=steps * width)
    total = np.bincount(at, stay.values[inside].astype(np.float64), minlength=steps * width)
    with np.errstate(invalid="ignore"):
        return (total / count).astype(np.float32).reshape(steps, width)


def carried(means: Array, step_h: float) -> tuple[Array, NDArray[np.bool_], Array]:
    """Last value, mask and hours since of cell means (n, T, V)."""
    seen = ~np.isnan(means)
    steps = np.arange(means.shape[1])[None, :, None]
    last = np.maximum.accumulate(np.where(seen, steps, -1), axis=1)
    value = np.take_along_axis(means, np.maximum(last, 0), axis=1)
    value[last < 0] = np.nan
    since = np.where(last < 0, NEVER, (steps - last) * step_h).astype(np.float32)
    return value, seen, since


def grid(samples: Sequence[Sample], *, field: str, steps: int, step_h: float, static: Sequence[str]) -> Grid:
    """Stays on a grid.

    Parameters
    ----------
    samples
        n samples with :class:`Observations` under ``field``.
    steps, step_h
        Cells, and hours in each.
    static
        Descriptors, in order.
    """
    stays: list[Observations] = [sample.inputs[field] for sample in samples]
    means = np.stack([cell_means(stay, steps, step_h) for stay in stays])
    value, seen, since = carried(means, step_h)
    fixed = np.array([[stay.static.get(name, np.nan) for name in static] for stay in stays], np.float32)
    end = np.array([last_cell(stay.length_h, steps, step_h) for stay in stays], np.int64)
    return Grid(value=value, seen=seen, since=since, static=fixed.reshape(len(stays), len(static)), end=end)


def last_cell(hour: float, steps: int, step_h: float) -> int:
    """The cell that an hour lies in; the end of the grid belongs to its last cell."""
    return min(max(int(hour / step_h), 0), steps - 1)
