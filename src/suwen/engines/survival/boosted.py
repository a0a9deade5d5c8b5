"""Gradient-boosted Cox: LightGBM's trees under the exact derivatives of the partial likelihood.

Friedman, Ann. Stat. 29:1189, 2001, with the loss of Ridgeway, Computing Science and Statistics 31:172, 1999; second
derivatives by subject as in any Newton boosting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.boosted.trees import Trees, to_onnx
from suwen.engines.linear.table import Table, TableOf, rows
from suwen.engines.survival.baseline import ProportionalMember, log_baseline
from suwen.engines.survival.files import load, save
from suwen.engines.survival.follow_up import FollowUp, follow_up
from suwen.engines.survival.risk_sets import RiskSets, best_scale

if TYPE_CHECKING:
    import lightgbm

    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]

PARAMETERS: Mapping[str, Any] = {
    "learning_rate": 0.02,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 255,
}
"""Small steps, rows and columns drawn anew for each."""
LEAVES = (4, 8)
"""Leaves of a tree that are tried."""
LEAST_ROWS = 30
"""Of a leaf; with thousands of rows a hundredth of them."""
STEP = 20
"""Numbers of trees are tried in steps of this many."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What to train, and how it did held out."""

    leaves: int
    rounds: int
    scale: float
    figure: float


def _figure(held: list[tuple[Floats, RiskSets]]) -> float:
    """Held-out partial likelihood at the best scale that does not stretch."""
    scale = min(best_scale(held), 1.0)
    return sum(sets.log_likelihood(scale * risk) for risk, sets in held)


@dataclass(frozen=True, kw_only=True)
class BoostedCoxLearner:
    """LightGBM under Cox's partial likelihood; size and number of its trees are chosen by inner cross-validation.

    Attributes
    ----------
    table
        Samples to rows.
    parameters
        LightGBM's own, over :data:`PARAMETERS`.
    leaves
        Of a tree; tried, where there are several.
    rho
        See :mod:`suwen.engines.survival.risk_sets`.
    most_rounds
        The most trees that are tried.
    bags
        Models with other seeds, averaged.
    inner
        Inner folds.
    """

    table: TableOf = rows
    name: str = "boosted_cox"
    family: str = "boosted"
    packages: tuple[str, ...] = ("lightgbm", "onnx")
    parameters: Mapping[str, Any] = field(default_factory=dict)
    leaves: tuple[int, ...] = LEAVES
    rho: float = 1.0
    most_rounds: int = 1000
    bags: int = 3
    inner: int = 4

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """The samples' rows."""
        return Table(*self.table(samples))

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
        """Choose the number of trees by held-out partial likelihood, then learn them on every row."""
        data = follow_up(design, units)
        threads = int(settings.get("threads") or 1)
        plans = [self._plan(data, leaves, settings.get("rounds"), seed, threads) for leaves in self.leaves]
        best = max(plans, key=lambda plan: plan.figure)
        bags = int(settings.get("bags") or self.bags)
        risk = np.zeros(len(data))
        for bag in range(bags):
            booster = self._train(data, best.leaves, best.rounds, seed * 1000 + bag, threads)
            risk += best.scale * np.asarray(booster.predict(data.x, raw_score=True)) / bags
            to_onnx(booster, folder / f"trees-{bag}.onnx")
            (folder / f"trees-{bag}.txt").write_text(booster.model_to_string(), "utf-8")
        baseline = log_baseline(risk, data.time, data.event, np.asarray(context["grid"]))
        facts = {"columns": list(design.names), "bags": bags, "rho": self.rho, **vars(best)}
        save(folder, facts, {"baseline": baseline})
        progress(
            f"{self.name}: {best.rounds} trees of {best.leaves} leaves, {bags} seeds, scale {best.scale:.2f}"
        )

    def _train(self, data: FollowUp, leaves: int, rounds: int, seed: int, threads: int) -> lightgbm.Booster:
        import lightgbm

        sets = RiskSets.of(data.time, data.event, self.rho)
        few = min(max(LEAST_ROWS, len(data) // 100), max(2, len(data) // 20))
        fixed = {
            "objective": lambda raw, _: sets.derivatives(raw),
            "num_threads": threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
            "seed": seed,
        }
        parameters: dict[str, Any] = {
            **PARAMETERS, "num_leaves": leaves, "min_data_in_leaf": few, **self.parameters, **fixed,
        }  # fmt: skip
        return lightgbm.train(parameters, lightgbm.Dataset(data.x, np.zeros(len(data))), rounds)

    def _plan(self, data: FollowUp, leaves: int, given: int | None, seed: int, threads: int) -> _Plan:
        """Number of trees of greatest held-out partial likelihood at its best scale, and the scale to serve.

        Too few trees are not made up for by stretching what they say: the scale they compete at is at most 1. The
        scale of weighted events ranks best; the one that is served is that of Cox's own likelihood, for a hazard is
        to be an absolute one.
        """
        tried = [given] if given else list(range(STEP, self.most_rounds + 1, STEP))
        held: list[list[tuple[Floats, RiskSets]]] = [[] for _ in tried]
        plain: list[RiskSets] = []
        for number, (inside, outside) in enumerate(data.inner(self.inner, seed)):
            unseen = data.take(outside)
            booster = self._train(data.take(inside), leaves, tried[-1], seed * 1000 + number, threads)
            sets = RiskSets.of(unseen.time, unseen.event, self.rho)
            plain.append(RiskSets.of(unseen.time, unseen.event))
            risk, before = np.zeros(len(unseen)), 0
            for place, last in enumerate(tried):
                step = {"start_iteration": before, "num_iteration": last - before}
                risk = risk + np.asarray(booster.predict(unseen.x, raw_score=True, **step))
                held[place].append((risk, sets))
                before = last
        figures = [_figure(one) for one in held]
        best = int(np.argmax(figures))
        served = [(risk, sets) for (risk, _), sets in zip(held[best], plain, strict=True)]
        return _Plan(leaves=leaves, rounds=tried[best], scale=best_scale(served), figure=figures[best])

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> ProportionalMember:
        """Open what :meth:`fit` wrote."""
        facts, arrays = load(folder, prefix)
        scale = float(facts["scale"])
        trees = [Trees(folder / f"{prefix}trees-{bag}.onnx") for bag in range(int(facts["bags"]))]

        def risk(x: NDArray[Any]) -> Floats:
            out: Floats = scale * np.mean([one.raw(x)[:, 0] for one in trees], axis=0)
            return out

        return ProportionalMember(names=tuple(facts["columns"]), risk=risk, baseline=arrays["baseline"])
