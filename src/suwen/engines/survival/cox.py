"""Cox's proportional hazards, linear as doctors know it or with columns that may bend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.linear.table import Table, TableOf, rows
from suwen.engines.survival.baseline import ProportionalMember, log_baseline
from suwen.engines.survival.encoding import Encoding
from suwen.engines.survival.files import load, save
from suwen.engines.survival.follow_up import FollowUp, follow_up
from suwen.engines.survival.risk_sets import RiskSets, best_scale, fit_cox

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]

PENALTIES = (3.0, 10.0, 30.0, 100.0)
"""Tried for terms that bend or flag, in units of the partial likelihood."""
OWN_PENALTY = 1.0
"""Of a column's own term: with hundreds of events it moves nothing, with few it keeps coefficients finite."""


@dataclass(frozen=True, kw_only=True)
class CoxLearner:
    """Penalised Cox regression; see :mod:`suwen.engines.survival.risk_sets` for ``rho``.

    Attributes
    ----------
    table
        Samples to rows.
    splines
        Whether columns of many values may bend (restricted cubic splines).
    rho
        0 is Cox's own likelihood; 1 counts an event as many times as there are subjects at risk.
    penalties
        Tried for terms that bend or flag; one alone is taken without trying.
    inner
        Inner folds.
    """

    table: TableOf = rows
    name: str = "cox"
    family: str = "survival"
    packages: tuple[str, ...] = ()
    splines: bool = False
    rho: float = 0.0
    penalties: tuple[float, ...] = PENALTIES
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
        """Choose the penalty by held-out partial likelihood, then fit on every row."""
        data = follow_up(design, units)
        penalty, scale = self._penalty(data, seed)
        encoding = Encoding.fit(data.x, splines=self.splines)
        terms = encoding.of(data.x)
        beta = scale * self._path(terms, data, encoding, [penalty])[0]
        baseline = log_baseline(terms @ beta, data.time, data.event, np.asarray(context["grid"]))
        facts = {
            "columns": list(design.names),
            "penalty": penalty,
            "scale": scale,
            "rho": self.rho,
            "splines": self.splines,
        }
        save(folder, facts, {"beta": beta, "baseline": baseline, **encoding.arrays()})
        progress(f"{self.name}: penalty {penalty:g}, scale {scale:.2f}, {len(beta)} terms")

    def _path(
        self, terms: Floats, data: FollowUp, encoding: Encoding, penalties: Sequence[float]
    ) -> list[Floats]:
        """Coefficients for each penalty, each fit begun where the last ended."""
        sets = RiskSets.of(data.time, data.event, self.rho)
        own = encoding.simple(data.x.shape[1])
        beta, found = None, []
        for penalty in penalties:
            beta = fit_cox(terms, sets, np.where(own, OWN_PENALTY, penalty), start=beta)
            found.append(beta)
        return found

    def _penalty(self, data: FollowUp, seed: int) -> tuple[float, float]:
        """Penalty of greatest held-out partial likelihood, and the scale to serve.

        Weighted events rank best, but their coefficients are no longer those of the hazard: the scale is that of
        Cox's own likelihood, held out.
        """
        if len(self.penalties) == 1 and not self.rho:
            return self.penalties[0], 1.0
        held: list[list[tuple[Floats, RiskSets]]] = [[] for _ in self.penalties]
        plain: list[RiskSets] = []
        for inside, outside in data.inner(self.inner, seed):
            learned, unseen = data.take(inside), data.take(outside)
            encoding = Encoding.fit(learned.x, splines=self.splines)
            terms = encoding.of(unseen.x)
            sets = RiskSets.of(unseen.time, unseen.event, self.rho)
            plain.append(RiskSets.of(unseen.time, unseen.event))
            for place, beta in enumerate(
                self._path(encoding.of(learned.x), learned, encoding, self.penalties)
            ):
                held[place].append((terms @ beta, sets))
        best = int(np.argmax([sum(sets.log_likelihood(risk) for risk, sets in one) for one in held]))
        served = [(risk, sets) for (risk, _), sets in zip(held[best], plain, strict=True)]
        return self.penalties[best], best_scale(served) if self.rho else 1.0

    def open(
        self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]
    ) -> ProportionalMember:
        """Open what :meth:`fit` wrote."""
        facts, arrays = load(folder, prefix)
        encoding, beta = Encoding.from_arrays(arrays), arrays["beta"]

        def risk(x: NDArray[Any]) -> Floats:
            out: Floats = encoding.of(x) @ beta
            return out

        return ProportionalMember(names=tuple(facts["columns"]), risk=risk, baseline=arrays["baseline"])
