"""Gradient-boosted trees over the hours of stays, as a learner of the panel; light to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.boosted.contributions import contributions
from suwen.engines.boosted.trees import Trees, to_onnx
from suwen.engines.hourly import calibrated
from suwen.engines.hourly.aim import halves, lesson, platt
from suwen.engines.hourly.features import Table
from suwen.engines.hourly.reading import Reading

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]

PARAMETERS: Mapping[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 16,
    "min_data_in_leaf": 250,
    "feature_fraction": 0.15,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
}
"""Chosen on out-of-fold utility of 10,000 stays of CinC 2019; see docs/recipes.md."""
CHUNK = 20_000
"""Hours scored at once, in double precision."""


@dataclass(frozen=True, kw_only=True)
class HourlyTrees:
    """LightGBM over hours, each model trained without one part of the stays, all averaged.

    The parts left out give the two numbers that turn scores into log-odds, on stays not learned from.

    Attributes
    ----------
    reading
        Stays to columns.
    parameters
        LightGBM's own, over :data:`PARAMETERS`.
    rounds
        Trees of each model.
    bags
        Models, and parts of the stays.
    keep
        Share of the hours of stays without an onset that is learned from.
    by_utility
        Whether hours are weighted by what an alarm changes.
    """

    reading: Reading
    name: str = "lightgbm"
    family: str = "boosted"
    packages: tuple[str, ...] = ("lightgbm", "onnx")
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rounds: int = 300
    bags: int = 4
    keep: float = 0.25
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
        """Train the bags, calibrate on what each left out, write graphs and texts."""
        import lightgbm

        rounds = int(settings.get("rounds") or self.rounds)
        bags = max(2, int(settings.get("bags") or self.bags))
        taught = lesson(units, keep=self.keep, seed=seed, by_utility=self.by_utility)
        x = design.x[design.rows[taught.rows]]
        part = halves(units, bags, seed)[units.owner[taught.rows]]
        held = np.zeros(len(x))
        fixed = {"num_threads": settings.get("threads") or 1, "deterministic": True, "verbose": -1}
        for bag in range(bags):
            inside = part != bag
            data = lightgbm.Dataset(
                x[inside], taught.target[inside], weight=taught.weight[inside], free_raw_data=True
            )
            chosen = {**PARAMETERS, **self.parameters, **fixed, "seed": seed * 1000 + bag}
            booster = lightgbm.train(chosen, data, rounds)
            held[~inside] = booster.predict(x[~inside], raw_score=True, num_threads=fixed["num_threads"])
            to_onnx(booster, folder / f"trees-{bag}.onnx")
            (folder / f"trees-{bag}.txt").write_text(booster.model_to_string(), "utf-8")
        intercept, slope = platt(held, taught.label, taught.share)
        more = {"columns": list(design.names), "bags": bags, "rounds": rounds}
        calibrated.write(folder, calibrated.Facts(intercept=intercept, slope=slope, more=more))
        progress(f"{self.name}: {bags} models of {rounds} trees on {len(x)} hours")

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> HourlyTreesMember:
        """Open what :meth:`fit` wrote."""
        facts = calibrated.read(folder, prefix)
        bags = range(int(facts.more["bags"]))
        return HourlyTreesMember(
            facts=facts,
            trees=tuple(Trees(folder / f"{prefix}trees-{bag}.onnx") for bag in bags),
            texts=tuple(folder / f"{prefix}trees-{bag}.txt" for bag in bags),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class HourlyTreesMember:
    """Trees opened for serving; see :class:`suwen.engines.panel.learner.Member`."""

    facts: calibrated.Facts
    trees: tuple[Trees, ...]
    texts: tuple[Path, ...]

    def scores(self, design: Table) -> Floats:
        """Logits (u, 2) of every hour."""
        columns, rows = design.places(self.facts.more["columns"]), design.rows
        parts = [np.zeros(0)]
        for start in range(0, len(rows), CHUNK):
            x = design.x[rows[start : start + CHUNK]]
            x = x if columns is None else x[:, columns]
            parts.append(np.mean([trees.raw(x)[:, 0] for trees in self.trees], axis=0))
        return self.facts.logits(np.concatenate(parts))

    def contributions(self, design: Table) -> Floats:
        """What each column adds to the log-odds of each hour, (u, d + 1); needs LightGBM.

        The last is the rest: the trees' own constant and the calibration's.
        """
        columns = design.places(self.facts.more["columns"])
        x = design.x[design.rows]
        out = contributions(self.texts, x if columns is None else x[:, columns]) * self.facts.slope
        out[:, -1] += self.facts.intercept
        return out
