"""What a learner must offer, so that the panel can train any of them on the same folds and serve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Design(Protocol):
    """Samples as one learner sees them; nothing in it is fitted to more than the sample itself."""

    def take(self, samples: Ints) -> Design:
        """The design of these samples, in the given order."""
        ...


class Member(Protocol):
    """One trained model, opened for serving: numpy and ONNX Runtime, no torch."""

    def scores(self, design: Any) -> Floats:
        """One row per unit of the design.

        By the endpoint's kind: classes and alarms, logits (u, K); forecasts, values (u, H) in the
        quantity's unit; survival, log cumulative hazard (u, G) at the manifest's grid of times.
        """
        ...


class Learner(Protocol):
    """How one family of models learns; frozen, light to import, everything heavy inside its methods."""

    @property
    def name(self) -> str:
        """Its name in tables and file names: lower case, digits and underscores."""
        ...

    @property
    def family(self) -> str:
        """``linear``, ``boosted``, ``series``, ``survival`` or ``score`` (a published rule, not learned)."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """Packages that :meth:`fit` imports beyond the base install, by import name."""
        ...

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Design:
        """Bring samples into this learner's form; deterministic, sample by sample."""
        ...

    def fit(
        self,
        task: PanelTask,
        design: Any,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Learn from labelled units and write what serving needs into ``folder`` (flat, no subfolders).

        Parameters
        ----------
        design, units
            Of the training samples of one fold, in the same order.
        settings
            The panel's settings (:class:`suwen.engines.panel.settings.PanelSettings`).
        context
            Shared by all learners of the run: ``classes`` (names) or ``grid`` (survival times, (G,)).
        """
        ...

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> Member:
        """Open what :meth:`fit` wrote; every file name there begins with ``prefix``."""
        ...


Score = Callable[[Sample], float]
"""A published clinical score of one sample; NaN where its inputs do not allow one."""
