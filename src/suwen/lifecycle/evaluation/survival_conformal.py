"""A time that nine of ten subjects outlive: a conformal lower bound under censoring.

The score of a subject is the predicted probability that its event had happened by its own time. A new subject's bound
is the time at which its own predicted probability reaches the quantile that one in ten scores lie below. Conformal
survival analysis began with Candès, Lei and Ren (JRSS B 85:24, 2023) for censoring times that are known for all;
here they are known of the censored only, so that each event counts ``1 / G(T-)`` times. **Assumed**: subjects are
exchangeable and censoring depends neither on the time to the event nor on the covariates; where it depends on them
the stated 90% may not hold. The quantile is set by early events, whose weights are near 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.survival.curves import hazard_at, time_of
from suwen.lifecycle.evaluation.arrays import Bools, Floats, subject_index
from suwen.lifecycle.evaluation.conformal import ALPHA, SPLITS
from suwen.lifecycle.evaluation.survival_censoring import LEAST, Steps, censoring


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """Subjects with the probability that a model gave their event by its own time.

    Attributes
    ----------
    score
        Array (n,), 0 to 1.
    event
        Array (n,).
    uncensored
        Array (n,): probability not to be censored before each one's time.
    """

    score: Floats
    event: Bools
    uncensored: Floats

    @classmethod
    def of(cls, log_hazard: Floats, grid: Floats, time: Floats, event: Bools, uncensored: Steps) -> Scored:
        """Score log cumulative hazards (n, G)."""
        score = -np.expm1(-hazard_at(log_hazard, grid, time))
        return cls(
            score=np.where(time > grid[-1], 1.0, score),  # no bound lies behind the grid
            event=event,
            uncensored=np.maximum(uncensored.at(time, before=True), LEAST),
        )

    def quantile(self, alpha: float = ALPHA) -> float:
        """Greatest score such that at most ``alpha`` lie below it, one place kept for the new subject."""
        order = np.argsort(self.score, kind="stable")
        counted = np.where(self.event, 1 / self.uncensored, 0.0)[order]
        below = np.cumsum(counted) - counted
        allowed = (below + 1) / (len(order) + 1) <= alpha
        return float(self.score[order][allowed][-1]) if allowed.any() else 0.0

    def covered(self, quantile: float) -> Floats:
        """What each subject adds to the coverage, (n,): their mean is the share that outlives its bound."""
        missed: Floats = np.where(self.event & (self.score < quantile), 1 / self.uncensored, 0.0)
        return 1 - missed


def bound(log_hazard: Floats, grid: Floats, quantile: float) -> Floats:
    """Lower bound of the time to the event, (n,); the end of the grid where the curve does not come so low."""
    hazard = -np.log1p(-min(quantile, 1 - 1e-12))
    out: Floats = np.minimum(time_of(log_hazard, grid, hazard), grid[-1])
    return out


def held_out_coverage(
    log_hazard: Floats,
    grid: Floats,
    time: Floats,
    event: Bools,
    subjects: Sequence[str] | NDArray[Any],
    *,
    alpha: float = ALPHA,
    seed: int = 0,
) -> float:
    """Coverage where the quantile is set on one half of the subjects and judged on the other, mean of 20 halvings."""
    subject = subject_index(subjects, len(time))
    rng = np.random.default_rng(seed)
    count = int(subject.max()) + 1
    found = []
    scored = Scored.of(log_hazard, grid, time, event, censoring(time, event))
    for _ in range(SPLITS):
        half = np.zeros(count, bool)
        half[rng.permutation(count)[: count // 2]] = True
        for part in (half[subject], ~half[subject]):
            if part.any() and not part.all():
                learned = Scored(
                    score=scored.score[part], event=event[part], uncensored=scored.uncensored[part]
                )
                found.append(float(scored.covered(learned.quantile(alpha))[~part].mean()))
    return float(np.mean(found)) if found else float("nan")
