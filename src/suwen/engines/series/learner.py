"""A network over a stay as a learner of the panel; light to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask
    from suwen.engines.series.grid import Grid
    from suwen.engines.series.serve import SeriesMember

DEFAULTS: Mapping[str, Any] = {
    "epochs": 12,
    "width": 64,
    "learning_rate": 2e-3,
    "weight_decay": 1e-2,
    "dropout": 0.3,
    "replicate": 0.3,
    "hide": 0.1,
    "batch_size": 64,
    "clip": 1.0,
    "bags": 1,
}
"""Chosen by five-fold cross-validation on CinC 2012 set-a; see docs/recipes.md."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """One kind of network over the hours of a stay; see :class:`suwen.engines.panel.learner.Learner`.

    Attributes
    ----------
    cell
        ``gru``, ``lstm``, ``gru_d`` or ``tcn``.
    steps, step_h
        Cells of the grid, and hours in each.
    static
        Descriptors it reads beside the variables.
    recipe
        Changes to :data:`DEFAULTS`.
    """

    cell: str
    steps: int
    step_h: float = 1.0
    static: tuple[str, ...] = ()
    recipe: tuple[tuple[str, Any], ...] = ()

    family: str = "series"
    packages: tuple[str, ...] = ("torch", "lightning", "onnx")

    @property
    def name(self) -> str:
        """The kind of its cell."""
        return self.cell

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, then the recipe, then what was set on the command line."""
        chosen = {**DEFAULTS, **dict(self.recipe)}
        for key in ("epochs", "width", "learning_rate", "bags"):
            if given.get(key) is not None:
                chosen[key] = given[key]
        return chosen

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Grid:
        """Stays on the grid of hours."""
        from suwen.engines.series.grid import grid

        return grid(
            samples, field=task.inputs[0].name, steps=self.steps, step_h=self.step_h, static=self.static
        )

    def fit(
        self,
        task: PanelTask,
        design: Grid,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Train the networks of this member and write one graph."""
        from suwen.engines.series.fit import fit

        fit(self, design, units, folder, settings=settings, context=context, seed=seed, progress=progress)

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> SeriesMember:
        """Open the graph on ONNX Runtime."""
        from suwen.engines.series.serve import SeriesMember

        return SeriesMember(folder, prefix)
