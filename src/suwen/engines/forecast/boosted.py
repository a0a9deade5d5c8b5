"""Gradient-boosted trees on what an autoregression leaves over: one LightGBM model for each horizon.

Trees cannot continue a line, and a trace mostly does: the linear part is solved first, as in
:mod:`.ridge`, and the trees learn its residual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import Unreadable
from suwen.core.sample import Sample
from suwen.engines.boosted.trees import Trees, to_onnx
from suwen.engines.forecast.design import Origins, described
from suwen.engines.forecast.ridge import RidgeMember, fit_ridge, open_ridge

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]

FILE, LINE = "boosted.json", "line.json"
PARAMETERS: Mapping[str, Any] = {
    "objective": "l2",
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
}
"""Neighbouring origins are nearly the same row twice: large leaves, small trees, rows drawn anew."""
ROUNDS = 400


@dataclass(frozen=True, kw_only=True)
class Boosted:
    """LightGBM on the residual of a ridge; see :class:`suwen.engines.panel.learner.Learner`.

    Attributes
    ----------
    events, levels
        Variables beside the quantity; see :func:`suwen.engines.forecast.features.features`.
    parameters
        LightGBM's own, over :data:`PARAMETERS`.
    """

    events: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    name: str = "lightgbm"
    family: str = "boosted"
    packages: tuple[str, ...] = ("lightgbm", "onnx")

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """Features of every origin."""
        return described(task, samples, self.events, self.levels)

    def latest(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """The same of the last origin of each trace alone: what a stream needs after every reading."""
        return described(task, samples, self.events, self.levels, latest=True)

    def fit(
        self,
        task: PanelTask,
        design: Origins,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Learn each horizon on the origins whose future is known; write graphs, texts and column names."""
        import lightgbm

        rounds, bags = settings.get("rounds") or ROUNDS, settings.get("bags") or 1
        fixed = {
            "num_threads": settings.get("threads") or 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        left_over = units.target - fit_ridge(design, units, folder / LINE).scores(design)
        for horizon, y in enumerate(left_over.T):
            known = ~np.isnan(y)
            for bag in range(bags):
                booster = lightgbm.train(
                    {**PARAMETERS, **self.parameters, **fixed, "seed": seed * 1000 + bag},
                    lightgbm.Dataset(design.arrays["x"][known], y[known]),
                    rounds,
                )
                to_onnx(booster, folder / f"trees-{horizon}-{bag}.onnx")
                (folder / f"trees-{horizon}-{bag}.txt").write_text(booster.model_to_string(), "utf-8")
        write_json(
            folder / FILE, {"columns": list(design.names), "horizons": left_over.shape[1], "bags": bags}
        )

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> BoostedMember:
        """Open the graphs."""
        found = read_json(folder / f"{prefix}{FILE}")
        try:
            columns, horizons, bags = tuple(found["columns"]), int(found["horizons"]), int(found["bags"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable("a boosted forecast cannot be opened", where=f"{prefix}{FILE}") from error
        return BoostedMember(
            names=columns,
            line=open_ridge(folder / f"{prefix}{LINE}"),
            trees=tuple(
                tuple(Trees(folder / f"{prefix}trees-{horizon}-{bag}.onnx") for bag in range(bags))
                for horizon in range(horizons)
            ),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BoostedMember:
    """Trees of each horizon and bag, opened for serving.

    Attributes
    ----------
    names
        The columns they learned from.
    line
        The linear part.
    """

    names: tuple[str, ...]
    line: RidgeMember
    trees: tuple[tuple[Trees, ...], ...]

    def scores(self, design: Origins) -> Floats:
        """Forecasts (u, H) in the quantity's unit."""
        x = design.arrays["x"]
        more = [np.mean([one.raw(x)[:, 0] for one in bags], axis=0) for bags in self.trees]
        return np.asarray(self.line.scores(design) + np.stack(more, 1))
