"""A network that answers every hour of a stay, as a learner of the panel; light to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample

if TYPE_CHECKING:
    from suwen.engines.hourly.grid import Hours
    from suwen.engines.hourly.serve import HourlyNetworkMember
    from suwen.engines.panel.task import PanelTask

DEFAULTS: Mapping[str, Any] = {
    "epochs": 8,
    "width": 64,
    "learning_rate": 3e-3,
    "weight_decay": 1e-2,
    "dropout": 0.3,
    "hide": 0.1,
    "batch_size": 48,
    "segment": 64,
    "clip": 1.0,
    "bags": 1,
    "parts": 6,
}
"""Chosen on out-of-fold utility of 10,000 stays of CinC 2019; ``segment``: hours learned from at a stretch."""


@dataclass(frozen=True, kw_only=True)
class HourlyNetwork:
    """A causal network over the hours of a stay; see :class:`suwen.engines.panel.learner.Learner`.

    Attributes
    ----------
    cell
        ``gru``, ``lstm`` or ``tcn`` of :mod:`suwen.engines.series.networks`.
    static
        Descriptors it reads beside the variables.
    recipe
        Changes to :data:`DEFAULTS`.
    by_utility
        Whether hours are weighted by what an alarm changes.
    """

    cell: str = "gru"
    static: tuple[str, ...] = ()
    recipe: tuple[tuple[str, Any], ...] = ()
    by_utility: bool = True

    family: str = "series"
    packages: tuple[str, ...] = ("torch", "lightning", "onnx")

    @property
    def name(self) -> str:
        """The kind of its cell."""
        return self.cell

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, then the recipe, then what was set on the command line."""
        chosen = {**DEFAULTS, **dict(self.recipe)}
        for key in ("epochs", "width", "learning_rate"):
            if given.get(key) is not None:
                chosen[key] = given[key]
        return chosen

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Hours:
        """Stays hour by hour."""
        from suwen.engines.hourly.grid import hours

        return hours(samples, self.static)

    def fit(
        self,
        task: PanelTask,
        design: Hours,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Train the networks of this member and write one graph of one step."""
        from suwen.engines.hourly.recurrent_fit import fit

        fit(self, design, units, folder, settings=settings, seed=seed, progress=progress)

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> HourlyNetworkMember:
        """Open the graph on ONNX Runtime."""
        from suwen.engines.hourly.serve import HourlyNetworkMember

        return HourlyNetworkMember(folder, prefix)
