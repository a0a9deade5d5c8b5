"""Columns brought to one scale, fitted on the training part alone; what is missing becomes the mean."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FURTHEST = 6.0
"""Standard deviations from the mean at which a value is held: one wild value must not steer a forecast."""
SMALLEST = 1e-9
"""Standard deviation below which a column counts as constant."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """Mean (d,) and inverse standard deviation (d,) of named columns; the latter is 0 where nothing varies."""

    names: tuple[str, ...]
    mean: Floats
    scale: Floats

    def of(self, x: Floats) -> Floats:
        """Columns (u, d) in standard deviations from their mean, within six; 0 where missing."""
        return np.clip(np.nan_to_num((x - self.mean) * self.scale), -FURTHEST, FURTHEST)

    def document(self) -> dict[str, Any]:
        """As JSON keeps it; floats go through their shortest exact spelling."""
        return {"names": list(self.names), "mean": self.mean.tolist(), "scale": self.scale.tolist()}


def fit_scaling(x: Floats, names: Sequence[str]) -> Scaling:
    """Mean and spread of what is known in each column; a column without any, or that never varies, becomes 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without a value is NaN, and replaced below
        mean, sd = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    sd = np.nan_to_num(sd)
    varies = sd > SMALLEST
    return Scaling(
        names=tuple(names),
        mean=np.nan_to_num(mean),
        scale=np.where(varies, 1 / np.where(varies, sd, 1.0), 0.0),
    )


def read_scaling(found: Mapping[str, Any]) -> Scaling:
    """The scaling of :meth:`Scaling.document`."""
    return Scaling(
        names=tuple(found["names"]),
        mean=np.asarray(found["mean"], np.float64),
        scale=np.asarray(found["scale"], np.float64),
    )
