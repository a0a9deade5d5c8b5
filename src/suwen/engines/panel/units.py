"""Units of samples: which rows belong to whom, and how a subset is taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import AnyEndpoint
from suwen.core.engine import Units
from suwen.core.sample import Sample
from suwen.core.target import Outcome

Ints = NDArray[np.int64]


def rows(units: Units, samples: Ints) -> Ints:
    """Positions of the units of these samples, sample by sample in the given order."""
    starts = np.searchsorted(units.owner, samples, side="left")
    ends = np.searchsorted(units.owner, samples, side="right")
    parts = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def take(units: Units, samples: Ints) -> Units:
    """The units of these samples alone, renumbered 0, 1, 2 ... in the given order."""
    chosen = rows(units, samples)
    starts = np.searchsorted(units.owner, samples, side="left")
    ends = np.searchsorted(units.owner, samples, side="right")
    return Units(
        owner=np.repeat(np.arange(len(samples)), ends - starts),
        hour=units.hour[chosen],
        target=units.target[chosen],
    )


def one_each(samples: Sequence[Sample], endpoint: AnyEndpoint, classes: Sequence[str]) -> Units:
    """Units of a task with one answer per sample: classes, or the time to an event."""
    if endpoint.kind == "survival":
        target = np.array(
            [
                (s.target.time, float(s.target.event)) if isinstance(s.target, Outcome) else (np.nan, np.nan)
                for s in samples
            ],
            np.float64,
        ).reshape(-1, 2)
    else:
        index = {name: number for number, name in enumerate(classes)}
        target = np.array([-1 if s.target is None else index[str(s.target)] for s in samples], np.int64)
    return Units(owner=np.arange(len(samples)), hour=np.zeros(len(samples)), target=target)
