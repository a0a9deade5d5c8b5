"""A learner over tables that also answers for a stay not yet over.

A model of whole stays reads what is still to come as never measured, and takes that for a sign. Beside the
one of whole stays this trains one for each period, on stays cut off at a random moment in it (landmarking:
van Houwelingen, Scandinavian Journal of Statistics 34:70, 2007); the time of asking chooses who answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.panel.learner import Learner, Member
from suwen.formats.signals.observations import Observations

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """Stays, the learner's own design of them, and up to when each is known."""

    samples: tuple[Sample, ...]
    whole: Any
    known_h: Floats

    def take(self, samples: Ints) -> Cut:
        """Those of these stays, in the given order."""
        return Cut(
            samples=tuple(self.samples[at] for at in samples),
            whole=self.whole.take(samples),
            known_h=self.known_h[samples],
        )


@dataclass(frozen=True, kw_only=True)
class Landmarked:
    """One learner, trained for whole stays and for each period before their end.

    Attributes
    ----------
    learner
        Trained for whole stays.
    edges
        Ends of the periods, in hours; the last is the whole stay.
    early
        Trained for each period; the same one where nothing is said. A quicker one keeps a stream quick.
    """

    learner: Learner
    edges: tuple[float, ...]
    early: Learner | None = None

    @property
    def name(self) -> str:
        """The learner's own."""
        return self.learner.name

    @property
    def family(self) -> str:
        """The learner's own."""
        return self.learner.family

    @property
    def packages(self) -> tuple[str, ...]:
        """The learner's own."""
        return self.learner.packages

    @property
    def table(self) -> Any:
        """Samples to rows, for a stream."""
        return getattr(self.learner, "table", None)

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Cut:
        """The learner's design, and the stays themselves, to be cut off in training."""
        known = [_stay(task, sample).length_h for sample in samples]
        return Cut(
            samples=tuple(samples),
            whole=self.learner.design(task, samples),
            known_h=np.array(known, np.float64),
        )

    def fit(
        self,
        task: PanelTask,
        design: Cut,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Train the model of whole stays, then one per period, each in files of its own."""
        named: dict[str, Any] = {"context": context, "seed": seed, "progress": progress}
        self.learner.fit(task, design.whole, units, folder, settings=settings, **named)
        early = self.early or self.learner
        begins = (0.0, *self.edges[:-1])
        for number, (begin, end) in enumerate(zip(begins, self.edges, strict=True)):
            moments = np.random.default_rng([seed, number]).uniform(begin, end, len(design.samples))
            cut = [_until(task, s, h) for s, h in zip(design.samples, moments, strict=True)]
            beside = folder / f"period{number}"
            beside.mkdir(exist_ok=True)
            early.fit(task, early.design(task, cut), units, beside, settings=settings, **named)
            for path in beside.iterdir():
                shutil.move(path, folder / f"period{number}.{path.name}")
            beside.rmdir()

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> LandmarkedMember:
        """Open all of them."""
        early = self.early or self.learner
        periods = tuple(
            early.open(task, folder, f"{prefix}period{number}.", context) for number in range(len(self.edges))
        )
        whole = self.learner.open(task, folder, prefix, context)
        return LandmarkedMember(whole=whole, periods=periods, edges=np.array(self.edges))


@dataclass(frozen=True, kw_only=True, eq=False)
class LandmarkedMember:
    """Models of whole stays and of periods; the time up to which a stay is known chooses one."""

    whole: Member
    periods: tuple[Member, ...]
    edges: Floats

    def scores(self, design: Cut) -> Floats:
        """Scores (n, K)."""
        return self.scores_at(design.whole, design.known_h)

    def scores_at(self, design: Any, known_h: Floats) -> Floats:
        """Scores (n, K) of the learner's own design of stays known up to these hours."""
        period = self._period(known_h)
        out: Floats | None = None
        found = np.unique(period)
        for number in found:
            member = self._of(int(number))
            if len(found) == 1:
                return member.scores(design)
            mine = np.flatnonzero(period == number)
            part = member.scores(design.take(mine))
            out = np.zeros((len(period), part.shape[1])) if out is None else out
            out[mine] = part
        assert out is not None  # noqa: S101 (there is at least one stay)
        return out

    def answering(self, known_h: float) -> Member:
        """The model that answers for a stay known up to an hour."""
        return self._of(int(self._period(np.array([known_h]))[0]))

    def _period(self, known_h: Floats) -> Ints:
        period = np.searchsorted(self.edges, known_h, side="left")
        period[known_h >= self.edges[-1]] = len(self.edges)
        return period

    def _of(self, period: int) -> Member:
        return self.whole if period == len(self.edges) else self.periods[period]


def _stay(task: PanelTask, sample: Sample) -> Observations:
    stay: Observations = sample.inputs[task.inputs[0].name]
    return stay


def _until(task: PanelTask, sample: Sample, hour: float) -> Sample:
    name = task.inputs[0].name
    return replace(sample, inputs={**sample.inputs, name: _stay(task, sample).until(hour)})
