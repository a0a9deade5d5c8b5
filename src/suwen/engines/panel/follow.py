"""Learners that follow a patient: each takes in one observation at a time and answers as for the whole stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.engines.linear.table import Table
from suwen.engines.panel.landmarks import LandmarkedMember
from suwen.engines.panel.summaries import Running, Summaries
from suwen.engines.series.grid import NEVER
from suwen.engines.series.serve import SeriesMember
from suwen.formats.signals.observations import Observations

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Follower(Protocol):
    """One learner's streaming state of many patients, each in a numbered place."""

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """Take in one observation of each of several different places."""
        ...

    def scores(self, places: Ints, hours: Floats) -> Floats:
        """Scores (folds, m, K) at these hours."""
        ...

    def begin(self, place: int, static: Mapping[str, float]) -> None:
        """A new patient with these descriptors takes a place."""
        ...

    def grow(self, n: int) -> None:
        """Make room for ``n`` places."""
        ...

    def bytes_each(self) -> int:
        """Memory of one patient's state."""
        ...


class TableFollower:
    """Running sums per window and variable; the table's row is read off them."""

    def __init__(self, spec: Summaries, members: Sequence[Any], n: int) -> None:
        self.spec, self.members = spec, members
        self.running, self.columns = Running(spec, n), spec.columns
        self.fixed = np.full((n, spec.fixed([{}]).shape[1]), np.nan, np.float32)

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """See :class:`Follower`."""
        self.running.observe(places, hours, variable, values)

    def scores(self, places: Ints, hours: Floats) -> Floats:
        """See :class:`Follower`."""
        rows = np.concatenate([self.running.table(places), self.fixed[places]], axis=1, dtype=np.float32)
        design = Table(rows, self.columns)
        return np.stack(
            [
                member.scores_at(design, hours)
                if isinstance(member, LandmarkedMember)
                else member.scores(design)
                for member in self.members
            ]
        )

    def begin(self, place: int, static: Mapping[str, float]) -> None:
        """See :class:`Follower`."""
        self.running.forget(place)
        self.fixed[place] = self.spec.fixed([static])[0]

    def grow(self, n: int) -> None:
        """See :class:`Follower`."""
        self.running.grow(n)
        more = np.full((n - len(self.fixed), self.fixed.shape[1]), np.nan, np.float32)
        self.fixed = np.concatenate([self.fixed, more])

    def bytes_each(self) -> int:
        """See :class:`Follower`."""
        run = self.running
        arrays = (run.sums, run.least, run.most, run.first, run.last, run.last_h, self.fixed)
        return sum(array[0].nbytes for array in arrays)


