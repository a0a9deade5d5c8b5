"""From the columns of a table to the terms of a logistic regression, fitted on the training rows alone.

A missing value becomes the training median and sets a flag; a value beyond the training range counts as
its end; a column of many values may bend as a restricted cubic spline with four knots (Harrell,
*Regression Modeling Strategies*, 2nd ed. 2015, section 2.4.5: knots at the quantiles .05, .35, .65, .95).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KNOTS = (0.05, 0.35, 0.65, 0.95)
MANY_VALUES = 10
"""Distinct values from which a column may bend."""


def bends(x: Floats, knots: Floats) -> Floats:
    """Nonlinear terms of a restricted cubic spline, (n, 2), for four knots; linear beyond the last two.

    With knots ``t1..t4`` and ``u³₊ = max(u, 0)³`` the terms are, for j = 1, 2 (Harrell, equation 2.25)::

        [(x-tj)³₊ - (x-t3)³₊ (t4-tj)/(t4-t3) + (x-t4)³₊ (t3-tj)/(t4-t3)] / (t4-t1)²
    """

    def cube(t: float) -> Floats:
        out: Floats = np.maximum(x - t, 0.0) ** 3
        return out

    first, _, third, last = knots
    return np.stack(
        [
            (cube(t) - cube(third) * (last - t) / (last - third) + cube(last) * (third - t) / (last - third))
            / (last - first) ** 2
            for t in knots[:2]
        ],
        axis=1,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """How columns become standardised terms.

    Attributes
    ----------
    low, high, median
        Of each column in training, (d,).
    flags
        Columns whose being missing is a term, (f,).
    bent
        Columns with spline terms, (s,).
    knots
        Array (s, 4).
    mean, scale
        Of each term in training, (t,).
    """

    low: Floats
    high: Floats
    median: Floats
    flags: Ints
    bent: Ints
    knots: Floats
    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, x: NDArray[Any], *, splines: bool = False, least_missing: float = 0.01) -> Terms:
        """Learn medians, ranges, knots and scales from training rows (n, d).

        Parameters
        ----------
        splines
            Whether columns of many values may bend.
        least_missing
            Share of missing values from which a column gets a flag.
        """
        values = np.asarray(x, np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a column that holds nothing
            edges = np.nan_to_num(np.nanquantile(values, [0.0, 0.5, 1.0], axis=0))
            quantiles = np.nanquantile(values, KNOTS, axis=0).T
        missing = np.isnan(values).mean(0)
        bent = [
            number
            for number, (column, q) in enumerate(zip(values.T, quantiles, strict=True))
            if splines and len(np.unique(column[~np.isnan(column)])) >= MANY_VALUES and np.all(np.diff(q) > 0)
        ]
        plain = cls(
            low=edges[0],
            high=edges[2],
            median=edges[1],
            flags=np.flatnonzero((missing >= least_missing) & (missing <= 1 - least_missing)),
            bent=np.array(bent, np.int64),
            knots=quantiles[bent].reshape(-1, len(KNOTS)),
            mean=np.zeros(1),
            scale=np.ones(1),
        )
        terms = plain.of(values)
        spread = terms.std(0)
        arrays = plain.arrays() | {"mean": terms.mean(0), "scale": np.where(spread > 1e-9, spread, 1.0)}
        return cls(**arrays)

    def of(self, x: NDArray[Any]) -> Floats:
        """Standardised terms (n, t): every column, then flags, then bends."""
        values = np.asarray(x, np.float64)
        missing = np.isnan(values)
        filled = np.clip(np.where(missing, self.median, values), self.low, self.high)
        curved = [bends(filled[:, c], k) for c, k in zip(self.bent, self.knots, strict=True)]
        terms = np.concatenate([filled, missing[:, self.flags], *curved], axis=1)
        out: Floats = (terms - self.mean) / self.scale
        return out

    @property
    def column(self) -> Ints:
        """Column that each term comes from, (t,)."""
        return np.concatenate([np.arange(len(self.median)), self.flags, np.repeat(self.bent, 2)]).astype(
            np.int64
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name, for a file."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Terms:
        """What :meth:`arrays` gave."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})
