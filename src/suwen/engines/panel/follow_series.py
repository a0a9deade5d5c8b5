"""Networks that follow patients: their state at the last closed cell, and what was observed in the open one.

A step closes the cell when a patient's clock passes its end; the answer in between is one step from the closed
state. Networks of one fold share their scaling, and all share the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.panel.follow import Floats, Ints, Weighted
from suwen.engines.series.grid import NEVER
from suwen.engines.series.scaling import placed, waited
from suwen.engines.series.serve import SeriesMember

Array = NDArray[np.float32]


class SeriesFollower:
    """See :class:`suwen.engines.panel.follow.Follower`.

    Parameters
    ----------
    names, static
        Variables and descriptors, in the order the networks read them.
    learners
        Weights and fold members of every network on the same grid.
    n
        Places at first.
    """

    def __init__(self, names: Sequence[str], static: Sequence[str], learners: Weighted, n: int) -> None:
        self.names, self.static, self.learners = tuple(names), tuple(static), learners
        self.members: list[tuple[float, SeriesMember, int]] = [
            (weight / len(members), member, fold)
            for weight, members in learners
            for fold, member in enumerate(members)
        ]
        self.scalings = [member.scaling for member in learners[0][1]]
        self.knots = np.stack([scaling.value for scaling in self.scalings])
        self.fixed_knots = np.stack([scaling.static for scaling in self.scalings])
        facts = self.members[0][1].facts
        self.steps, self.step_h = int(facts["steps"]), float(facts["step_h"])
        width = len(self.names)
        self.cell = np.zeros(n, np.int64)
        self.count, self.total = np.zeros((n, width)), np.zeros((n, width))
        self.value = np.full((n, width), np.nan, np.float32)
        self.seen_at = np.full((n, width), -1, np.int64)
        self.given = np.full((n, len(self.static)), np.nan, np.float32)
        self.states = [member.begin(n) for _, member, _ in self.members]

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """See :class:`~suwen.engines.panel.follow.Follower`."""
        self._advance(places, hours)
        inside = hours <= self.steps * self.step_h
        self.count[places[inside], variable[inside]] += 1
        self.total[places[inside], variable[inside]] += values[inside]

    def _advance(self, places: Ints, hours: Floats) -> None:
        """Close every cell that the clock of these places has passed."""
        target = np.clip((hours / self.step_h).astype(np.int64), 0, self.steps - 1)
        while (late := self.cell[places] < target).any():
            due = places[late]
            value, seen_at = self._open(due)
            inputs = self._inputs(value, seen_at, self.cell[due], self.given[due])
            for (_, member, fold), state in zip(self.members, self.states, strict=True):
                state[due] = member.step(inputs[fold], state[due])[1]
            self.value[due], self.seen_at[due] = value, seen_at
            self.count[due], self.total[due] = 0, 0
            self.cell[due] += 1

    def _open(self, places: Ints) -> tuple[Array, Ints]:
        """Carried values and the cell of each, with the open cell's means on top."""
        count = self.count[places]
        here = count > 0
        means = np.divide(self.total[places], count, out=np.zeros_like(count), where=here).astype(np.float32)
        return (
            np.where(here, means, self.value[places]),
            np.where(here, self.cell[places][:, None], self.seen_at[places]),
        )

    def _inputs(self, value: Array, seen_at: Ints, cell: Ints, given: Array) -> list[Array]:
        """What the networks of each fold read, (m, F)."""
        at = cell[:, None]
        since = np.where(seen_at < 0, NEVER, (at - seen_at) * self.step_h).astype(np.float32)
        same = np.concatenate([(seen_at == at).astype(np.float32), waited(since)], axis=1)
        scaled, fixed = placed(value, self.knots), placed(given, self.fixed_knots)
        missing = self.scalings[0].fixed(given)[:, -1:]
        return [
            np.concatenate([mine, same, descriptors, missing], axis=1, dtype=np.float32)
            for mine, descriptors in zip(scaled, fixed, strict=True)
        ]

    def note(self, places: Ints, hours: Floats) -> tuple[Any, ...]:
        """Open cells, descriptors and the networks' closed states."""
        self._advance(places, hours)
        value, seen_at = self._open(places)
        return value, seen_at, self.cell[places], self.given[places], [state[places] for state in self.states]

    def answer(self, notes: Sequence[Any]) -> Floats:
        """See :class:`~suwen.engines.panel.follow.Follower`."""
        value, seen_at, cell, given = (np.concatenate([note[at] for note in notes]) for at in range(4))
        inputs = self._inputs(value, seen_at, cell, given)
        total: Floats | float = 0.0
        for number, (weight, member, fold) in enumerate(self.members):
            state = np.concatenate([note[4][number] for note in notes])
            total = total + weight * member.step(inputs[fold], state)[0].astype(np.float64)
        return np.asarray(total)

    def begin(self, place: int, static: Mapping[str, float]) -> None:
        """See :class:`~suwen.engines.panel.follow.Follower`."""
        self.cell[place], self.count[place], self.total[place] = 0, 0, 0
        self.value[place], self.seen_at[place] = np.nan, -1
        self.given[place] = [static.get(name, np.nan) for name in self.static]
        for state in self.states:
            state[place] = 0

    def grow(self, n: int) -> None:
        """See :class:`~suwen.engines.panel.follow.Follower`."""
        more = SeriesFollower(self.names, self.static, self.learners, n - len(self.cell))
        for name in ("cell", "count", "total", "value", "seen_at", "given"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))
        self.states = [np.concatenate(pair) for pair in zip(self.states, more.states, strict=True)]

    def bytes_each(self) -> int:
        """See :class:`~suwen.engines.panel.follow.Follower`."""
        arrays: list[NDArray[Any]] = [self.cell, self.count, self.total, self.value, self.seen_at, self.given]
        return sum(array[0].nbytes for array in [*arrays, *self.states])
