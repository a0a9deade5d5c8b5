"""A published clinical score as data: parameters, bands of values, points, responses, and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suwen.core.documents import plain

FORMAT = "suwen-rules/1"
RED = 3
"""Points in a single parameter that are a warning of their own, where a score knows such a thing."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way to read a yes-or-no fact from a variable: yes above, or below, a value."""

    variable: str
    above: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the fact is so, by this value."""
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that is so or not so: oxygen is given, the patient is not alert.

    Attributes
    ----------
    name
        Key for parameters and conditions.
    yes, no
        What to call either.
    readings
        Where it is read from. The latest counts; of two at one time, a yes.
    otherwise
        What holds where nobody says, if the source of the score says so; ``None`` leaves it open.
    keeps
        Whether it stays so until something else is said, however long ago that was.
    """

    name: str
    yes: str
    no: str
    readings: tuple[Reading, ...]
    otherwise: bool | None = None
    keeps: bool = False


@dataclass(frozen=True, kw_only=True)
class Band:
    """Points for values up to and including ``up_to``; ``None`` takes all that are higher."""

    up_to: float | None
    points: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """Bands in rising order, for when these facts are so."""

    bands: tuple[Band, ...]
    when: Mapping[str, bool] = field(default_factory=dict)

    def points(self, value: float) -> int:
        """Points of a value that was rounded to the parameter's step."""
        for band in self.bands:
            if band.up_to is None or value <= band.up_to:
                return band.points
        return self.bands[-1].points

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and most points there are."""
        points = [band.points for band in self.bands]
        return min(points), max(points)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One line of the score.

    Attributes
    ----------
    name, title
        Key, and what a clinician calls it.
    variable
        Variable whose value is banded; or
    fact
        the fact whose 0 (no) or 1 (yes) is.
    step
        Resolution at which the source writes its bands; values are rounded to it, halves up.
    tables
        One per condition; exactly one of them applies once its facts are known.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    variable: str = ""
    fact: str = ""
    step: float = 1.0

    @property
    def conditions(self) -> frozenset[str]:
        """Facts that its points depend on."""
        names = {name for table in self.tables for name in table.when}
        return frozenset(names | ({self.fact} if self.fact else set()))


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the source asks for, from a total on, or where a single parameter is red.

    Attributes
    ----------
    band
        Name of the risk band.
    at_least
        Total from which it applies; ``None`` for the one of a red parameter.
    text, monitoring
        Recommended response, and how often to observe.
    risk
        Code of FHIR's ``risk-probability``: ``low``, ``moderate``, ``high``.
    alarm
        Whether reaching it is an alarm.
    """

    band: str
    at_least: int | None
    text: str
    monitoring: str
    risk: str
    alarm: bool = False


@dataclass(frozen=True, kw_only=True)
class Score:
    """A published score.

    Attributes
    ----------
    name, title, source
        What it is and where it is published.
    parameters, facts
        Its lines, and what their conditions are read from.
    responses
        From the mildest to the gravest.
    urgent
        Total from which the source asks for an urgent response: the threshold of its figures.
    code
        Of the total, for FHIR: (system, code, display).
    """

    name: str
    title: str
    source: str
    parameters: tuple[Parameter, ...]
    facts: tuple[Fact, ...]
    responses: tuple[Response, ...]
    urgent: int
    code: tuple[str, str, str]

    @property
    def maximum(self) -> int:
        """Highest total."""
        return sum(max(table.bounds[1] for table in one.tables) for one in self.parameters)

    def level(self, total: int, *, red: bool) -> int:
        """Place of the band among the responses: the gravest that applies."""
        found = 0
        for place, response in enumerate(self.responses):
            reached = red if response.at_least is None else total >= response.at_least
            found = place if reached else found
        return found


def document(scores: tuple[Score, ...], *, window_h: float) -> dict[str, Any]:
    """The bundle's ``rules.json``."""
    return {"format": FORMAT, "window_h": window_h, "scores": plain(scores)}


def scores_of(found: Mapping[str, Any]) -> tuple[Score, ...]:
    """The scores of such a document.

    Raises
    ------
    KeyError
        When it lacks something; the life cycle says so as ``old-bundle``.
    """
    if found["format"] != FORMAT:
        raise KeyError(FORMAT)
    return tuple(_score(one) for one in found["scores"])


def _score(found: Mapping[str, Any]) -> Score:
    return Score(
        **{
            **found,
            "code": tuple(found["code"]),
            "parameters": tuple(_parameter(one) for one in found["parameters"]),
            "facts": tuple(
                Fact(**{**one, "readings": tuple(Reading(**each) for each in one["readings"])})
                for one in found["facts"]
            ),
            "responses": tuple(Response(**one) for one in found["responses"]),
        }
    )


def _parameter(found: Mapping[str, Any]) -> Parameter:
    tables = tuple(
        Table(bands=tuple(Band(**band) for band in one["bands"]), when=one["when"]) for one in found["tables"]
    )
    return Parameter(**{**found, "tables": tables})
