"""Hours of many stays in few cells, so that resampling subjects stays cheap whatever the number of hours.

Probabilities are cut into cells at their quantiles, and at every value at which something is decided. A cell is
then two pseudo-samples, its positive and its negative hours, and every metric of :mod:`.metrics` works on them
with the hours' number as their weight. Only the spread of a figure is taken from cells; the figure itself is
computed on the hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suwen.lifecycle.evaluation.arrays import Bools, Floats, Ints

CELLS = 160
"""Cells at quantiles of all hours; half as many again at those of the positive ones."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Digest:
    """Numbers of hours by subject and cell.

    Attributes
    ----------
    value
        Mean probability of each cell, (c,).
    positive, negative
        Hours of each subject in each cell, (S, c), float32.
    """

    value: Floats
    positive: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    negative: np.ndarray[tuple[int, int], np.dtype[np.float32]]

    @property
    def probabilities(self) -> Floats:
        """Of the pseudo-samples, (2 c, 2): the positive hours of every cell, then the negative ones."""
        p = np.tile(self.value, 2)
        return np.stack([1 - p, p], axis=1)

    @property
    def labels(self) -> Ints:
        """Of the pseudo-samples, (2 c,)."""
        return np.repeat(np.array([1, 0]), len(self.value))

    def weights(self, times: Floats) -> Floats:
        """Weights (r, 2 c) of the pseudo-samples where subjects count ``times`` (r, S)."""
        drawn = times.astype(np.float32)
        return np.concatenate([drawn @ self.positive, drawn @ self.negative], axis=1).astype(np.float64)


def digest(probability: Floats, truth: Bools, subject: Ints, cuts: Sequence[float] = ()) -> Digest:
    """Cut hours into cells.

    Parameters
    ----------
    probability, truth, subject
        Arrays (u,): probability, whether the hour is positive, number of its subject.
    cuts
        Values that no cell may straddle; a cell starts at each.
    """
    shares = np.linspace(0, 1, CELLS + 1)[1:-1]
    edges = [np.quantile(probability, shares), np.asarray(cuts, np.float64)]
    if truth.any():
        edges.append(np.quantile(probability[truth], shares[::2]))
    cell = np.searchsorted(np.unique(np.concatenate(edges)), probability, side="right")
    filled, cell = np.unique(cell, return_inverse=True)
    count = np.bincount(cell)
    value = np.bincount(cell, probability) / count
    # Rounding must not carry a mean out of its cell.
    order = np.argsort(cell, kind="stable")
    starts = np.append(0, count.cumsum()[:-1])
    ranked = probability[order]
    value = np.clip(value, np.minimum.reduceat(ranked, starts), np.maximum.reduceat(ranked, starts))
    subjects, cells = int(subject.max()) + 1, len(filled)
    place = subject * cells + cell

    def counted(which: Bools) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        found = np.bincount(place[which], minlength=subjects * cells).reshape(subjects, cells)
        return found.astype(np.float32)

    return Digest(value=value, positive=counted(truth), negative=counted(~truth))


def draws(subjects: int, *, resamples: int, seed: int) -> Floats:
    """How often each subject counts, (1 + resamples, subjects), float32; once each in the first row."""
    rng = np.random.default_rng(seed)
    out = np.ones((1 + resamples, subjects), np.float32)
    for row in range(1, 1 + resamples):
        out[row] = np.bincount(rng.integers(subjects, size=subjects), minlength=subjects)
    return out  # type: ignore[return-value]  # single precision holds small whole numbers exactly
