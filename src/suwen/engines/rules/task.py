"""The kind of task that published scores answer: their tables, the variables they read, the source of data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suwen.core.errors import BadInput
from suwen.core.sample import Sample, Samples
from suwen.core.task import Task
from suwen.core.variables import Variable
from suwen.engines.panel.task import Source
from suwen.engines.rules.table import Score


@dataclass(frozen=True, kw_only=True)
class RulesTask(Task):
    """A task answered by published scores. It learns nothing, yet it is collected, judged and deployed.

    Attributes
    ----------
    source
        Reads the task's data.
    scores
        Published tables; the first one decides, the others stand beside it.
    variables
        What the tables read.
    subgroups
        Attributes of the samples that the report breaks its figures down by.
    """

    engine: str = "rules"
    metrics: tuple[str, ...] = ("auroc", "auprc", "sensitivity", "specificity", "ppv", "npv")
    source: Source
    scores: tuple[Score, ...]
    variables: tuple[Variable, ...]
    subgroups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = set(self.names)
        for score in self.scores:
            read = {one.variable for one in score.parameters if one.variable}
            read |= {reading.variable for fact in score.facts for reading in fact.readings}
            if not read <= known:
                raise BadInput(f"{score.name} reads variables that '{self.name}' has not: {read - known}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, in order."""
        return tuple(variable.name for variable in self.variables)

    def collect(self, source: str) -> Samples:
        """Read a labelled source."""
        return self.source.collect(self, source)

    def read(self, item: Path | bytes) -> Sequence[Sample]:
        """Read an input for prediction."""
        return self.source.read(self, item)