class SeriesFollower:
    """The state of the networks at the last closed cell, and what has been observed in the open one.

    Memory, carried values and the sums of the open cell are all that is kept: a step closes the cell when the
    clock passes its end, and the answer in between is one step from the closed state.
    """

    def __init__(
        self,
        names: Sequence[str],
        static: Sequence[str],
        members: Sequence[SeriesMember],
        n: int,
    ) -> None:
        self.names, self.static, self.members = tuple(names), tuple(static), members
        facts = members[0].facts
        self.steps, self.step_h = int(facts["steps"]), float(facts["step_h"])
        width = len(self.names)
        self.cell = np.zeros(n, np.int64)
        self.count, self.total = np.zeros((n, width)), np.zeros((n, width))
        self.value = np.full((n, width), np.nan, np.float32)
        self.seen_at = np.full((n, width), -1, np.int64)
        self.states = [member.begin(n) for member in members]
        self.fixed = [np.zeros((n, member.scaling.static.shape[0] + 1), np.float32) for member in members]

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """See :class:`Follower`."""
        inside = hours <= self.steps * self.step_h
        places, variable, values = places[inside], variable[inside], values[inside]
        self._advance(places, hours[inside])
        self.count[places, variable] += 1
        self.total[places, variable] += values

    def _cells(self, hours: Floats) -> Ints:
        return np.clip((hours / self.step_h).astype(np.int64), 0, self.steps - 1)

    def _advance(self, places: Ints, hours: Floats) -> None:
        """Close every cell that the clock has passed."""
        target = self._cells(hours)
        while True:
            late = self.cell[places] < target
            if not late.any():
                return
            due = places[late]
            value, seen_at = self._open(due)
            for member, state, fixed in zip(self.members, self.states, self.fixed, strict=True):
                state[due] = member.step(self._features(member, fixed[due], value, seen_at, due), state[due])[
                    1
                ]
            self.value[due], self.seen_at[due] = value, seen_at
            self.count[due], self.total[due] = 0, 0
            self.cell[due] += 1

    def _open(self, places: Ints) -> tuple[NDArray[np.float32], Ints]:
        """Carried values and the cell of each, with the open cell's means on top."""
        count = self.count[places]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (self.total[places] / count).astype(np.float32)
        here = count > 0
        return (
            np.where(here, means, self.value[places]),
            np.where(here, self.cell[places][:, None], self.seen_at[places]),
        )

    def _features(
        self, member: SeriesMember, fixed: NDArray[np.float32], value: Any, seen_at: Ints, places: Ints
    ) -> NDArray[np.float32]:
        at = self.cell[places][:, None]
        since = np.where(seen_at < 0, NEVER, (at - seen_at) * self.step_h).astype(np.float32)
        parts = member.scaling.moving(value, seen_at == at, since)
        return np.concatenate([*parts, fixed], axis=1, dtype=np.float32)

    def scores(self, places: Ints, hours: Floats) -> Floats:
        """See :class:`Follower`."""
        self._advance(places, hours)
        value, seen_at = self._open(places)
        out = []
        for member, state, fixed in zip(self.members, self.states, self.fixed, strict=True):
            x = self._features(member, fixed[places], value, seen_at, places)
            out.append(member.step(x, state[places])[0].astype(np.float64))
        return np.stack(out)

    def begin(self, place: int, static: Mapping[str, float]) -> None:
        """See :class:`Follower`."""
        self.cell[place], self.count[place], self.total[place] = 0, 0, 0
        self.value[place], self.seen_at[place] = np.nan, -1
        given = np.array([[static.get(name, np.nan) for name in self.static]], np.float32)
        for member, state, fixed in zip(self.members, self.states, self.fixed, strict=True):
            state[place], fixed[place] = 0, member.scaling.fixed(given)[0]

    def grow(self, n: int) -> None:
        """See :class:`Follower`."""
        more = SeriesFollower(self.names, self.static, self.members, n - len(self.cell))
        for name in ("cell", "count", "total", "value", "seen_at"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))
        self.states = [np.concatenate(pair) for pair in zip(self.states, more.states, strict=True)]
        self.fixed = [np.concatenate(pair) for pair in zip(self.fixed, more.fixed, strict=True)]

    def bytes_each(self) -> int:
        """See :class:`Follower`."""
        arrays: list[NDArray[Any]] = [self.cell, self.count, self.total, self.value, self.seen_at]
        return sum(array[0].nbytes for array in [*arrays, *self.states, *self.fixed])


class ReplayFollower:
    """For a learner without a state of its own: the stay so far is kept, and answered for whole."""

    def __init__(self, answer: Any, names: Sequence[str], field: str) -> None:
        self.answer, self.names, self.field = answer, tuple(names), field
        self.seen: dict[int, list[tuple[float, int, float]]] = {}
        self.static: dict[int, Mapping[str, float]] = {}

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """See :class:`Follower`."""
        for place, *one in zip(
            places.tolist(), hours.tolist(), variable.tolist(), values.tolist(), strict=True
        ):
            self.seen[place].append((one[0], one[1], one[2]))

    def scores(self, places: Ints, hours: Floats) -> Floats:
        """See :class:`Follower`."""
        out: Floats = self.answer(
            [self._sample(place, hour) for place, hour in zip(places.tolist(), hours.tolist(), strict=True)]
        )
        return out

    def _sample(self, place: int, hour: float) -> Sample:
        seen = self.seen[place]
        stay = Observations(
            hours=np.array([one[0] for one in seen], np.float64),
            variable=np.array([one[1] for one in seen], np.int16),
            values=np.array([one[2] for one in seen], np.float32),
            names=self.names, static=self.static[place], length_h=hour,
        )  # fmt: skip
        return Sample(subject_id="stream", inputs={self.field: stay})

    def begin(self, place: int, static: Mapping[str, float]) -> None:
        """See :class:`Follower`."""
        self.seen[place], self.static[place] = [], dict(static)

    def grow(self, n: int) -> None:
        """See :class:`Follower`: nothing is set aside."""

    def bytes_each(self) -> int:
        """See :class:`Follower`: 24 bytes per observation, of the longest stay."""
        return 24 * max((len(one) for one in self.seen.values()), default=0)
