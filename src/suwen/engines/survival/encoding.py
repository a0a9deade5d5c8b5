"""From the columns of a table to the terms of a survival model, fitted on the training rows alone.

A column that is skewed to the right and never negative (a laboratory value, a count of nodes) is taken as
``log(1 + x)``; a column of a few whole numbers (a stage, a coded origin) also gets a term per inner level, for its
numbers need not be in order; the rest is :class:`suwen.engines.linear.terms.Terms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.linear.terms import Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SKEWED = 1.5
"""Skewness from which a column is taken as a logarithm; that of an exponential distribution is 2."""
FEW_LEVELS = 6
FARTHEST = 4.0
"""Terms are kept within so many standard deviations: what is rarer than that was hardly learned."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoding:
    """How rows become terms.

    Attributes
    ----------
    logs
        Columns taken as logarithms.
    level_of, level
        Column and value of each level's term.
    terms
        Medians, ranges, flags, bends and scales.
    """

    logs: Ints
    level_of: Ints
    level: Floats
    terms: Terms

    @classmethod
    def fit(cls, x: NDArray[Any], *, splines: bool) -> Encoding:
        """Learn from training rows (n, d), NaN where missing; ``splines`` lets columns of many values bend."""
        logs, level_of, level = [], [], []
        for number, column in enumerate(np.asarray(x, np.float64).T):
            seen = column[~np.isnan(column)]
            distinct = np.unique(seen)
            if len(distinct) > FEW_LEVELS:
                if distinct[0] >= 0 and _skewness(seen) > SKEWED:
                    logs.append(number)
            elif len(distinct) > 2 and np.all(distinct == np.round(distinct)):
                level_of += [number] * (len(distinct) - 2)
                level += distinct[1:-1].tolist()
        plain = cls(
            logs=np.array(logs, np.int64),
            level_of=np.array(level_of, np.int64),
            level=np.array(level, np.float64),
            terms=Terms.fit(np.zeros((1, 1))),
        )
        return cls(
            logs=plain.logs,
            level_of=plain.level_of,
            level=plain.level,
            terms=Terms.fit(plain.columns(x), splines=splines),
        )

    def columns(self, x: NDArray[Any]) -> Floats:
        """Columns (n, d + levels): logarithms taken, a column of 0 and 1 per level behind."""
        values = np.array(x, np.float64)
        # A value below 0 counts as the least that was seen in training, where none was.
        values[:, self.logs] = np.log1p(np.maximum(values[:, self.logs], 0.0))
        at = values[:, self.level_of]
        return np.concatenate([values, np.where(np.isnan(at), 0.0, at == self.level)], axis=1)

    def of(self, x: NDArray[Any]) -> Floats:
        """Standardised terms (n, p)."""
        return np.clip(self.terms.of(self.columns(x)), -FARTHEST, FARTHEST)

    def simple(self, d: int) -> NDArray[np.bool_]:
        """Which terms are the ``d`` columns themselves, (p,); the others bend them or flag them."""
        return np.arange(len(self.terms.mean)) < d

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name, for a file."""
        own = {"logs": self.logs, "level_of": self.level_of, "level": self.level}
        return own | {f"terms_{name}": value for name, value in self.terms.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Encoding:
        """What :meth:`arrays` gave."""
        terms = {name.removeprefix("terms_"): v for name, v in arrays.items() if name.startswith("terms_")}
        return cls(
            logs=arrays["logs"],
            level_of=arrays["level_of"],
            level=arrays["level"],
            terms=Terms.from_arrays(terms),
        )


def _skewness(x: Floats) -> float:
    centred = x - x.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean()) / spread**3 if spread > 0 else 0.0
