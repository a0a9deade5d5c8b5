"""Samples as rows of one table with named columns: the design of every learner over tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.formats.signals.row import Row

Ints = NDArray[np.int64]
TableOf = Callable[[Sequence[Sample]], tuple[NDArray[np.float32], tuple[str, ...]]]
"""Samples to values (n, d), NaN where missing, and the columns' names; each row from its sample alone."""


def arranged(x: NDArray[Any], names: Sequence[str], wanted: Sequence[str]) -> NDArray[Any]:
    """Columns of ``x`` (n, d) in the wanted order, found by name.

    Raises
    ------
    BadInput
        ``missing-columns`` naming the first few that are not there.
    """
    if tuple(names) == tuple(wanted):
        return x
    place = {name: number for number, name in enumerate(names)}
    absent = [name for name in wanted if name not in place]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise BadInput(
            f"the table lacks {len(absent)} of the {len(wanted)} columns that the model learned from: "
            f"{', '.join(absent[:3])}{more}",
            fix="Give a table with the columns of the training data",
            code="missing-columns",
        )
    return x[:, [place[name] for name in wanted]]


def rows(samples: Sequence[Sample]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Stack the samples' :class:`~suwen.formats.signals.row.Row` inputs, columns as in the first one.

    Raises
    ------
    BadInput
        ``missing-columns`` where a row lacks a column of the first one.
    """
    found = [next(v for v in sample.inputs.values() if isinstance(v, Row)) for sample in samples]
    if not found:
        return np.zeros((0, 0), np.float32), ()
    names = found[0].names
    values = [arranged(row.values[None], row.names, names)[0] for row in found]
    return np.stack(values).astype(np.float32, copy=False), names


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of samples under named columns.

    Attributes
    ----------
    x
        Array (n, d), float32; NaN is missing.
    names
        Of the columns.
    """

    x: NDArray[np.float32]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)

    def take(self, samples: Ints) -> Table:
        """The rows of these samples, in the given order."""
        return Table(self.x[samples], self.names)

    def columns(self, wanted: Sequence[str]) -> NDArray[np.float32]:
        """Array (n, len(wanted)) of the wanted columns; BadInput where one is not there."""
        return arranged(self.x, self.names, wanted) if len(self.x) else np.zeros((0, len(wanted)), np.float32)
