"""Hours of stays as units: one answer for each hour from the first to the last that is covered."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import AnyEndpoint
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.core.target import HourlyLabels
from suwen.formats.signals.observations import Observations


def stay_of(sample: Sample) -> Observations:
    """The observations of a sample.

    Raises
    ------
    BadInput
        ``no-observations`` when it holds none.
    """
    for value in sample.inputs.values():
        if isinstance(value, Observations):
            return value
    raise BadInput("this input holds no observations over time", code="no-observations")


def hours_of(sample: Sample) -> int:
    """Hours of a stay, at least one: as many as are labelled, else as many as are covered or observed."""
    if isinstance(sample.target, HourlyLabels):
        return max(1, len(sample.target.values))
    stay = stay_of(sample)
    last = math.floor(float(stay.hours[-1])) + 1 if len(stay) else 1
    return max(1, last, math.ceil(stay.length_h))


def hourly_units(samples: Sequence[Sample], endpoint: AnyEndpoint) -> Units:
    """One unit per hour of each stay; hour h is answered from what was observed before h + 1.

    Parameters
    ----------
    samples
        Stays, labelled with :class:`HourlyLabels` or not at all.
    endpoint
        An alarm whose positive class is the second, as its labels' 1 is.

    Raises
    ------
    BadInput
        ``not-hourly`` for a target that is not one label per hour.
    """
    counts = np.array([hours_of(sample) for sample in samples], np.int64)
    parts = [_target(sample, int(n)) for sample, n in zip(samples, counts, strict=True)]
    start = np.repeat(counts.cumsum() - counts, counts)
    return Units(
        owner=np.repeat(np.arange(len(samples)), counts),
        hour=(np.arange(len(start)) - start).astype(np.float64),
        target=np.concatenate(parts) if parts else np.zeros(0, np.int64),
    )


def _target(sample: Sample, hours: int) -> NDArray[np.int64]:
    if sample.target is None:
        return np.full(hours, -1, np.int64)
    if not isinstance(sample.target, HourlyLabels):
        raise BadInput("an alarm is learned from one label per hour", code="not-hourly")
    out = np.full(hours, -1, np.int64)
    out[: len(sample.target.values)] = sample.target.values
    return out
