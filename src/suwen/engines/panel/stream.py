"""The deployed panel following many patients: one observation in, the risk as of now out.

After every observation the answer is that of a batch prediction over all that is known so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, NotFound
from suwen.core.sample import Sample
from suwen.engines.panel.follow import Follower, ReplayFollower, TableFollower
from suwen.engines.panel.follow_series import SeriesFollower
from suwen.engines.panel.summaries import Narrow, Summaries
from suwen.engines.panel.units import rows
from suwen.engines.series.learner import Network

if TYPE_CHECKING:
    from suwen.engines.panel.model import PanelModel

Floats = NDArray[np.float64]
Update = tuple[str, float, int, float]
"""Patient, hour since the start, index of the variable, value in the variable's own unit."""

PLACES = 64
"""Patients there is room for at first; room doubles as they come."""


class PanelStream:
    """Streaming state of many patients.

    Parameters
    ----------
    model
        The opened bundle; two classes, or an alarm.
    """

    def __init__(self, model: PanelModel) -> None:
        self.model = model
        self.field = model.task.inputs[0].name
        self.names = model.task.names
        self.temperature = float(model.manifest["calibration"].get("temperature", 1.0))
        classes = model.task.endpoint.classes
        self.positive = classes.index(model.task.endpoint.positive)
        self.room = PLACES
        self.places: dict[str, int] = {}
        self.free: list[int] = []
        self.clock: dict[str, float] = {}
        self.followers = self._made()

    def _made(self) -> list[Follower]:
        """One follower for all learners that read the same table, one for all networks on the same grid."""
        tables: dict[int, tuple[Summaries, list[tuple[float, Any, Any]]]] = {}
        grids: dict[tuple[Any, ...], list[tuple[float, Any]]] = {}
        found: list[Follower] = []
        for name, weight in self.model.parts.items():
            learner, members = self.model.learners[name], self.model.members(name)
            table = getattr(learner, "table", None)
            if isinstance(table, Summaries | Narrow):
                base = table.base if isinstance(table, Narrow) else table
                places = table.places if isinstance(table, Narrow) else None
                tables.setdefault(id(base), (base, []))[1].append((weight, members, places))
            elif isinstance(learner, Network):
                key = (learner.static, learner.steps, learner.step_h)
                grids.setdefault(key, []).append((weight, members))
            else:
                found.append(self._replayed(name, weight))
        found += [TableFollower(spec, given, self.room) for spec, given in tables.values()]
        found += [SeriesFollower(self.names, key[0], given, self.room) for key, given in grids.items()]
        return found

    def _replayed(self, name: str, weight: float) -> ReplayFollower:
        def answer(samples: Sequence[Sample]) -> Floats:
            scores: Floats = weight * self.model.of(name, samples).mean(0)
            units = self.model.units(samples)
            if units is None:
                return scores
            last = np.array([rows(units, np.array([at]))[-1] for at in range(len(samples))])
            out: Floats = scores[last]
            return out

        return ReplayFollower(answer, self.names, self.field)

    def begin(self, patient: str, static: Mapping[str, float] | None = None) -> None:
        """Follow a patient from the start, with the descriptors that are known; anew if followed already."""
        if patient not in self.places:
            if not self.free and len(self.places) == self.room:
                self.room *= 2
                for follower in self.followers:
                    follower.grow(self.room)
            self.places[patient] = self.free.pop() if self.free else len(self.places)
        self.clock[patient] = float("-inf")
        for follower in self.followers:
            follower.begin(self.places[patient], static or {})

    def forget(self, patient: str) -> None:
        """Drop a patient's state."""
        place = self.places.pop(patient, None)
        self.clock.pop(patient, None)
        if place is not None:
            self.free.append(place)

    def update(self, patient: str, hour: float, variable: int, value: float) -> float:
        """Calibrated probability of the positive class once this was observed."""
        return self.update_many([(patient, hour, variable, value)])[0]

    def update_many(self, updates: Sequence[Update]) -> list[float]:
        """Probabilities after each of several updates, in order; different patients share one pass.

        Raises
        ------
        BadInput
            ``not-finite`` or ``unknown-variable``; ``unsorted`` for a time before the patient's latest. Nothing
            of the batch is taken in then.
        """
        self._check(updates)
        order: list[int] = []
        notes: list[list[Any]] = [[] for _ in self.followers]
        waiting = list(range(len(updates)))
        while waiting:  # each patient once in a round; all rounds are answered together
            once: list[int] = []
            later: list[int] = []
            busy: set[str] = set()
            for at in waiting:
                (later if updates[at][0] in busy else once).append(at)
                busy.add(updates[at][0])
            self._take_in([updates[at] for at in once], notes)
            order += once
            waiting = later
        out = np.empty(len(updates))
        out[order] = self._answer(notes)
        return [float(p) for p in out]

    def _take_in(self, updates: Sequence[Update], notes: Sequence[list[Any]]) -> None:
        for patient, *_ in updates:
            if patient not in self.places:
                self.begin(patient)
        places = np.array([self.places[one[0]] for one in updates], np.int64)
        hours = np.array([one[1] for one in updates], np.float64)
        variable = np.array([one[2] for one in updates], np.int64)
        # Observations keep single precision: a stream that kept more would not be equal to the batch.
        values = np.array([one[3] for one in updates], np.float32).astype(np.float64)
        for patient, hour, *_ in updates:
            self.clock[patient] = hour
        for follower, noted in zip(self.followers, notes, strict=True):
            follower.observe(places, hours, variable, values)
            noted.append(follower.note(places, hours))

    def at(self, patient: str, hour: float) -> float:
        """Probability at an hour at which nothing was observed.

        Raises
        ------
        NotFound
            When the patient is not followed.
        BadInput
            ``unsorted`` for a time before the patient's latest.
        """
        if patient not in self.places:
            raise NotFound("this patient is not followed", fix="Begin with what is known of the patient")
        self._check([(patient, hour, 0, 0.0)])
        self.clock[patient] = hour
        place = np.array([self.places[patient]])
        return float(self._answer([[one.note(place, np.array([hour]))] for one in self.followers])[0])

    def _answer(self, notes: Sequence[Sequence[Any]]) -> Floats:
        scores = [follower.answer(noted) for follower, noted in zip(self.followers, notes, strict=True)]
        logits = (np.sum(scores, axis=0) + self.model.added) / self.temperature
        odds = np.exp(logits - logits.max(1, keepdims=True))
        out: Floats = odds[:, self.positive] / odds.sum(1)
        return out

    def _check(self, updates: Sequence[Update]) -> None:
        clock: dict[str, float] = {}
        for patient, hour, variable, value in updates:
            if not (np.isfinite(hour) and np.isfinite(value)):
                raise BadInput(
                    "an update is not a finite number", fix="Leave missing values out", code="not-finite"
                )
            if not 0 <= variable < len(self.names):
                raise BadInput(
                    f"there is no variable number {variable}",
                    fix=f"Give 0 to {len(self.names) - 1}",
                    code="unknown-variable",
                )
            if hour < clock.get(patient, self.clock.get(patient, float("-inf"))) or hour < 0:
                raise BadInput(
                    "an observation lies before the latest one of its patient",
                    fix="Replay the stay from its start",
                    code="unsorted",
                )
            clock[patient] = hour

    def bytes_per_patient(self) -> int:
        """Memory of one patient's state, in bytes."""
        return sum(follower.bytes_each() for follower in self.followers)
