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
    "learning_rate": 0.03,
    "num_leaves": 5,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 127,
}
"""Shallow trees, small steps, rows and columns drawn anew for each."""
STEP = 20
"""Numbers of trees are tried in steps of this many."""


@dataclass(frozen=True, kw_only=True)
class BoostedCoxLearner:
    """LightGBM under Cox's partial likelihood; the number of trees is chosen by inner cross-validation.

    Attributes
    ----------
    table
        Samples to rows.
    parameters
        LightGBM's own, over :data:`PARAMETERS`.
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
    rho: float = 1.0
    most_rounds: int = 800
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
        rounds, scale = self._rounds(data, settings.get("rounds"), seed, threads)
        bags = int(settings.get("bags") or self.bags)
        risk = np.zeros(len(data))
        for bag in range(bags):
            booster = self._train(data, rounds, seed * 1000 + bag, threads)
            risk += scale * np.asarray(booster.predict(data.x, raw_score=True)) / bags
            to_onnx(booster, folder / f"trees-{bag}.onnx")
            (folder / f"trees-{bag}.txt").write_text(booster.model_to_string(), "utf-8")
        baseline = log_baseline(risk, data.time, data.event, np.asarray(context["grid"]))
        facts = {
            "columns": list(design.names),
            "bags": bags,
            "rounds": rounds,
            "scale": scale,
            "rho": self.rho,
        }
        save(folder, facts, {"baseline": baseline})
        progress(f"{self.name}: {rounds} trees, {bags} seeds, scale {scale:.2f}")

    def _train(self, data: FollowUp, rounds: int, seed: int, threads: int) -> lightgbm.Booster:
        import lightgbm

        sets = RiskSets.of(data.time, data.event, self.rho)
        few = {"min_data_in_leaf": min(int(PARAMETERS["min_data_in_leaf"]), max(2, len(data) // 20))}
        fixed = {
            "objective": lambda raw, _: sets.derivatives(raw),
            "num_threads": threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
            "seed": seed,
        }
        parameters: dict[str, Any] = {**PARAMETERS, **few, **self.parameters, **fixed}
        return lightgbm.train(parameters, lightgbm.Dataset(data.x, np.zeros(len(data))), rounds)

    def _rounds(self, data: FollowUp, given: int | None, seed: int, threads: int) -> tuple[int, float]:
        """Number of trees of greatest held-out partial likelihood at its best scale, and the scale to serve.

        The scale of weighted events ranks best; the one that is served is that of Cox's own likelihood, for a hazard
        is to be an absolute one.
        """
        tried = [given] if given else list(range(STEP, self.most_rounds + 1, STEP))
        held: list[list[tuple[Floats, RiskSets]]] = [[] for _ in tried]
        plain: list[RiskSets] = []
        for number, (inside, outside) in enumerate(data.inner(self.inner, seed)):
            unseen = data.take(outside)
            booster = self._train(data.take(inside), tried[-1], seed * 1000 + number, threads)
            sets = RiskSets.of(unseen.time, unseen.event, self.rho)
            plain.append(RiskSets.of(unseen.time, unseen.event))
            risk, before = np.zeros(len(unseen)), 0
            for place, last in enumerate(tried):
                step = {"start_iteration": before, "num_iteration": last - before}
                risk = risk + np.asarray(booster.predict(unseen.x, raw_score=True, **step))
                held[place].append((risk, sets))
                before = last
        figures = [sum(sets.log_likelihood(best_scale(one) * risk) for risk, sets in one) for one in held]
        best = int(np.argmax(figures))
        served = [(risk, sets) for (risk, _), sets in zip(held[best], plain, strict=True)]
        return tried[best], best_scale(served)

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
