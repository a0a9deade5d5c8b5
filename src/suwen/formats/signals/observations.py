"""What was observed of one patient over time: the input of every sequence task."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """Observations of one stay or trace, in order of time.

    Attributes
    ----------
    hours
        Array (n,), float64: hours since the start, not falling.
    variable
        Array (n,), int16: index into :attr:`names`.
    values
        Array (n,), float32, finite, in each variable's own unit.
    names
        Variable names, as the task lists them.
    static
        Descriptors that do not change during the stay: name to value; NaN is missing.
    length_h
        Hours covered; later than the last observation where the source says so.
    dropped
        What was left out on the way in: reason to count (``missing``, ``impossible``, ``converted`` ...).
    start
        Moment of hour 0, ISO 8601, where known.
    """

    hours: NDArray[np.float64]
    variable: NDArray[np.int16]
    values: NDArray[np.float32]
    names: tuple[str, ...]
    static: Mapping[str, float] = field(default_factory=dict)
    length_h: float = 0.0
    dropped: Mapping[str, int] = field(default_factory=dict)
    start: str | None = None

    def __len__(self) -> int:
        return len(self.hours)

    def content_key(self) -> str:
        """SHA-256 (hex) of what was observed when, equal for equal content."""
        digest = hashlib.sha256()
        for array in (self.hours, self.variable, self.values):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(repr((self.names, sorted(self.static.items()), self.length_h)).encode())
        return digest.hexdigest()

    def until(self, hour: float) -> Observations:
        """What was known at ``hour``: observations up to and including it."""
        keep = int(np.searchsorted(self.hours, hour, side="right"))
        return replace(
            self,
            hours=self.hours[:keep],
            variable=self.variable[:keep],
            values=self.values[:keep],
            length_h=min(self.length_h, hour),
        )

    def of(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Hours and values of one variable."""
        at = self.variable == self.names.index(name)
        return self.hours[at], self.values[at]

    def where(self, keep: NDArray[np.bool_]) -> Observations:
        """The observations for which ``keep`` (n,) is true; what is left out counts as never observed."""
        return replace(self, hours=self.hours[keep], variable=self.variable[keep], values=self.values[keep])

    def without(self, names: Collection[str]) -> Observations:
        """As if these variables had never been measured, here or on admission; others are as they were."""
        gone = [number for number, name in enumerate(self.names) if name in names]
        static = {name: math.nan if name in names else value for name, value in self.static.items()}
        return replace(self.where(~np.isin(self.variable, gone)), static=static)

    def means(self) -> dict[str, float]:
        """Mean of each variable that was observed, in its own unit."""
        count = np.bincount(self.variable, minlength=len(self.names))
        total = np.bincount(self.variable, self.values.astype(np.float64), minlength=len(self.names))
        return {name: float(total[at] / count[at]) for at, name in enumerate(self.names) if count[at]}
