"""One judge per kind of endpoint: how scores become a decision, a report, and an answer."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from suwen.core.engine import Fitted, Raw, Units
from suwen.core.prediction import Output
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.core.task import Task


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Everything a report is made from, on samples the model has not learned from.

    Attributes
    ----------
    samples
        Labelled samples.
    scores
        Rows as in :attr:`suwen.core.engine.Fitted.logits`, before calibration.
    units
        What the rows are; ``None`` where each sample is one and its target a class.
    baselines
        Other models on the same units, by name.
    split, data_fingerprint
        Of the judged part.
    warnings
        Sentences to begin with.
    seed
        Of the bootstrap.
    """

    samples: Sequence[Sample]
    scores: Any
    units: Units | None
    baselines: Mapping[str, Any]
    split: str
    data_fingerprint: str
    warnings: Sequence[str] = field(default_factory=tuple)
    seed: int = 0


class Judge(Protocol):
    """What the life cycle asks of a kind of endpoint; ``suwen.lifecycle.judges.<kind>.judge`` is one."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Refuse training samples that no model of this kind can learn from."""
        ...

    def rule(self, text: str) -> None:
        """Refuse a rule for the operating point that this kind does not know."""
        ...

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Fix everything that turns scores into an answer, on held-out scores alone.

        Returns
        -------
        dict
            ``calibration``, ``operating_point`` (``rule``, ``threshold``), ``conformal`` (``alpha``,
            ``quantile``, ``held_out_coverage`` ...) and ``baselines`` (name to operating point or ``None``),
            JSON-able, as the manifest keeps them.
        """
        ...

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Figures with 95% intervals by subject, baselines beside them, subgroups, passed or not."""
        ...

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """The answer for one sample that was not abstained from."""
        ...

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys that this kind of answer adds to a result of ``--json``; ``None`` where it abstained.

        ``said`` is the answer in one line, for a terminal.
        """
        ...


def judge_of(task: Task) -> Judge:
    """The judge of a task's kind of endpoint."""
    judge: Judge = importlib.import_module(f"suwen.lifecycle.judges.{task.endpoint.kind}").judge
    return judge
