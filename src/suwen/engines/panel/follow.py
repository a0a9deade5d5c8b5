"""Learners that follow patients: one observation in at a time, answers as for the whole stay so far.

Taking in and answering are two steps: what is known after each of several observations is noted down, then all
are answered in one pass through the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.engines.linear.table import Table
from suwen.engines.panel.landmarks import LandmarkedMember
from suwen.engines.panel.summaries import Running, Summaries
from suwen.formats.signals.observations import Observations

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Weighted = Sequence[tuple[float, Sequence[Any]]]
"""Learners' weights in what is deployed, and their fold members."""
Tabled = Sequence[tuple[float, Sequence[Any], Ints | None]]
"""The same, with the places of the columns that the learner reads; ``None`` reads all."""


class Follower(Protocol):
    """Streaming state of many patients, each in a numbered place, for learners that read the same."""

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """Take in one observation of each of several different places."""
        ...

    def note(self, places: Ints, hours: Floats) -> Any:
        """What is known of these places at these hours, to be answered later."""
        ...

    def answer(self, notes: Sequence[Any]) -> Floats:
        """Weighted scores (m, K) of all notes, one after the other."""
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

    def __init__(self, spec: Summaries, learners: Tabled, n: int) -> None:
        self.spec, self.learners = spec, learners
        self.running, self.columns = Running(spec, n), spec.columns
        self.fixed = np.full((n, spec.fixed([{}]).shape[1]), np.nan, np.float32)

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """See :class:`Follower`."""
        self.running.observe(places, hours, variable, values)

    def note(self, places: Ints, hours: Floats) -> tuple[Any, Any, Floats]:
        """The places' running state, and the hours; rows are made for all notes at once."""
        return self.running.part(places), self.fixed[places], hours

    def answer(self, notes: Sequence[Any]) -> Floats:
        """See :class:`Follower`."""
        moving = Running.joined(self.spec, [note[0] for note in notes]).table()
        fixed, hours = (np.concatenate([note[at] for note in notes]) for at in (1, 2))
        rows = np.concatenate([moving, fixed], axis=1, dtype=np.float32)
        whole = Table(
            rows.astype(np.float64), self.columns
        )  # once for all trees, which compare in double precision
        total: Floats | float = 0.0
        for weight, members, places in self.learners:
            design = whole
            if places is not None:
                design = Table(whole.x[:, places], tuple(self.columns[at] for at in places))
            each = [
                member.scores_at(design, hours)
                if isinstance(member, LandmarkedMember)
                else member.scores(design)
                for member in members
            ]
            total = total + weight * np.mean(each, axis=0)
        return np.asarray(total)

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
        return self.running.bytes_each() + int(self.fixed[0].nbytes)


class ReplayFollower:
    """For learners without a state of their own: the stay so far is kept, and answered for whole."""

    def __init__(self, answer: Any, names: Sequence[str], key: str) -> None:
        self._answer, self.names, self.key = answer, tuple(names), key
        self.seen: dict[int, list[tuple[float, int, float]]] = {}
        self.static: dict[int, Mapping[str, float]] = {}

    def observe(self, places: Ints, hours: Floats, variable: Ints, values: Floats) -> None:
        """See :class:`Follower`."""
        given = zip(places.tolist(), hours.tolist(), variable.tolist(), values.tolist(), strict=True)
        for place, hour, which, value in given:
            self.seen[place].append((hour, which, value))

    def note(self, places: Ints, hours: Floats) -> list[Sample]:
        """The stays so far."""
        return [
            self._sample(place, hour) for place, hour in zip(places.tolist(), hours.tolist(), strict=True)
        ]

    def answer(self, notes: Sequence[Any]) -> Floats:
        """See :class:`Follower`."""
        out: Floats = self._answer([sample for note in notes for sample in note])
        return out

    def _sample(self, place: int, hour: float) -> Sample:
        seen = self.seen[place]
        stay = Observations(
            hours=np.array([one[0] for one in seen], np.float64),
            variable=np.array([one[1] for one in seen], np.int16),
            values=np.array([one[2] for one in seen], np.float32),
            names=self.names,
            static=self.static[place],
            length_h=hour,
        )
        return Sample(subject_id="stream", inputs={self.key: stay})

    def begin(self, place: int, static: Mapping[str, float]) -> None:
        """See :class:`Follower`."""
        self.seen[place], self.static[place] = [], dict(static)

    def grow(self, n: int) -> None:
        """See :class:`Follower`: nothing is set aside."""

    def bytes_each(self) -> int:
        """See :class:`Follower`: 24 bytes per observation, of the longest stay."""
        return 24 * max((len(one) for one in self.seen.values()), default=0)
