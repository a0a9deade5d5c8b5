"""What a published clinical score answers: points of each parameter, bounds where something is missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Part:
    """One parameter of a published score, at one moment.

    Attributes
    ----------
    name, title
        Of the parameter.
    shown
        What was observed, in words: ``26 /min``, ``on oxygen``, ``not recorded``.
    value, hour
        The observation it stands on; ``None`` where there is none that counts.
    points
        ``None`` where what is missing leaves it open.
    least, most
        What the missing allows; equal to ``points`` where nothing is.
    """

    name: str
    title: str
    shown: str
    value: float | None
    hour: float | None
    points: int | None
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A published score filled in at one moment.

    Attributes
    ----------
    name, title, source
        Of the score.
    hour
        When, hours since the start.
    least, most
        The total lies between them: equal where everything was observed, never imputed.
    maximum
        Highest total the score has.
    parts
        Points of each parameter.
    band, band_most
        Risk band of ``least`` and of ``most``.
    response, monitoring
        What the source recommends for ``band``, and how often to observe.
    level
        Place of ``band`` among the score's bands, 0 the mildest; an alarm is due from the score's own on.
    risk
        Code of FHIR's ``risk-probability`` for ``band``.
    red
        Parameters that alone are a warning.
    notes
        What was read how.
    """

    name: str
    title: str
    source: str
    hour: float
    least: int
    most: int
    maximum: int
    parts: tuple[Part, ...]
    band: str
    band_most: str
    response: str
    monitoring: str
    level: int
    risk: str = ""
    red: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int | None:
        """The total; ``None`` where what is missing leaves it open."""
        return self.least if self.least == self.most else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Titles of the parameters whose points are open."""
        return tuple(part.title for part in self.parts if part.points is None)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Published scores of one subject over time; points, never probabilities.

    Attributes
    ----------
    hours
        When the scores were taken, hours since the start.
    least, most
        Bounds of the first score's total at each.
    sheets
        Every score at the last hour; the first one decides.
    threshold
        Total of the first score from which its source asks for an urgent response.
    alarms
        Hours at which an alarm was raised, none within the refractory time of one of its level.
    refractory_h
        Hours for which an alarm silences the next of the same level.
    """

    hours: tuple[float, ...]
    least: tuple[int, ...]
    most: tuple[int, ...]
    sheets: tuple[Sheet, ...]
    threshold: float
    alarms: tuple[float, ...]
    refractory_h: float
