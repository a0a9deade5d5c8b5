"""What any forecast must beat: nothing changes, or everything goes on as it just went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.forecast.design import Origins, endpoint_of, ends

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Naive:
    """A rule of one line that learns nothing; see :class:`suwen.engines.panel.learner.Learner`.

    Attributes
    ----------
    slope
        How much of the last change goes on: 0 is persistence, 1 a straight line through the last two readings.
    """

    name: str
    slope: float
    family: str = "score"
    packages: tuple[str, ...] = ()

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """The last two readings at each origin."""
        return ends(task, samples)

    def latest(self, task: PanelTask, samples: Sequence[Sample]) -> Origins:
        """The last two readings of each trace."""
        return ends(task, samples, latest=True)

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
        """Nothing to learn, nothing to write."""

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> NaiveMember:
        """The rule at the task's horizons."""
        return NaiveMember(slope=self.slope, horizons_min=endpoint_of(task).horizons_min)


@dataclass(frozen=True, kw_only=True)
class NaiveMember:
    """The rule, ready to answer."""

    slope: float
    horizons_min: tuple[int, ...]

    def scores(self, design: Origins) -> Floats:
        """Forecasts (u, H): ``last + slope * (last - before) / gap * horizon``."""
        last, gap_h = design.arrays["last"], design.arrays["gap_h"]
        per_hour = self.slope * (last - design.arrays["before"]) / gap_h
        ahead_h = np.asarray(self.horizons_min, np.float64) / 60
        return np.asarray(last[:, None] + per_hour[:, None] * ahead_h)


PERSISTENCE = Naive(name="persistence", slope=0.0)
LINEAR = Naive(name="linear", slope=1.0)
