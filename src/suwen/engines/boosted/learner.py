"""Gradient-boosted trees over a table, one answer per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import SuwenError, Unreadable
from suwen.core.sample import Sample
from suwen.engines.boosted.contributions import contributions
from suwen.engines.boosted.trees import Trees, to_onnx
from suwen.engines.linear.inner import parts
from suwen.engines.linear.table import Table, TableOf, rows

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DESCRIPTION = "trees.json"
PARAMETERS: Mapping[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "path_smooth": 5.0,
}
"""For hundreds to thousands of rows: shallow trees, small steps, rows and columns drawn anew."""
PATIENCE = 40
"""Rounds without a better held-out loss after which more are not tried."""


@dataclass(frozen=True, kw_only=True)
class BoostedClasses:
    """LightGBM for classes; the number of trees is chosen by inner cross-validation unless it is given.

    Attributes
    ----------
    table
        Samples to rows.
    parameters
        LightGBM's own, over :data:`PARAMETERS`.
    rounds
        Trees of each model (of each class); ``None`` chooses.
    most_rounds
        The most that are tried.
    bags
        Models with other seeds, averaged.
    inner
        Inner folds.
    """

    table: TableOf = rows
    name: str = "lightgbm"
    family: str = "boosted"
    packages: tuple[str, ...] = ("lightgbm", "onnx")
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rounds: int | None = None
    most_rounds: int = 1500
    bags: int = 1
    inner: int = 5

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
        """Choose the number of trees, learn them once per bag, write graphs, texts and the columns' names."""
        import lightgbm

        known = units.target >= 0
        x, labels = design.x[known], units.target[known]
        parameters = self._parameters(len(labels), len(context["classes"]), settings)
        rounds = settings.get("rounds") or self.rounds or self._rounds(x, labels, parameters, seed)
        bags = settings.get("bags") or self.bags
        for bag in range(bags):
            booster = lightgbm.train(
                parameters | {"seed": seed * 1000 + bag}, lightgbm.Dataset(x, labels), rounds
            )
            to_onnx(booster, folder / f"trees-{bag}.onnx")
            (folder / f"trees-{bag}.txt").write_text(booster.model_to_string(), "utf-8")
        document = {"columns": list(design.names), "bags": bags, "rounds": rounds}
        write_json(folder / DESCRIPTION, document)
        progress(f"{self.name}: {rounds} trees, {bags} seeds")

    def _parameters(self, n: int, classes: int, settings: Mapping[str, Any]) -> dict[str, Any]:
        objective = (
            {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
        )
        small = {"min_data_in_leaf": min(int(PARAMETERS["min_data_in_leaf"]), max(2, n // 20))}
        fixed = {
            "num_threads": settings.get("threads") or 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
            "use_missing": True,
            "zero_as_missing": False,
        }
        return {**PARAMETERS, **small, **self.parameters, **objective, **fixed}

    def _rounds(self, x: NDArray[Any], labels: Ints, parameters: Mapping[str, Any], seed: int) -> int:
        """Number of trees of least held-out log loss."""
        import lightgbm

        found = lightgbm.cv(
            {**parameters, "seed": seed},
            lightgbm.Dataset(x, labels),
            self.most_rounds,
            folds=list(parts(labels, self.inner, seed)),
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        curves: Any = list(found.values())
        return max(1, len(curves[0]))

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> BoostedMember:
        """Open what :meth:`fit` wrote."""
        try:
            document = read_json(folder / f"{prefix}{DESCRIPTION}")
            columns, bags = tuple(document["columns"]), range(int(document["bags"]))
        except (SuwenError, ValueError, KeyError, TypeError) as error:
            raise Unreadable("a boosted model cannot be opened", where=f"{prefix}{DESCRIPTION}") from error
        return BoostedMember(
            names=columns,
            trees=tuple(Trees(folder / f"{prefix}trees-{bag}.onnx") for bag in bags),
            texts=tuple(folder / f"{prefix}trees-{bag}.txt" for bag in bags),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BoostedMember:
    """Trees opened for serving.

    Attributes
    ----------
    names
        Columns they learned from.
    trees
        One ensemble per bag.
    texts
        Their LightGBM texts, read only for contributions.
    """

    names: tuple[str, ...]
    trees: tuple[Trees, ...]
    texts: tuple[Path, ...]

    def scores(self, design: Table) -> Floats:
        """Logits (n, K): of two classes, 0 and the log-odds of the second."""
        x = design.columns(self.names)
        raw: Floats = np.mean([trees.raw(x) for trees in self.trees], axis=0)
        return np.concatenate([np.zeros_like(raw), raw], axis=1) if raw.shape[1] == 1 else raw

    def contributions(self, design: Table) -> Floats:
        """What each column adds to the log-odds, (n, d + 1), or (n, K, d + 1) of more than two classes.

        See :func:`suwen.engines.boosted.contributions.contributions`; needs LightGBM.
        """
        return contributions(self.texts, design.columns(self.names))
