"""From relative to absolute: Breslow's baseline, and what a model of proportional hazards answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.linear.table import Table
from suwen.engines.survival.follow_up import chosen

Floats = NDArray[np.float64]


def log_baseline(risk: Floats, time: Floats, event: NDArray[np.generic], grid: Floats) -> Floats:
    """Log of Breslow's cumulative baseline hazard at the grid, (G,).

    ``H0(t)`` is the sum over events up to ``t`` of one over the summed hazards at risk (Breslow's discussion of Cox,
    J. R. Stat. Soc. B 34:216, 1972). Before the first event it is half of what that event adds, for a hazard is
    small and never 0.

    Parameters
    ----------
    risk
        Array (n,): log relative hazard of the subjects learned from.
    time, event
        Arrays (n,).
    grid
        Array (G,), rising.
    """
    top = float(risk.max())
    order = np.argsort(time, kind="stable")
    rising, happened = time[order], np.asarray(event, np.float64)[order]
    at_risk = np.cumsum(np.exp(risk[order] - top)[::-1])[::-1][np.searchsorted(rising, rising, side="left")]
    steps = happened / at_risk
    total = np.concatenate([[0.0], np.cumsum(steps)])[np.searchsorted(rising, grid, side="right")]
    least = 0.5 * float(steps[steps > 0].min(initial=1.0))
    out: Floats = np.log(np.maximum(total, least)) - top
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class ProportionalMember:
    """A model of proportional hazards, opened.

    Attributes
    ----------
    names
        Columns it learned from.
    risk
        Rows (n, d), NaN where missing, to log relative hazards (n,).
    baseline
        Array (G,): log cumulative baseline hazard at the grid.
    """

    names: tuple[str, ...]
    risk: Callable[[NDArray[Any]], Floats]
    baseline: Floats

    def scores(self, design: Table) -> Floats:
        """Log cumulative hazard (n, G)."""
        if not len(design):
            return np.zeros((0, len(self.baseline)))
        out: Floats = self.risk(chosen(design, self.names))[:, None] + self.baseline[None]
        return out
