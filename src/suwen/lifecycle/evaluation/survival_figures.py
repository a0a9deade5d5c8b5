"""Every figure of survival on the judged subjects and on resamples of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from suwen.core.errors import BadInput
from suwen.engines.survival.curves import recalibrated, risk, survival
from suwen.lifecycle.evaluation.arrays import Bools, Floats, Ints, ratio
from suwen.lifecycle.evaluation.bootstrap import subject_weights
from suwen.lifecycle.evaluation.survival_calibration import hazard_slope, observed_by
from suwen.lifecycle.evaluation.survival_censoring import LEAST, Steps
from suwen.lifecycle.evaluation.survival_concordance import Pairs, dynamic_auc
from suwen.lifecycle.evaluation.survival_conformal import Scored, bound
from suwen.lifecycle.evaluation.survival_error import brier_parts, integrated

RESAMPLES = 500
"""Bootstrap resamples behind every interval."""
LEFT = 10
"""Figures stop at the last time of the grid at which so many subjects are still at risk ..."""
UNCENSORED = 0.1
"""... and this share would not yet be censored."""
AUC_TIMES = 9


@dataclass(frozen=True, kw_only=True, eq=False)
class Judging:
    """The judged subjects, whatever the model.

    Attributes
    ----------
    time, event
        Arrays (n,).
    subject
        Array (n,): number of each row's subject, for the resamples.
    grid
        Array (G,): times of the scores.
    uncensored
        Distribution of censoring that the weights are taken from.
    horizon
        Time at which calibration is judged.
    """

    time: Floats
    event: Bools
    subject: Ints
    grid: Floats
    uncensored: Steps
    horizon: float

    def of(self, rows: Ints) -> Judging:
        """Some of the subjects."""
        return Judging(
            time=self.time[rows],
            event=self.event[rows],
            subject=np.unique(self.subject[rows], return_inverse=True)[1].ravel().astype(np.int64),
            grid=self.grid,
            uncensored=self.uncensored,
            horizon=self.horizon,
        )

    @cached_property
    def pairs(self) -> Pairs:
        """Pairs that count."""
        return Pairs.of(self.time, self.event)

    @cached_property
    def last(self) -> int:
        """Number of the grid's times that are judged, at least 1."""
        left = (self.time[:, None] > self.grid[None]).sum(0) >= LEFT
        known = self.uncensored.at(self.grid) >= UNCENSORED
        good = left & known
        return max(1, int(np.argmin(good)) if not good.all() else len(good))

    @property
    def at_horizon(self) -> int:
        """Place of the horizon in the grid."""
        return min(int(np.searchsorted(self.grid, self.horizon)), len(self.grid) - 1)

    @property
    def auc_places(self) -> Ints:
        """Places of the grid at which the AUC is taken: tenths of the events, as far as they are judged."""
        tenths = np.arange(1, AUC_TIMES + 1) * len(self.grid) // (AUC_TIMES + 1)
        kept = np.unique(tenths[tenths < self.last])
        return kept if len(kept) else np.array([0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """A model's answers to the judged subjects.

    Attributes
    ----------
    log_hazard
        Array (n, G), recalibrated.
    quantile
        Of the conformal bound; ``None`` for a model that serves none.
    """

    log_hazard: Floats
    quantile: float | None = None

    @classmethod
    def of(cls, scores: Any, calibration: Mapping[str, Any], quantile: float | None = None) -> Curves:
        """Recalibrate scores (n, G); BadInput where they are not finite."""
        given = np.asarray(scores, np.float64)
        if not np.isfinite(given).all():
            raise BadInput(
                "some cumulative hazards are not finite", fix="Judge only samples the model answered for"
            )
        return cls(log_hazard=recalibrated(given, calibration), quantile=quantile)

    def take(self, rows: Ints) -> Curves:
        """Some of the subjects."""
        return Curves(log_hazard=self.log_hazard[rows], quantile=self.quantile)


def replicates(
    judging: Judging, curves: Curves, *, median: float, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Floats]:
    """Every figure on the subjects themselves, then on every resample, (1 + resamples,).

    The distribution of censoring is not resampled: it is that of the data the model learned from, or of all that are
    judged.

    Parameters
    ----------
    median
        Median event time of the data the model learned from, the unit of the bound's length.
    """
    time, event, grid = judging.time, judging.event, judging.grid[: judging.last]
    ranked, alive = risk(curves.log_hazard), survival(curves.log_hazard)
    own = np.maximum(judging.uncensored.at(time, before=True), LEAST)
    cases = judging.pairs.cases
    counts = np.stack([np.ones(len(cases)), np.where(time[cases] <= grid[-1], 1 / own[cases] ** 2, 0.0)])
    at = judging.at_horizon
    ended = np.minimum(time, judging.grid[at])
    happened = event & (time <= judging.grid[at])
    means = {
        "ibs": integrated(brier_parts(alive[:, : judging.last], grid, time, event, judging.uncensored), grid),
        "event_rate": event.astype(np.float64),
        "observed": observed_by(judging.grid[at], time, event, judging.uncensored),
        "expected": 1 - alive[:, at],
    }
    if curves.quantile is not None:
        scored = Scored.of(curves.log_hazard, judging.grid, time, event, judging.uncensored)
        means["conformal_coverage"] = scored.covered(curves.quantile)
        means["conformal_bound"] = bound(curves.log_hazard, judging.grid, curves.quantile) / median
    found: dict[str, list[Floats]] = {}
    drawn = subject_weights(judging.subject, resamples=resamples, seed=seed)
    for weights in (np.ones((1, len(time))), *drawn):
        plain, uno = judging.pairs.concordance(ranked, weights, counts)
        aucs = [
            dynamic_auc(curves.log_hazard[:, k], time, event, own, float(judging.grid[k]), weights)
            for k in judging.auc_places
        ]
        total = weights.sum(1)
        one = {
            "c_index": plain,
            "c_index_uno": uno,
            "auc_t": np.mean(aucs, axis=0),
            **{name: ratio(weights @ parts, total) for name, parts in means.items()},
            "hazard_slope": hazard_slope(curves.log_hazard[:, at], ended, happened, weights),
        }
        one["observed_to_expected"] = ratio(one.pop("observed"), one.pop("expected"))
        for name, values in one.items():
            found.setdefault(name, []).append(values)
    result = {name: np.concatenate(values) for name, values in found.items()}
    result["n"] = np.full(resamples + 1, float(len(time)))
    return result
