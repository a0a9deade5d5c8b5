"""Logistic regression over hours: last values and the hour, the simple model that every other one must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.hourly import calibrated
from suwen.engines.hourly.aim import lesson, platt
from suwen.engines.hourly.features import Table
from suwen.engines.hourly.reading import Reading
from suwen.engines.linear.member import LinearMember, load, save
from suwen.engines.linear.terms import Terms

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HourlyLogistic:
    """Logistic regression with a quadratic penalty; columns of many values bend.

    Attributes
    ----------
    reading
        Stays to columns.
    penalty
        Strength beside the mean log loss.
    keep
        Share of the hours of stays without an onset that is learned from.
    by_utility
        Whether hours are weighted by what an alarm changes.
    """

    reading: Reading
    name: str = "logistic"
    family: str = "linear"
    packages: tuple[str, ...] = ("sklearn",)
    penalty: float = 1e-3
    keep: float = 0.1
    by_utility: bool = True

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """Columns of every hour."""
        return self.reading.table(task, samples)

    def fit(
        self,
        task: PanelTask,
        design: Table,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Fit the weights, then bring the scores back to log-odds of the label on the same hours."""
        from sklearn.linear_model import LogisticRegression

        taught = lesson(units, keep=self.keep, seed=seed, by_utility=self.by_utility)
        x = design.x[design.rows[taught.rows]]
        terms = Terms.fit(x, splines=True)
        prepared = terms.of(x)
        model = LogisticRegression(C=1.0 / (self.penalty * len(x)), max_iter=200, random_state=0)
        model.fit(prepared, taught.target, sample_weight=taught.weight)
        weights = np.concatenate([np.zeros_like(model.coef_.T), model.coef_.T], axis=1)
        bias = np.array([0.0, float(model.intercept_[0])])
        member = LinearMember(names=design.names, preparation=terms, weights=weights, bias=bias)
        save(folder, member, {"penalty": self.penalty})
        score = prepared @ weights[:, 1] + bias[1]
        intercept, slope = platt(score, taught.label, taught.share)
        calibrated.write(folder, calibrated.Facts(intercept=intercept, slope=slope, more={}))
        progress(f"{self.name}: {prepared.shape[1]} terms on {len(x)} hours")

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> HourlyLinearMember:
        """Open what :meth:`fit` wrote."""
        return HourlyLinearMember(facts=calibrated.read(folder, prefix), linear=load(folder, prefix))


@dataclass(frozen=True, kw_only=True, eq=False)
class HourlyLinearMember:
    """The weights opened for serving; see :class:`suwen.engines.panel.learner.Member`."""

    facts: calibrated.Facts
    linear: LinearMember

    def scores(self, design: Table) -> Floats:
        """Logits (u, 2) of every hour."""
        logits = self.linear.scores(design)  # type: ignore[arg-type]  # it asks a table for len() and columns()
        return self.facts.logits(logits[:, 1] - logits[:, 0])
