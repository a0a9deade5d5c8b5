"""A deployed protocol: it answers questions, and judges nothing it has not solved."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Players, Raw, Units
from suwen.core.errors import MissingExtra
from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.core.solution import Solution
from suwen.engines.solver.task import SolverTask

Floats = NDArray[np.float64]
KEPT = 16
"""Answers that are remembered, so that an explanation or a page does not compute them again."""


class SolverModel:
    """Serves one bundle; see :class:`suwen.core.engine.ServedModel`.

    Parameters
    ----------
    task
        Whose solver answers.
    protocol
        The signed numbers it keeps to.
    """

    def __init__(self, task: SolverTask, protocol: Mapping[str, float]) -> None:
        self.task = task
        self.protocol = dict(protocol)
        self._known: OrderedDict[str, Solution] = OrderedDict()

    def infer(self, samples: Sequence[Sample]) -> list[Raw]:
        """Answer, or refuse with a reason."""
        return [self._raw(sample) for sample in samples]

    def gates(self, samples: Sequence[Sample]) -> list[Abstention | None]:
        """Why a question would not be answered, or ``None``."""
        self._ready()
        return [self.task.solver.refusal(_question(sample), self.protocol) for sample in samples]

    def logits(self, samples: Sequence[Sample]) -> Floats:
        """Figures of every answer, (n, figures of the task); NaN where one does not apply."""
        return self._rows([self.solution(sample).figures for sample in samples])

    def untimed(self, rows: Floats) -> Floats:
        """The same without times: a protocol's version must not depend on how busy the machine was."""
        kept = rows.copy()
        kept[:, [figure.timed for figure in self.task.figures]] = np.nan
        return kept

    def units(self, samples: Sequence[Sample]) -> Units | None:
        """One answer per question."""
        return None

    def baselines(self, samples: Sequence[Sample]) -> dict[str, Floats]:
        """Figures of the simpler methods on the same questions, by name."""
        self._ready()
        found = [self.task.solver.beside(_question(sample), self.protocol) for sample in samples]
        names = dict.fromkeys(name for one in found for name in one)
        return {name: self._rows([one.get(name, {}) for one in found]) for name in names}

    def open_up(self, sample: Sample, explained: int) -> Players:
        """Lay a question open: what the answer would be without some of its parts."""
        return self.task.solver.opened(_question(sample), self.protocol, self.solution(sample))

    def solution(self, sample: Sample) -> Solution:
        """The checked answer to one question; the last few are remembered."""
        self._ready()
        question = _question(sample)
        key = str(question.content_key())
        if key not in self._known:
            self._known[key] = self.task.solver.solve(question, self.protocol)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[key]

    def _raw(self, sample: Sample) -> Raw:
        (refused,) = self.gates([sample])
        if refused is not None:
            return Raw(logits=None, members=None, abstained=refused)
        found = self.solution(sample)
        return Raw(logits=self._rows([found.figures])[0], members=None, detail=found)

    def _rows(self, found: Sequence[Mapping[str, float]]) -> Floats:
        rows = [[one.get(figure.of, np.nan) for figure in self.task.figures] for one in found]
        return np.array(rows, np.float64).reshape(len(found), len(self.task.figures))

    def _ready(self) -> None:
        """Say which extra is missing before anything is begun."""
        for package in self.task.solver.needs:
            if find_spec(package) is None:
                raise MissingExtra(package, self.task.solver.extra, f"'{self.task.name}'")


def _question(sample: Sample) -> Any:
    (question,) = sample.inputs.values()
    return question
