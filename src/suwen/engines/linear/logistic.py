"""Logistic regression over a table: the simple model that every other one must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.linear.inner import log_loss, parts
from suwen.engines.linear.member import LinearMember, load, save
from suwen.engines.linear.solve import fit_path
from suwen.engines.linear.table import Table, TableOf, rows
from suwen.engines.linear.terms import Terms

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LogisticClasses:
    """Multinomial logistic regression with an elastic-net penalty, chosen by inner cross-validation.

    Attributes
    ----------
    table
        Samples to rows.
    penalties
        Strengths tried, strongest first (see :func:`~suwen.engines.linear.solve.fit_path`); one alone
        is taken without trying.
    l1_ratios
        Shares of the absolute penalty tried; 0 alone keeps it quadratic and fast.
    splines
        Whether columns of many values may bend.
    balanced
        Whether every class counts alike in learning.
    inner
        Inner folds.
    """

    table: TableOf = rows
    name: str = "logistic"
    family: str = "linear"
    packages: tuple[str, ...] = ("sklearn",)
    penalties: tuple[float, ...] = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
    l1_ratios: tuple[float, ...] = (0.0,)
    splines: bool = False
    balanced: bool = False
    inner: int = 5

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """The samples' rows."""
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
        """Choose the penalty by held-out log loss, then fit on every labelled row."""
        known = units.target >= 0
        x, labels = design.x[known], units.target[known]
        classes = len(context["classes"])
        choices = [(ratio, penalty) for ratio in self.l1_ratios for penalty in self.penalties]
        chosen = choices[0] if len(choices) == 1 else self._best(x, labels, classes, choices, seed)
        terms = Terms.fit(x, splines=self.splines)
        ((weights, bias),) = fit_path(
            terms.of(x), labels, classes, chosen[1:], l1_ratio=chosen[0], balanced=self.balanced
        )
        member = LinearMember(names=design.names, preparation=terms, weights=weights, bias=bias)
        save(folder, member, {"l1_ratio": chosen[0], "penalty": chosen[1]})
        progress(f"{self.name}: penalty {chosen[1]:g}, {weights.shape[0]} terms")

    def _best(
        self,
        x: NDArray[np.float32],
        labels: Ints,
        classes: int,
        choices: Sequence[tuple[float, float]],
        seed: int,
    ) -> tuple[float, float]:
        """Choice of least held-out log loss; medians and scales are learned inside each inner fold."""
        held = np.zeros((len(choices), len(labels), classes))
        for inside, outside in parts(labels, self.inner, seed):
            terms = Terms.fit(x[inside], splines=self.splines)
            learned, unseen = terms.of(x[inside]), terms.of(x[outside])
            path = [
                model
                for ratio in self.l1_ratios
                for model in fit_path(
                    learned, labels[inside], classes, self.penalties, l1_ratio=ratio, balanced=self.balanced
                )
            ]
            held[:, outside] = [unseen @ weights + bias for weights, bias in path]
        return choices[int(np.argmin([log_loss(scores, labels) for scores in held]))]

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> LinearMember:
        """Open what :meth:`fit` wrote."""
        return load(folder, prefix)
