"""What every survival learner learns from: rows of a table, times and events, and inner folds over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.engines.linear.inner import parts
from suwen.engines.linear.table import Table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FollowUp:
    """Rows whose follow-up is known.

    Attributes
    ----------
    x
        Array (n, d), float64; NaN where missing.
    time
        Array (n,): to the event or to censoring, in the data's unit.
    event
        Array (n,): whether it happened.
    """

    x: Floats
    time: Floats
    event: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Ints) -> FollowUp:
        """Some of the rows."""
        return FollowUp(x=self.x[rows], time=self.time[rows], event=self.event[rows])

    def groups(self) -> Ints:
        """Number of the patient of each row, (n,): rows with equal columns are one."""
        _, group = np.unique(np.nan_to_num(self.x, nan=np.inf), axis=0, return_inverse=True)
        return group.ravel().astype(np.int64)

    def inner(self, k: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
        """Rows to learn from and rows held out; a patient's rows are never parted."""
        group = self.groups()
        happened = np.zeros(int(group.max()) + 1, np.int64)
        np.maximum.at(happened, group, self.event.astype(np.int64))
        for inside, outside in parts(happened, k, seed):
            yield np.flatnonzero(np.isin(group, inside)), np.flatnonzero(np.isin(group, outside))


def follow_up(design: Table, units: Units) -> FollowUp:
    """Rows of a design whose time is known.

    Raises
    ------
    BadInput
        ``too-few-events`` when no event is among them.
    """
    time, event = units.target[:, 0], units.target[:, 1]
    known = np.isfinite(time) & np.isfinite(event)
    found = FollowUp(
        x=np.asarray(design.x[known], np.float64), time=time[known], event=event[known].astype(bool)
    )
    if not found.event.any():
        raise BadInput("no event is among the rows to learn from", code="too-few-events")
    return found


def chosen(design: Table, wanted: Sequence[str]) -> NDArray[np.float32]:
    """Columns (n, d) that a model learned from, by name; by place where one of the two has no names.

    Tables without names call their columns ``x0``, ``x1`` ...: there the place is all there is to go by.

    Raises
    ------
    BadInput
        ``missing-columns`` where neither finds them.
    """
    unnamed = tuple(f"x{place}" for place in range(len(wanted)))
    if len(design.names) == len(wanted) and unnamed in {tuple(design.names), tuple(wanted)}:
        return design.x
    return design.columns(wanted)
