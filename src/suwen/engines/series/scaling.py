"""Scaling fitted on the training part alone: every value to its place among the training values.

A value becomes the normal score of its place among training quantiles, linear between them: laboratory values
are skewed, and a quantile needs no choice of logarithm or cut (van der Waerden scores; Conover and Iman, The
American Statistician 35:124, 1981).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from suwen.engines.series.grid import NEVER, Grid

Array = NDArray[np.float32]
KNOTS = 33
"""Training quantiles kept per variable."""
PLACES: Array = np.array(
    [NormalDist().inv_cdf(share) for share in np.linspace(0.005, 0.995, KNOTS)], np.float32
)
"""Where each quantile is put: -2.6 to 2.6, the median at 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """Quantiles of each variable and descriptor.

    Attributes
    ----------
    value
        Array (V, KNOTS): training quantiles of observed values, strictly rising; zeros where never observed.
    static
        Array (S, KNOTS): the same of the descriptors.
    """

    value: Array
    static: Array

    def features(self, made: Grid) -> Array:
        """What the network reads, (n, T, 3 V + S + 1): scaled values, masks, scaled hours since, descriptors."""
        steps = made.value.shape[1]
        fixed = np.repeat(self.fixed(made.static)[:, None], steps, axis=1)
        parts = [*self.moving(made.value, made.seen, made.since), fixed]
        return np.concatenate(parts, axis=2, dtype=np.float32)

    def moving(self, value: Array, seen: NDArray[np.bool_], since: Array) -> tuple[Array, Array, Array]:
        """The part that moves with time: arrays (..., V) each."""
        return placed(value, self.value), seen.astype(np.float32), waited(since)

    def fixed(self, static: Array) -> Array:
        """The descriptors (n, S), scaled, missing as 0, and one column more: the share that is missing."""
        missing = (
            np.isnan(static).mean(axis=1, keepdims=True) if static.shape[1] else np.zeros((len(static), 1))
        )
        return np.concatenate([placed(static, self.static), missing], axis=1, dtype=np.float32)

    def arrays(self) -> dict[str, Array]:
        """For an ``.npz`` file."""
        return {"value": self.value, "static": self.static}

    @staticmethod
    def of(arrays: Mapping[str, Array]) -> Scaling:
        """Back from the file."""
        return Scaling(value=arrays["value"], static=arrays["static"])


def waited(since: Array) -> Array:
    """Hours since, on a logarithmic scale: 0 now, 1 never."""
    return (np.log1p(np.minimum(since, NEVER)) / np.float32(np.log1p(NEVER))).astype(np.float32)


FEW = 4096
"""Rows up to which all variables are looked up at once; a search per variable is faster beyond."""


def placed(x: Array, knots: Array) -> Array:
    """Normal scores -2.6 to 2.6 of values (..., V) among knots (..., V, KNOTS); missing is 0, the median.

    Parameters
    ----------
    x
        Values.
    knots
        Of one scaling, (V, KNOTS), or of several at once, (F, V, KNOTS): the result is then (F, ..., V).
    """
    several = knots if knots.ndim == 3 else knots[None]
    if not several.shape[1]:
        return np.zeros(x.shape if knots.ndim == 2 else (len(several), *x.shape), np.float32)
    rows = x.reshape(-1, several.shape[1])
    given = np.where(np.isnan(rows)[None], several[:, None, :, KNOTS // 2], rows[None])
    if len(rows) * len(several) <= FEW:
        cell = (given[..., None] >= several[:, None, :, 1:-1]).sum(3)
    else:
        cell = np.empty(given.shape, np.int64)
        for fold, v in np.ndindex(*several.shape[:2]):
            cell[fold, :, v] = np.searchsorted(several[fold, v, 1:-1], given[fold, :, v], "right")
    fold, variable = np.ogrid[: len(several), : several.shape[1]]
    low = several[fold[:, None], variable[None], cell]
    high = several[fold[:, None], variable[None], cell + 1]
    share = np.clip((given - low) / (high - low), 0, 1)
    out = PLACES[cell] + share * (PLACES[cell + 1] - PLACES[cell])
    out = np.where(np.isnan(rows)[None], 0.0, out).astype(np.float32)
    return out.reshape(x.shape) if knots.ndim == 2 else out.reshape(len(several), *x.shape)


def fit_scaling(made: Grid) -> Scaling:
    """Quantiles of the values observed in training stays."""
    value = [quantiles(made.value[..., v][made.seen[..., v]]) for v in range(made.value.shape[2])]
    static = [quantiles(column[~np.isnan(column)]) for column in made.static.T]
    return Scaling(value=np.array(value, np.float32), static=np.array(static, np.float32).reshape(-1, KNOTS))


def quantiles(values: Array) -> Array:
    """Rising quantiles; equal neighbours are spread by the least amount that keeps an order."""
    if not len(values):
        return np.linspace(-1, 1, KNOTS, dtype=np.float32)
    found = np.quantile(values.astype(np.float64), np.linspace(0.005, 0.995, KNOTS))
    step = (
        2 * float(np.finfo(np.float32).eps) * float(np.abs(found).max())
    )  # else a constant's would be equal
    spread = max(float(found[-1] - found[0]) * 1e-3, KNOTS * step, 1e-9)
    return (found + np.linspace(-0.5, 0.5, KNOTS) * spread).astype(np.float32)
