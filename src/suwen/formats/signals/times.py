"""Times of observations, in hours since the first or since the start of the stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from suwen.core.errors import BadInput
from suwen.formats.signals.text import blank, number

_SINCE_START = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_DAY = re.compile(r"^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?:[T ](\d{1,2})(?=:)|(?=\D|$))", re.ASCII)
_TOLERANCE = timedelta(minutes=5)
"""Clocks of two devices may differ by this much before a time counts as future."""


class Clock:
    """Hours of one stay's observations; the first moment it is told is hour 0.

    Parameters
    ----------
    longest_h
        A later hour is an error; ``None`` sets no bound.
    now
        What is future; the present by default.
    """

    def __init__(self, *, longest_h: float | None = None, now: datetime | None = None) -> None:
        self._longest_h = longest_h
        self._now = now or datetime.now(UTC)
        self._first: datetime | None = None

    @property
    def start(self) -> str | None:
        """Moment of hour 0, ISO 8601, where moments were given."""
        return self._first.isoformat() if self._first else None

    def hours(self, record: Mapping[str, Any]) -> float:
        """Hours of a line with ``time_h`` or ``time``.

        Raises
        ------
        BadInput
            ``missing-column``, ``bad-time``, ``future-time``, or ``unsorted-times`` for a moment before the first.
        """
        if not blank(record.get("time_h")):
            hours = self._plain(str(record["time_h"]))
        elif not blank(record.get("time")):
            hours = self._told(str(record["time"]).strip())
        else:
            raise BadInput(
                "an observation has no time", fix="Give time_h in hours, or time", code="missing-column"
            )
        if hours < 0:
            raise BadInput("a time is before the start", fix="Give hours since the start", code="bad-time")
        if self._longest_h is not None and hours > self._longest_h:
            raise BadInput(
                f"a time is later than the {self._longest_h:g} hours that a stay covers",
                fix="Leave out what was observed later",
                code="future-time",
            )
        return hours

    def _plain(self, text: str) -> float:
        try:
            return number(text, "time_h")
        except BadInput:
            raise _bad_time() from None

    def _told(self, text: str) -> float:
        match = _SINCE_START.fullmatch(text)
        if match:
            return int(match[1]) + int(match[2]) / 60 + int(match[3] or 0) / 3600
        moment = self.moment(text)
        if self._first is None:
            self._first = moment
        seconds = (moment - self._first).total_seconds()
        if seconds < 0:
            raise BadInput(
                "the times are not in order", fix="Sort the observations by time", code="unsorted-times"
            )
        return seconds / 3600

    def moment(self, text: str) -> datetime:
        """A moment that is not in the future; without a zone it is taken as this machine's local time."""
        try:
            moment = datetime.fromisoformat(_DAY.sub(_dashed, text))
            aware = moment if moment.tzinfo else moment.astimezone()
        except (ValueError, OverflowError, OSError):
            raise _bad_time() from None
        if aware > self._now + _TOLERANCE:
            raise BadInput("a time is in the future", fix="Check the clock or the date", code="future-time")
        if self._first is not None and (moment.tzinfo is None) != (self._first.tzinfo is None):
            raise BadInput("some times have a zone and some have none", fix="Give all alike", code="bad-time")
        return moment


def _bad_time() -> BadInput:
    return BadInput(
        "a time is neither hours, H:MM nor ISO 8601",
        fix="Write 1.5, 01:30 or 2024-05-01T08:30:00Z",
        code="bad-time",
    )


def _dashed(day: re.Match[str]) -> str:
    """A moment as ISO writes it, from 2024/5/1 9:05 too, the year being first."""
    hour = f"T{int(day[4]):02d}" if day[4] else ""
    return f"{day[1]}-{int(day[2]):02d}-{int(day[3]):02d}{hour}"
