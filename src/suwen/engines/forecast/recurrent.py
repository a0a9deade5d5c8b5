"""A recurrent network over the last four hours as a learner of the panel; light to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import Unreadable
from suwen.core.sample import Sample
from suwen.engines.forecast.channels import Channels, read_channels
from suwen.engines.forecast.design import Origins, described
from suwen.engines.onnx.session import open_session

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]

FILE, GRAPH = "recurrent.json", "recurrent.onnx"
DEFAULTS: Mapping[str, Any] = {
    "epochs": 10,
    "width": 48,
    "learning_rate": 3e-3,
    "weight_decay": 1e-3,
    "dropout": 0.1,
    "batch_size": 512,
    "clip": 1.0,
    "bags": 1,
}
"""Chosen by five folds of patients on the Shanghai data; ``make bench`` prints what they reach."""
CHUNK = 4096
"""Origins answered at once."""


@dataclass(frozen=True, kw_only=True)
class Recurrent:
    """A GRU over the window, joined with the features of the origin; see the panel's ``Learner``.

    Attributes
    ----------
    events, levels
        Variables beside the quantity; see :func:`suwen.engines.forecast.features.features`.
    """

    events: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()

    name: str = "gru"
    family: str = "series"
    packages: tuple[str, ...] = ("torch", "lightning", "onnx")

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, and over them what was set on the command line."""
        named = ("epochs", "width", "learning_rate", "bags")
        return {**DEFAULTS, **{key: given[key] for key in named if given.get(key) is not None}}

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """Features and windows of every origin."""
        return described(task, samples, self.events, self.levels, windows=True)

    def latest(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """The same of the last origin of each trace alone: what a stream needs after every reading."""
        return described(task, samples, self.events, self.levels, windows=True, latest=True)

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
        """Train, export one graph, and check that it answers as the network does."""
        from suwen.engines.forecast.recurrent_fit import fit

        fit(
            design, units, folder,
            chosen=self.settings(settings), threads=settings.get("threads") or 1,
            title=self.name, seed=seed, progress=progress,
        )  # fmt: skip

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> RecurrentMember:
        """Open the graph on ONNX Runtime."""
        found = read_json(folder / f"{prefix}{FILE}")
        try:
            channels = read_channels(found)
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable("a recurrent forecast cannot be opened", where=f"{prefix}{FILE}") from error
        return RecurrentMember(channels=channels, session=open_session(folder / f"{prefix}{GRAPH}"))


@dataclass(frozen=True, kw_only=True, eq=False)
class RecurrentMember:
    """The graph, ready to answer: numpy and ONNX Runtime."""

    channels: Channels
    session: Any

    def scores(self, design: Origins) -> Floats:
        """Forecasts (u, H) in the quantity's unit."""
        parts = []
        for start in range(0, len(design), CHUNK):
            part = {name: array[start : start + CHUNK] for name, array in design.arrays.items()}
            window, known = self.channels.inputs(part)
            (change,) = self.session.run(None, {"window": window, "known": known})
            parts.append(part["last"][:, None] + change.astype(np.float64) * self.channels.change)
        return np.concatenate([*parts, np.zeros((0, len(self.channels.change)))])
