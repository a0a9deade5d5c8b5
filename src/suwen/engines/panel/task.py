"""The kind of task where several learners compete on the same folds: what a file in ``signals`` fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from suwen.core.prediction import Abstention
from suwen.core.sample import Sample, Samples
from suwen.core.task import Task
from suwen.core.variables import Variable
from suwen.engines.panel.learner import Learner


class Source(Protocol):
    """How a task's data are read; modules of ``suwen.formats.signals`` make one for a task."""

    def collect(self, task: Task, source: str) -> Samples:
        """Labelled samples of a file or folder."""
        ...

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Samples of one input for prediction, without labels."""
        ...


def answerable(_: Sample) -> Abstention | None:
    """Answer for every sample that could be read."""
    return None


@dataclass(frozen=True, kw_only=True)
class PanelTask(Task):
    """A task whose learners all train side by side; the measured winner is deployed.

    Attributes
    ----------
    source
        Reads the task's data.
    learners
        Who competes, the simplest first; published scores among them.
    variables
        Variables of the observations or columns of the table, in order.
    decisive
        Metric by which the winner is chosen, out-of-fold.
    subgroups
        Attributes of the samples that the report breaks its figures down by.
    sensors
        Variables that go missing together: a line, a laboratory; each by itself where nothing is said.
    gate
        Why a sample is not answered for, or ``None``.
    """

    engine: str = "panel"
    source: Source
    learners: tuple[Learner, ...]
    variables: tuple[Variable, ...] = ()
    decisive: str = "auroc"
    subgroups: tuple[str, ...] = ()
    sensors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gate: Callable[[Sample], Abstention | None] = field(default=answerable)

    def collect(self, source: str) -> Samples:
        """Read a labelled source."""
        return self.source.collect(self, source)

    def read(self, item: Path | bytes) -> Sequence[Sample]:
        """Read an input for prediction."""
        return self.source.read(self, item)

    @property
    def descriptors(self) -> tuple[Variable, ...]:
        """What does not change during a stay, as the source knows it; a patient's record is read for it too."""
        return tuple(getattr(self.source, "descriptors", ()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, in order."""
        return tuple(variable.name for variable in self.variables)
