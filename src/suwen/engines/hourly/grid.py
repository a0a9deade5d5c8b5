"""Stays as rows of hours, one after another: what was measured in each hour, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.engines.hourly.units import hours_of, stay_of
from suwen.engines.series.grid import cell_means

Array = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hours:
    """Hours of n stays.

    Attributes
    ----------
    value
        Array (u, V), float32: mean of what was measured in the hour, NaN where nothing was.
    hour
        Array (u,), int64: hours since the start of the stay.
    owner
        Array (u,), int64: number of the stay.
    static
        Array (n, S), float32: descriptors, NaN where missing.
    """

    value: Array
    hour: Ints
    owner: Ints
    static: Array

    def __len__(self) -> int:
        return len(self.value)

    @property
    def starts(self) -> Ints:
        """Row of the first hour of each stay, (n,)."""
        return np.flatnonzero(self.hour == 0)

    def take(self, samples: Ints) -> Hours:
        """The hours of these stays, in the given order."""
        at, owner = rows_of(self.starts, len(self), samples)
        return Hours(value=self.value[at], hour=self.hour[at], owner=owner, static=self.static[samples])


def rows_of(starts: Ints, count: int, samples: Ints) -> tuple[Ints, Ints]:
    """Rows of these stays in the given order, and the stay of each, numbered anew.

    Parameters
    ----------
    starts
        First row of every stay, (n,).
    count
        Rows in all.
    samples
        Which stays.
    """
    length = np.diff(np.append(starts, count))[samples]
    owner = np.repeat(np.arange(len(samples)), length)
    within = np.arange(len(owner)) - np.repeat(length.cumsum() - length, length)
    return starts[samples][owner] + within, owner


def hours(samples: Sequence[Sample], static: Sequence[str]) -> Hours:
    """Lay stays out hour by hour.

    Parameters
    ----------
    samples
        With :class:`~suwen.formats.signals.observations.Observations` among their inputs.
    static
        Descriptors, in order.
    """
    stays = [stay_of(sample) for sample in samples]
    counts = np.array([hours_of(sample) for sample in samples], np.int64)
    value = [cell_means(stay, int(n), 1.0) for stay, n in zip(stays, counts, strict=True)]
    fixed = np.array([[stay.static.get(name, np.nan) for name in static] for stay in stays], np.float32)
    owner = np.repeat(np.arange(len(stays)), counts)
    return Hours(
        value=np.concatenate(value) if value else np.zeros((0, 0), np.float32),
        hour=np.arange(len(owner)) - np.repeat(counts.cumsum() - counts, counts),
        owner=owner,
        static=fixed.reshape(len(stays), len(static)),
    )
