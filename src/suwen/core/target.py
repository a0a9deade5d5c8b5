"""Targets beyond a class name. ``str(target)`` names the stratum a split balances; ``content`` is hashed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Follow-up of one subject.

    Attributes
    ----------
    time
        Time to the event or to censoring, in the source's own unit; more than 0.
    event
        Whether the event happened; ``False`` is censored, which is not 'never'.
    """

    time: float
    event: bool

    def __str__(self) -> str:
        return "event" if self.event else "censored"

    @property
    def content(self) -> str:
        """What a fingerprint takes in."""
        return f"{self.time!r}:{int(self.event)}"


@dataclass(frozen=True, eq=False)
class HourlyLabels:
    """One label per hour of a stay.

    Attributes
    ----------
    values
        Array (hours,), int8: 1 where an alarm is due, 0 where not, -1 where unknown.
    names
        The classes that 0 and 1 mean, as the endpoint orders them.
    """

    values: Any
    names: tuple[str, str]

    def __str__(self) -> str:
        return self.names[int((self.values == 1).any())]

    @property
    def content(self) -> str:
        """What a fingerprint takes in."""
        return "".join("?01"[int(v) + 1] for v in self.values)


@dataclass(frozen=True, eq=False)
class FutureValues:
    """The trace itself is the target: what is forecast from its past is found in its future."""

    content: str = "trace"

    def __str__(self) -> str:
        return "trace"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What is known beforehand of the right answer to a computed question; often nothing.

    Attributes
    ----------
    stratum
        What kind of question it is: the stratum a split balances.
    values
        Name to known figure, sorted: ``(("cost", 34.2),)``; empty where the answer is judged by its own check.
    """

    stratum: str
    values: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return self.stratum

    @property
    def content(self) -> str:
        """What a fingerprint takes in."""
        return ";".join([self.stratum, *(f"{name}={value!r}" for name, value in self.values)])


def content_of(target: Any) -> str:
    """A target as a fingerprint takes it in; empty where it is unknown."""
    return "" if target is None else str(getattr(target, "content", target))
