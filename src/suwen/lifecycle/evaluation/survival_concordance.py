"""Concordance and time-dependent AUC on many resamples at once, in time n log n each.

A pair counts where one subject had its event while the other was still at risk: the first is to have the higher risk,
equal risks count half. Harrell et al., JAMA 247:2543, 1982, counts every such pair once; Uno et al., Stat. Med.
30:1105, 2011, counts it ``1 / G(T)^2`` times up to a horizon, which takes censoring out of the figure. The
time-dependent AUC compares those with an event by ``t``, each ``1 / G(T)`` times, with those still at risk after it
(Uno et al., JASA 102:527, 2007; Hung and Chiang 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.lifecycle.evaluation.arrays import Bools, Floats, Ints, ratio

_Places = tuple[Ints, Ints, Ints]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Which pairs count, whatever the model.

    Attributes
    ----------
    key
        Array (n,), int64: subjects with a lower key went first; equal keys are no pair.
    cases
        Array (c,): subjects with an event.
    """

    key: Ints
    cases: Ints

    @classmethod
    def of(cls, time: Floats, event: Bools) -> Pairs:
        """Pairs of times and events (n,); at one time events go before censoring, and are no pairs of their own."""
        _, place = np.unique(time, return_inverse=True)
        _, key = np.unique(2 * place.ravel() + ~event, return_inverse=True)
        return cls(key=key.ravel().astype(np.int64), cases=np.flatnonzero(event))

    def outlived(self, weights: Floats) -> Floats:
        """Weight of those who were still there after each case, (resamples, c)."""
        order = np.argsort(self.key, kind="stable")
        total = np.cumsum(weights[:, order], axis=1)
        last = np.searchsorted(self.key[order], self.key[self.cases], side="right") - 1
        out: Floats = total[:, -1:] - total[:, last]
        return out

    def outranked(self, risk: Floats, weights: Floats) -> Floats:
        """Weight of those of lower risk who were still there after each case, equal risks half, (resamples, c).

        Keys are split by their bits: every pair of different keys parts at exactly one bit, and there the lower key
        is on the left. Within the block of equal higher bits, sums over the right side in order of risk give the
        weight below each case of the left side.
        """
        _, rank = np.unique(risk, return_inverse=True)
        rank = rank.ravel().astype(np.int64)
        case = np.full(len(self.key), -1, np.int64)
        case[self.cases] = np.arange(len(self.cases))
        out = np.zeros((len(weights), len(self.cases)))
        for bit in range(int(self.key.max()).bit_length()):
            block, right = self.key >> (bit + 1), (self.key >> bit) & 1 == 1
            order = np.lexsort((rank, block))
            left = order[(~right & (case >= 0))[order]]
            if not len(left):
                continue
            # Places in the sorted row: of the block's beginning, and around those of equal risk in the block.
            merged = block[order] * (len(rank) + 1) + rank[order]
            begin = np.searchsorted(block[order], block[left], side="left")
            low = np.searchsorted(merged, block[left] * (len(rank) + 1) + rank[left], side="left")
            high = np.searchsorted(merged, block[left] * (len(rank) + 1) + rank[left], side="right")
            total = np.zeros((len(weights), len(order) + 1))
            np.cumsum(weights[:, order] * right[order], axis=1, out=total[:, 1:])
            out[:, case[left]] += 0.5 * (total[:, low] + total[:, high]) - total[:, begin]
        return out

    def concordance(self, risk: Floats, weights: Floats, counts: NDArray[np.float64]) -> Floats:
        """Concordance of each resample under several ways to count, (ways, resamples).

        Parameters
        ----------
        risk
            Array (n,): higher is worse.
        weights
            Array (resamples, n): how often each subject counts.
        counts
            Array (ways, c): how often the pairs of each case count.
        """
        mine = weights[:, self.cases]
        right, whole = mine * self.outranked(risk, weights), mine * self.outlived(weights)
        return ratio(counts @ right.T, counts @ whole.T)


def dynamic_auc(
    risk: Floats, time: Floats, event: Bools, uncensored: Floats, at: float, weights: Floats
) -> Floats:
    """Cumulative/dynamic AUC at one time, (resamples,); NaN without cases or without anybody left.

    Parameters
    ----------
    risk
        Array (n,): of the event by ``at``.
    time, event
        Arrays (n,).
    uncensored
        Array (n,): probability not to be censored before each subject's own time.
    at
        The time.
    weights
        Array (resamples, n).
    """
    case = event & (time <= at)
    control = time > at
    if not case.any() or not control.any():
        return np.full(len(weights), np.nan)
    order = np.flatnonzero(control)[np.argsort(risk[control], kind="stable")]
    total = np.zeros((len(weights), len(order) + 1))
    np.cumsum(weights[:, order], axis=1, out=total[:, 1:])
    low = np.searchsorted(risk[order], risk[case], side="left")
    high = np.searchsorted(risk[order], risk[case], side="right")
    mine = weights[:, case] / uncensored[case]
    below = 0.5 * (total[:, low] + total[:, high])
    return ratio((mine * below).sum(1), mine.sum(1) * total[:, -1])
