"""Observations arriving one by one: the risk after each, and the alarms that are heard, with their reason."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from suwen.core.errors import Refused
from suwen.core.variables import Variable
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.units import with_unit
from suwen.lifecycle.bell import Bell
from suwen.lifecycle.models import Loaded

Update = tuple[str, float, int, float]
"""Patient, hour since the start, index of the variable, value in the variable's own unit."""
REASONS = 3
"""Variables that an alarm names."""
LOOK_BACK_H = 6.0
"""Hours over which the variables that moved a risk are looked for."""
OVER_TIME = frozenset({"observations", "series"})
"""Kinds of input that arrive one observation after another; a table is one answer."""
REFRACTORY_H = 24.0
"""Hours of silence after an alarm of a task whose endpoint says none."""


class Stream(Protocol):
    """Streaming state of many patients; answers as the batch prediction over all that was observed does."""

    def begin(self, patient: str, static: Mapping[str, float] | None = None) -> None:
        """Follow a patient from the start, with the descriptors that are known; anew if followed already."""
        ...

    def update_many(self, updates: Sequence[Update]) -> Sequence[float]:
        """Risk after each of several updates, in order.

        Raises
        ------
        BadInput
            ``unsorted`` for a time before the patient's latest.
        """
        ...

    def forget(self, patient: str) -> None:
        """Drop a patient's state."""
        ...


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The risk at one time at which something was observed.

    Attributes
    ----------
    hour
        Hours since the patient's start.
    risk
        Probability, or points of a published score.
    level
        Level of alarm: 0 where none is due.
    heard
        Whether an alarm is heard now: due, not silenced, and not told before.
    reasons
        Of an alarm that is heard: what drives it, in words.
    """

    hour: float
    risk: float
    level: int
    heard: bool
    reasons: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Watched:
    """What is remembered of one patient besides the stream's own state."""

    bell: Bell
    risk: float | None = None
    gains: deque[tuple[float, int, float]] = field(default_factory=deque)
    latest: dict[int, float] = field(default_factory=dict)
    told: set[tuple[float, int]] = field(default_factory=set)


