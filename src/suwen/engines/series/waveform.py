"""A small temporal convolution network over one waveform as a learner of the panel; light to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import SuwenError, Unreadable
from suwen.core.sample import Sample
from suwen.engines.linear.table import Table, TableOf, rows
from suwen.engines.onnx.session import open_session, run

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

GRAPH, FACTS = "wave.onnx", "wave.json"
DEFAULTS: Mapping[str, Any] = {
    "epochs": 40,
    "width": 24,
    "learning_rate": 4e-3,
    "weight_decay": 1e-2,
    "dropout": 0.2,
    "batch_size": 32,
    "shift": 4,
    "clip": 1.0,
}
"""For hundreds to thousands of waveforms; ``shift`` is the furthest, in values, that one is moved in training."""


@dataclass(frozen=True, kw_only=True)
class Waveform:
    """Dilated convolutions over rows whose columns are the values of a waveform, in order of time.

    Attributes
    ----------
    table
        Samples to waveforms, (n, length), each of mean 0 and standard deviation 1.
    recipe
        Changes to :data:`DEFAULTS`.
    """

    table: TableOf = rows
    name: str = "tcn"
    family: str = "series"
    packages: tuple[str, ...] = ("torch", "lightning", "onnx")
    recipe: tuple[tuple[str, Any], ...] = ()

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, then the recipe, then what was set on the command line."""
        chosen = {**DEFAULTS, **dict(self.recipe)}
        for key in ("epochs", "width", "learning_rate", "threads"):
            if given.get(key) is not None:
                chosen[key] = given[key]
        return chosen

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """The samples' waveforms."""
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
        """Train the network and write its graph."""
        from suwen.engines.series.waveform_fit import fit

        known = units.target >= 0
        fit(
            design.x[known],
            units.target[known],
            folder,
            columns=design.names,
            classes=len(context["classes"]),
            settings=self.settings(settings),
            seed=seed,
            progress=progress,
            title=self.name,
        )

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> WaveformMember:
        """Open the graph on ONNX Runtime."""
        try:
            facts = read_json(folder / f"{prefix}{FACTS}")
            names = tuple(facts["columns"])
        except (SuwenError, KeyError, TypeError) as error:
            raise Unreadable("a network over waveforms cannot be opened", where=f"{prefix}{FACTS}") from error
        return WaveformMember(names=names, session=open_session(folder / f"{prefix}{GRAPH}"))


@dataclass(frozen=True, kw_only=True, eq=False)
class WaveformMember:
    """The network opened for serving.

    Attributes
    ----------
    names
        Columns it learned from, in order of time.
    session
        Its graph: ``wave`` (n, length) to ``logits`` (n, K).
    """

    names: tuple[str, ...]
    session: Any

    def scores(self, design: Table) -> NDArray[np.float64]:
        """Logits (n, K); what is missing counts as the waveform's mean."""
        waves = np.nan_to_num(design.columns(self.names)).astype(np.float32)
        if not len(waves):
            return np.zeros((0, int(self.session.get_outputs()[0].shape[1])))
        (logits,) = run(self.session, waves, ["logits"], chunk=256)
        out: NDArray[np.float64] = logits.astype(np.float64)
        return out
