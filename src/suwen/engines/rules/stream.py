"""Scores of patients as observations arrive, one by one; a whole stay is the same, replayed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suwen.core.errors import BadInput
from suwen.core.tally import Sheet
from suwen.core.variables import Variable
from suwen.engines.rules.fill import fill
from suwen.engines.rules.table import Score
from suwen.formats.signals.observations import Observations


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Scores of one stay.

    Attributes
    ----------
    hours
        Every moment at which something was observed, and the end of the stay.
    courses
        Sheets of every score at each moment: ``courses[score][moment]``.
    levels
        Level of alarm of the deciding score at each moment; see :func:`alarm_level`.
    """

    hours: tuple[float, ...]
    courses: tuple[tuple[Sheet, ...], ...]
    levels: tuple[int, ...]

    @property
    def last(self) -> tuple[Sheet, ...]:
        """Every score at the last moment."""
        return tuple(course[-1] for course in self.courses)


@dataclass(kw_only=True)
class _Patient:
    """What was observed last of one patient, and the latest sheet of the deciding score."""

    known: dict[str, tuple[float, float]] = field(default_factory=dict)
    hour: float = float("-inf")
    sheet: Sheet | None = None


class RulesStream:
    """Streaming state of many patients.

    Parameters
    ----------
    scores
        The first one decides.
    window_h
        What is older counts as not recorded.
    variables
        In the order of the indices that updates use.
    """

    def __init__(self, scores: Sequence[Score], window_h: float, variables: Sequence[Variable]) -> None:
        self.scores, self.window_h = tuple(scores), window_h
        self.names = tuple(one.name for one in variables)
        self.variables: Mapping[str, Variable] = {one.name: one for one in variables}
        self._patients: dict[str, _Patient] = {}

    def begin(self, patient: str, static: Mapping[str, float] | None = None) -> None:
        """Follow a patient from the start, anew if followed already; descriptors score nothing."""
        self._patients[patient] = _Patient()

    def update(self, patient: str, hour: float, variable: int, value: float) -> float:
        """Least total of the deciding score once this was observed.

        Raises
        ------
        BadInput
            ``not-finite`` or ``unknown-variable``; ``unsorted`` for a time before the patient's latest: replay
            the stay instead.
        """
        if not (math.isfinite(hour) and math.isfinite(value)):
            raise BadInput(
                "an update is not a finite number", fix="Leave missing values out", code="not-finite"
            )
        if not 0 <= variable < len(self.names):
            raise BadInput(
                f"there is no variable number {variable}",
                fix=f"Give 0 to {len(self.names) - 1}",
                code="unknown-variable",
            )
        state = self._patients.setdefault(patient, _Patient())
        if hour < state.hour:
            raise BadInput(
                "an observation lies before the latest one of its patient",
                fix="Replay the stay from its start",
                code="unsorted",
            )
        state.hour = hour
        state.known[self.names[variable]] = (hour, value)
        state.sheet = self._fill(self.scores[0], state, hour)
        return float(state.sheet.least)

    def update_many(self, updates: Sequence[tuple[str, float, int, float]]) -> list[float]:
        """Totals after each of several updates, in order."""
        return [self.update(*one) for one in updates]

    def level(self, patient: str) -> int:
        """Level of alarm: 0 for none, then one more for each band from the mildest that is an alarm."""
        state = self._patients.get(patient)
        if state is None or state.sheet is None:
            return 0
        return alarm_level(self.scores[0], state.sheet)

    def reasons(self, patient: str) -> list[tuple[str, float]]:
        """Titles and points of the parameters that make the total, the most first."""
        state = self._patients.get(patient)
        parts = state.sheet.parts if state is not None and state.sheet is not None else ()
        found = [(f"{part.title}: {part.shown}", float(part.least)) for part in parts if part.least]
        return sorted(found, key=lambda one: -one[1])

    def sheets(self, patient: str, hour: float) -> tuple[Sheet, ...]:
        """Every score of a patient at a moment."""
        state = self._patients.get(patient, _Patient())
        return tuple(self._fill(score, state, hour) for score in self.scores)

    def forget(self, patient: str) -> None:
        """Drop a patient's state."""
        self._patients.pop(patient, None)

    def _fill(self, score: Score, state: _Patient, hour: float) -> Sheet:
        return fill(score, state.known, hour, window_h=self.window_h, variables=self.variables)

    def replay(self, seen: Observations) -> Filled:
        """Scores of a whole stay: what :meth:`update` gives after the last observation of each moment.

        Parameters
        ----------
        seen
            Of one stay; variables that the scores do not know are passed over.
        """
        state, hours = _Patient(), []
        courses: list[list[Sheet]] = [[] for _ in self.scores]
        count = len(seen)
        for place in range(count + 1):
            after = float(seen.hours[place]) if place < count else float("inf")
            if place and after > state.hour:
                hours.append(state.hour)
                for course, score in zip(courses, self.scores, strict=True):
                    course.append(self._fill(score, state, state.hour))
            if place < count:
                state.hour = after
                state.known[seen.names[int(seen.variable[place])]] = (after, float(seen.values[place]))
        if hours and seen.length_h > hours[-1]:
            hours.append(seen.length_h)
            for course, score in zip(courses, self.scores, strict=True):
                course.append(self._fill(score, state, seen.length_h))
        levels = [alarm_level(self.scores[0], sheet) for sheet in courses[0]]
        return Filled(
            hours=tuple(hours), courses=tuple(tuple(course) for course in courses), levels=tuple(levels)
        )


def alarm_level(score: Score, sheet: Sheet) -> int:
    """Level of alarm of a sheet: 0 for none, 1 for the mildest band that is an alarm, then upwards."""
    return sum(response.alarm for response in score.responses[: sheet.level + 1])
