"""Gene expression as every learner here sees it: ranks within a sample, a few of the genes, standardised.

Arrays of different makers and laboratories differ in scale, floor, background and saturation, and some hold
negative values. The order of a sample's own genes survives all of these, so each sample is replaced by the
normal scores of its ranks: one sample at a time, nothing fitted, the same whatever the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@lru_cache(maxsize=8)
def _quantiles(count: int) -> Floats:
    """Normal quantiles of (r - 1/2) / count for the mid-ranks r = 1, 1.5, 2 ... count, (2 count - 1,)."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((1 + half / 2 - 0.5) / count) for half in range(2 * count - 1)])


def normal_scores(x: NDArray[Any]) -> Floats:
    """Normal scores of the ranks within each row, (n, d).

    Ties share their mean rank; what is missing becomes 0, the middle, and takes no rank.

    Notes
    -----
    Score of rank r of d: the standard normal quantile of ``(r - 1/2) / d`` (Hazen's plotting position).
    """
    out = np.zeros(x.shape)
    for row, scores in zip(x, out, strict=True):
        known = np.flatnonzero(~np.isnan(row))
        if not len(known):
            continue
        values = row[known]
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        ends = np.append(starts[1:], len(ordered))
        # Mean rank of places start .. end - 1 (from 1) is (start + end + 1) / 2: half-steps above rank 1.
        halves = np.repeat(starts + ends - 1, ends - starts)
        scores[known[order]] = _quantiles(len(known))[halves]
    return out


def f_ratio(x: Floats, labels: Ints) -> Floats:
    """One-way analysis of variance, F of each column (d,): spread between the classes over that within."""
    names = np.unique(labels)
    mean, total = x.mean(0), np.zeros(x.shape[1])
    within = np.zeros(x.shape[1])
    for name in names:
        own = x[labels == name]
        total += len(own) * (own.mean(0) - mean) ** 2
        within += ((own - own.mean(0)) ** 2).sum(0)
    between = total / max(len(names) - 1, 1)
    # A gene whose values are all but the same is no marker, however small its spread within.
    floor = 1e-3 * np.median(within) + 1e-12
    out: Floats = between / ((within + floor) / max(len(x) - len(names), 1))
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Expression:
    """The chosen genes and how they are standardised.

    Attributes
    ----------
    genes
        Their columns, (k,).
    mean, scale
        Of their normal scores in training, (k,).
    """

    genes: Ints
    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, scores: Floats, genes: Ints) -> Expression:
        """Learn means and scales of the chosen columns of training scores (n, d).

        A scale is no smaller than a tenth of the median one: a gene that hardly moved in training must not
        decide because it moves a little later.
        """
        chosen = scores[:, genes]
        spread = chosen.std(0)
        return cls(genes=genes, mean=chosen.mean(0), scale=np.maximum(spread, 0.1 * np.median(spread) + 1e-9))

    def standardised(self, scores: Floats) -> Floats:
        """Standardised normal scores (n, k) of the chosen genes."""
        out: Floats = (scores[:, self.genes] - self.mean) / self.scale
        return out

    def of(self, x: NDArray[Any]) -> Floats:
        """The same from values as measured, (n, d)."""
        return self.standardised(normal_scores(x))

    @property
    def column(self) -> Ints:
        """Column that each term comes from, (k,)."""
        return self.genes

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name, for a file."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Expression:
        """What :meth:`arrays` gave."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})
