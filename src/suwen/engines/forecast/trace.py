"""One quantity of one patient as it was read, and what stood at any moment: looked up by time, never by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.formats.signals.observations import Observations

Floats = NDArray[np.float64]

TOLERANCE_H = 5 / 60
"""A reading stands for a moment at most this far from it: less than half of the 15 minutes between readings."""
NEIGHBOUR_H = 20 / 60
"""An origin needs a reading at most this long before it: one step of 15 minutes and the tolerance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """Readings of the quantity, and doses and events beside them.

    Attributes
    ----------
    hours, values
        Arrays (n,), float64, hours since the start, rising; of readings at one moment the last stands.
    events
        Other variables: name to hours and values, in order of time.
    clock_h
        Hour of the day, 0 to 24, at hour 0; NaN where the source does not tell.
    """

    hours: Floats
    values: Floats
    events: Mapping[str, tuple[Floats, Floats]]
    clock_h: float

    def at(self, wanted: Floats) -> Floats:
        """Values at hours of any shape: the nearest reading within the tolerance, else NaN."""
        if not len(self.hours):
            return np.full(wanted.shape, np.nan)
        right = np.clip(np.searchsorted(self.hours, wanted), 0, len(self.hours) - 1)
        left = np.maximum(right - 1, 0)
        nearer = np.abs(self.hours[left] - wanted) <= np.abs(self.hours[right] - wanted)
        nearest = np.where(nearer, left, right)
        # Half a second of grace, so that hours made from stamps compare as their minutes do.
        close = np.abs(self.hours[nearest] - wanted) <= TOLERANCE_H + 0.5 / 3600
        return np.where(close, self.values[nearest], np.nan)

    def origins(self) -> NDArray[np.int64]:
        """Readings from which a forecast is made: all that have another within the 20 minutes before."""
        gap = np.diff(self.hours, prepend=-np.inf)
        return np.flatnonzero(gap <= NEIGHBOUR_H + 0.5 / 3600)


def trace_of(sample: Sample, quantity: str) -> Trace:
    """The trace of a sample whose first :class:`Observations` hold the quantity.

    Parameters
    ----------
    sample
        Its observations; a sample without any reading of the quantity has an empty trace.
    quantity
        Name of the variable that is forecast.
    """
    found = next(value for value in sample.inputs.values() if isinstance(value, Observations))
    hours, values = found.of(quantity)
    hours = np.asarray(hours, np.float64)
    last = np.append(np.diff(hours) > 0, True)[: len(hours)]
    return Trace(
        hours=hours[last],
        values=np.asarray(values, np.float64)[last],
        events={
            name: (np.asarray(when, np.float64), np.asarray(what, np.float64))
            for name in found.names
            if name != quantity
            for when, what in (found.of(name),)
        },
        clock_h=_clock(found.start),
    )


def _clock(start: str | None) -> float:
    """Hour of the day of an ISO 8601 moment; NaN for a date alone or nothing."""
    if not start or len(start) < 16:
        return float("nan")
    hour, minute = start[11:16].split(":")
    return int(hour) + int(minute) / 60
