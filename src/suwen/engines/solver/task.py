"""The kind of task that is computed: a source of questions, a solver, the figures it is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from suwen.core.engine import Players
from suwen.core.sample import Sample, Samples
from suwen.core.solution import Solution
from suwen.core.task import Task

if TYPE_CHECKING:
    from suwen.core.prediction import Abstention

Reduce = Literal["mean", "max", "min"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One metric of a report, made from a figure of every solution.

    Attributes
    ----------
    name
        Of the metric, described in the glossary.
    of
        Key of :attr:`suwen.core.solution.Solution.figures`.
    how
        What is said of many: their mean, or the worst of them.
    timed
        Whether it is a time, which no two runs have in common.
    """

    name: str
    of: str
    how: Reduce = "mean"
    timed: bool = False


class Source(Protocol):
    """Reads a task's questions."""

    def collect(self, task: Task, source: str) -> Samples:
        """Every question of a source, with what is known of its answer."""
        ...

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Questions of one file."""
        ...


class Solver(Protocol):
    """Answers one kind of question. Heavy packages are imported when it is first asked."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Packages that it runs with, as they are imported."""
        ...

    @property
    def extra(self) -> str:
        """The extra they are in."""
        ...

    def refusal(self, question: Any, protocol: Mapping[str, float]) -> Abstention | None:
        """Why the question is not answered, or ``None``; without solving it."""
        ...

    def solve(self, question: Any, protocol: Mapping[str, float]) -> Solution:
        """The checked answer."""
        ...

    def beside(self, question: Any, protocol: Mapping[str, float]) -> Mapping[str, Mapping[str, float]]:
        """Figures of simpler methods on the same question, by the method's name."""
        ...

    def opened(self, question: Any, protocol: Mapping[str, float], solution: Solution) -> Players:
        """The question laid open: what the answer would be without some of its parts."""
        ...


@dataclass(frozen=True, kw_only=True)
class SolverTask(Task):
    """A task whose answer is computed. It learns nothing, yet it is collected, judged and deployed.

    Attributes
    ----------
    source
        Reads questions.
    solver
        Answers them.
    figures
        What a report holds; the first one leads.
    """

    engine: str = "solver"
    metrics: tuple[str, ...] = ()
    source: Source
    solver: Solver
    figures: tuple[Figure, ...]

    def collect(self, source: str) -> Samples:
        """Read a source of questions."""
        return self.source.collect(self, source)

    def read(self, item: Path | bytes) -> Sequence[Sample]:
        """Read a file of questions."""
        return self.source.read(self, item)