class Live:
    """Follows patients of one task.

    Parameters
    ----------
    stream
        Of the task's model; beside :class:`Stream` it may have ``level(patient)`` and ``reasons(patient)``.
    variables
        In the order of the stream's indices.
    threshold
        Risk from which an alarm is due, where the stream knows no levels.
    refractory_h
        Hours for which an alarm silences the next.
    """

    def __init__(
        self, stream: Stream, variables: Sequence[Variable], *, threshold: float, refractory_h: float
    ) -> None:
        self.stream, self.variables = stream, tuple(variables)
        self.threshold, self.refractory_h = threshold, refractory_h
        self._patients: dict[str, _Watched] = {}

    @classmethod
    def of(cls, loaded: Loaded) -> Live:
        """The loop of a model in service, with its own threshold and its endpoint's refractory time.

        Raises
        ------
        Refused
            ``no-stream`` for a task that is no risk over time.
        """
        make: Any = getattr(loaded.served, "stream", None)
        variables = getattr(loaded.task, "variables", ())
        over_time = all(one.kind in OVER_TIME for one in loaded.task.inputs)
        if make is None or not over_time or loaded.task.endpoint.kind not in {"classes", "alarm", "points"}:
            raise Refused(
                f"'{loaded.task.name}' is not a risk that can be followed",
                fix="Predict it instead",
                code="no-stream",
            )
        return cls(
            make(),
            variables,
            threshold=float(loaded.manifest["operating_point"]["threshold"]),
            refractory_h=float(getattr(loaded.task.endpoint, "refractory_h", REFRACTORY_H)),
        )

    def begin(
        self, patient: str, static: Mapping[str, float] | None = None, *, told_until: float = -math.inf
    ) -> None:
        """Follow a patient from the start; alarms up to ``told_until`` (hours) have been heard before."""
        kept = self._patients.get(patient)
        self.stream.begin(patient, static)
        self._patients[patient] = _Watched(
            bell=Bell(refractory_h=self.refractory_h), told=set() if kept is None else kept.told
        )
        if told_until > -math.inf:
            self._patients[patient].told.add((told_until, 0))

    def forget(self, patient: str) -> None:
        """Stop following a patient."""
        self.stream.forget(patient)
        self._patients.pop(patient, None)

    def risk(self, patient: str) -> float | None:
        """The latest risk; ``None`` before the first observation."""
        watched = self._patients.get(patient)
        return None if watched is None else watched.risk

    def arrive(self, patient: str, new: Observations) -> tuple[Moment, ...]:
        """Take in observations that are not earlier than the patient's latest.

        Parameters
        ----------
        new
            In order of time, hour 0 as for all of the patient's others.

        Returns
        -------
        tuple of Moment
            One per time at which something was observed.

        Raises
        ------
        BadInput
            ``unsorted`` for a time before the latest: call :meth:`replay` with everything instead.
        """
        if patient not in self._patients:
            self.begin(patient, new.static)
        watched = self._patients[patient]
        rows = [
            (patient, float(hour), int(variable), float(value))
            for hour, variable, value in zip(new.hours, new.variable, new.values, strict=True)
        ]
        return tuple(self._moment(watched, list(group)) for _, group in groupby(rows, key=lambda one: one[1]))

    def replay(self, patient: str, seen: Observations) -> tuple[Moment, ...]:
        """Start over with all that is known: what came late, was corrected or withdrawn counts as it is now.

        Alarms that were heard before stay silent.
        """
        self.begin(patient, seen.static)
        return self.arrive(patient, seen)

    def _moment(self, watched: _Watched, updates: list[Update]) -> Moment:
        patient, hour, *_ = updates[0]
        for (_, _, variable, value), risk in zip(updates, self.stream.update_many(updates), strict=True):
            if watched.risk is not None:
                watched.gains.append((hour, variable, _logit(risk) - _logit(watched.risk)))
            watched.latest[variable] = value
            watched.risk = float(risk)
        while watched.gains and watched.gains[0][0] < hour - LOOK_BACK_H:
            watched.gains.popleft()
        assert watched.risk is not None  # noqa: S101 (updates is not empty)
        own: Any = getattr(self.stream, "level", None)
        level = int(own(patient)) if own is not None else int(watched.risk >= self.threshold)
        rings = watched.bell.ring(hour, level)
        known = any(hour <= until for until, heard in watched.told if heard == 0)
        heard = rings and not known and (hour, level) not in watched.told
        if rings:
            watched.told.add((hour, level))
        reasons = self._reasons(patient, watched) if heard else ()
        return Moment(hour=hour, risk=watched.risk, level=level, heard=heard, reasons=reasons)

    def _reasons(self, patient: str, watched: _Watched) -> tuple[str, ...]:
        """What drives the alarm: the stream's own reasons, or the variables whose arrival raised the risk most."""
        own: Any = getattr(self.stream, "reasons", None)
        if own is not None:
            return tuple(f"{what} ({points:g} points)" for what, points in own(patient)[:REASONS])
        total: dict[int, float] = defaultdict(float)
        for _, variable, gain in watched.gains:
            total[variable] += gain
        raised = sorted((one for one in total.items() if one[1] > 0), key=lambda one: -one[1])[:REASONS]
        return tuple(self._said(variable, watched.latest[variable], gain) for variable, gain in raised)

    def _said(self, variable: int, value: float, gain: float) -> str:
        found, times = self.variables[variable], math.exp(gain)
        odds = f"odds ×{times:.2f}" if times < 100 else "odds ×100 and more"
        return f"{found.title} {with_unit(float(f'{value:.4g}'), found.unit)} ({odds} over {LOOK_BACK_H:g} h)"


def _logit(risk: float) -> float:
    clipped = min(max(risk, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))
