"""What is answered: classes, an alarm each hour, future values, the time to an event, or what is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from suwen.core.errors import BadInput

ABSENT_LABELS = frozenset({"", "nan", "na", "n/a", "none", "null", "unknown", "-1", "?"})
"""Spellings of a missing label. Missing is missing: never read as negative."""

Code = tuple[str, str, str]
"""A finding as (system, code, display), for FHIR."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Named classes, and the spellings of each in the data.

    Attributes
    ----------
    labels
        Class name to the label spellings (file, folder or number) that mean it; the order is the
        order of the scores. Empty where the classes are those of the data the model learns from.
    positive
        The class whose probability is the result of a two-class task; empty with open classes, where it
        is the first class of the data in sorted order.
    code
        The finding as (system, code, display), for FHIR.
    """

    kind: ClassVar[str] = "classes"

    labels: Mapping[str, tuple[str, ...]]
    positive: str
    code: Code

    def __post_init__(self) -> None:
        if self.labels and self.positive not in self.labels:
            raise BadInput(f"the positive class '{self.positive}' is not among {sorted(self.labels)}")

    @property
    def is_open(self) -> bool:
        """Whether the classes come from the data."""
        return not self.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in score order."""
        return tuple(self.labels)

    def resolve(self, label: str | None) -> str | None:
        """Class a label in the data stands for; an absent label stays ``None``.

        Raises
        ------
        BadInput
            When the label is neither absent nor one of the known spellings.
        """
        text = (label or "").strip()
        if text.lower() in ABSENT_LABELS:
            return None
        if self.is_open:
            return text
        for name, spellings in self.labels.items():
            if text.lower() in {name.lower(), *(s.lower() for s in spellings)}:
                return name
        known = sorted({s for spellings in self.labels.values() for s in spellings} | set(self.labels))
        raise BadInput(
            f"the label '{text}' is not one this task knows",
            fix=f"Known labels: {', '.join(known)}; leave the cell empty where the label is unknown",
            code="unknown-label",
        )


@dataclass(frozen=True, kw_only=True)
class Alarm(Endpoint):
    """Two classes, answered anew each hour of a stay; the target is :class:`~suwen.core.target.HourlyLabels`.

    Attributes
    ----------
    refractory_h
        Hours for which an alarm silences the next one, for the alarm burden and in daily use.
    """

    kind: ClassVar[str] = "alarm"

    refractory_h: float = 6.0


@dataclass(frozen=True, kw_only=True)
class Points(Endpoint):
    """Points of published clinical scores, not probabilities; the labels are what a score is judged by.

    Attributes
    ----------
    refractory_h
        Hours for which an alarm silences the next one of the same level; a higher level is heard at once.
    """

    kind: ClassVar[str] = "points"

    refractory_h: float = 4.0


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Future values of one quantity; the target is :class:`~suwen.core.target.FutureValues`.

    Attributes
    ----------
    quantity, unit
        What is forecast, and its UCUM unit.
    horizons_min
        How far ahead, in minutes, nearest first.
    low, high
        Below and above these the forecast raises an alarm, in ``unit``.
    code
        The quantity, for FHIR.
    """

    kind: ClassVar[str] = "forecast"

    quantity: str
    unit: str
    horizons_min: tuple[int, ...]
    low: float
    high: float
    code: Code

    @property
    def classes(self) -> tuple[str, ...]:
        """The single stratum of a split."""
        return ("trace",)

    @property
    def positive(self) -> str:
        """What ``n_positive`` of a report counts."""
        return "trace"


@dataclass(frozen=True, kw_only=True)
class TimeToEvent:
    """Time to one event, right-censored; the target is :class:`~suwen.core.target.Outcome`.

    Attributes
    ----------
    event
        What happens, e.g. ``death``.
    code
        The event, for FHIR.
    """

    kind: ClassVar[str] = "survival"

    event: str
    code: Code

    @property
    def classes(self) -> tuple[str, ...]:
        """The strata of a split."""
        return ("censored", "event")

    @property
    def positive(self) -> str:
        """What ``n_positive`` of a report counts."""
        return "event"


@dataclass(frozen=True, kw_only=True)
class Computed:
    """An answer that is computed and checked, not learned; the target is :class:`~suwen.core.target.Reference`.

    Attributes
    ----------
    answer
        What is answered, e.g. ``path``.
    strata
        Kinds of question, where there are several.
    code
        The answer, for FHIR.
    """

    kind: ClassVar[str] = "computed"

    answer: str
    code: Code
    strata: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The strata of a split."""
        return self.strata or (self.answer,)

    @property
    def positive(self) -> str:
        """What ``n_positive`` of a report counts: questions that were answered."""
        return self.classes[0]


AnyEndpoint = Endpoint | Forecast | TimeToEvent | Computed
