"""Dates as ranges: from the first to the last microsecond a value may mean, since 1970 in UTC.

A value is as wide as it is precise: ``2012`` is a year, ``2012-08-10T20:37:06Z`` a second. One without a time zone is
taken as UTC, on both sides of every comparison.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

DAY_US = 86_400_000_000
SECOND_US = 1_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?P<second>:\d\d(?:\.(?P<fraction>\d{1,30}))?)?(?:Z|[+-]\d\d:\d\d)?\Z"
)
Range = tuple[float, float]
"""First and last microsecond, both included; infinite where a period is open."""


def _day(year: int, month: int, day: int) -> int:
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY_US


@lru_cache(maxsize=1 << 14)
def date_range(text: str) -> Range | None:
    """Range of a FHIR date, dateTime or instant of any precision; ``None`` where it is none."""
    found = exact_range(text)
    return None if found is None else (float(found[0]), last_below(found[1]))


def last_below(microsecond: int) -> float:
    """The float at or just below; floats hold every microsecond only from 1684 to 2255."""
    near = float(microsecond)
    return near if near <= microsecond else math.nextafter(near, -math.inf)


def exact_range(text: str) -> tuple[int, int] | None:
    """As :func:`date_range`, in whole microseconds."""
    try:
        if len(text) > 10:
            return _instant(text)
        if not text.isascii() or not text.replace("-", "0").isdigit():
            return None
        year = int(text[:4])
        if len(text) == 10 and text[4] == text[7] == "-":
            first = _day(year, int(text[5:7]), int(text[8:]))
            return first, first + DAY_US - 1
        if len(text) == 7 and text[4] == "-":
            month = int(text[5:])
            first = _day(year, month, 1)
            return first, first + _days_of(year, month) * DAY_US - 1
        if len(text) == 4:
            return _day(year, 1, 1), _day(year, 12, 31) + DAY_US - 1
    except ValueError:
        pass
    return None


def _days_of(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def _instant(text: str) -> tuple[int, int] | None:
    form = _TIME.match(text)
    if form is None:
        return None
    leap = form["second"] is not None and form["second"][1:3] == "60"
    moment = datetime.fromisoformat(text[:17] + "59" + text[19:] if leap else text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    first = (moment - _EPOCH) // _MICROSECOND + leap * SECOND_US
    if form["second"] is None:
        return first, first + 60 * SECOND_US - 1
    digits = form["fraction"]
    width = SECOND_US if digits is None else 10 ** max(0, 6 - len(digits))
    return first, first + width - 1


def dates(element: Any, kind: str) -> list[Range]:
    """Ranges of an element: one, or none where it holds no date.

    A Period without start or end is open there. A Timing reaches from its earliest to its latest bound, whatever
    happens in between.
    """
    if isinstance(element, str):
        found = date_range(element) if kind in {"date", "dateTime", "instant"} else None
    elif kind == "Period":
        found = period(element)
    elif kind == "Timing":
        found = _timing(element)
    else:
        found = None
    return [] if found is None else [found]


def period(element: Mapping[str, Any]) -> Range | None:
    """Range of a Period; ``None`` where it has neither end."""
    start, end = element.get("start"), element.get("end")
    first = None if start is None else date_range(start)
    last = None if end is None else date_range(end)
    if first is None and last is None:
        return None
    return -math.inf if first is None else first[0], math.inf if last is None else last[1]


def _timing(element: Mapping[str, Any]) -> Range | None:
    ranges = [found for text in element.get("event") or () if text and (found := date_range(text))]
    bounds = (element.get("repeat") or {}).get("boundsPeriod")
    if bounds is not None and (found := period(bounds)):
        ranges.append(found)
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
