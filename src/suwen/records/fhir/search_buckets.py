"""Searching identifying dates, of which the index holds no order, only buckets: which of them can hold a match."""

from __future__ import annotations

import math
from collections.abc import Iterator

from suwen.records.fhir.search_compare import holds
from suwen.records.fhir.search_criteria import RangeValue
from suwen.records.fhir.search_dates import date_range
from suwen.records.fhir.search_terms import CENTURIES


def buckets(value: RangeValue) -> tuple[list[str], bool]:
    """Buckets of the dates that meet a comparison.

    Every value in a bucket that lies wholly before, within or after the range searched for meets the comparison, or
    none does. A bucket across an end of the range is taken apart into smaller ones, down to the day.

    Returns
    -------
    list of str
        As in :meth:`~suwen.records.fhir.search_terms.SlotTerms.bucket`.
    bool
        Whether all values in them meet it; false where a day itself, or a time before 1800 or after 2199, is cut.
    """
    found: list[str] = []
    exact = True
    first, last = _extent(CENTURIES[0]), _extent(CENTURIES[-1])
    outside = {"<": (-math.inf, first[0] - 1), ">": (last[1] + 1, math.inf)}
    for mark, (low, high) in outside.items():
        if not _cut(value, low, high):
            found += [mark] if holds(value, *_inner(low, high)) else []
        else:
            found.append(mark)
            exact = False
    ahead = list(CENTURIES)
    while ahead:
        start = ahead.pop()
        low, high = _extent(start)
        if not _cut(value, low, high):
            found += [start] if holds(value, low, high) else []
        elif len(start) == 10:
            found.append(start)
            exact = False
        else:
            if len(start) in {4, 7} and holds(value, low, high):
                found.append(start + "!")  # values that say no more than the year or month
            ahead += _parts(start)
    return found, exact


def _cut(value: RangeValue, low: float, high: float) -> bool:
    """Whether an end of the range searched for lies inside."""
    return not (high < value.low or low > value.high or (value.low <= low and high <= value.high))


def _inner(low: float, high: float) -> tuple[float, float]:
    """One finite value of an endless range."""
    end = high if math.isinf(low) else low
    return end, end


def _extent(start: str) -> tuple[float, float]:
    """First and last microsecond of a bucket."""
    low, high = date_range(start.ljust(4, "0")), date_range(start.ljust(4, "9"))
    assert low is not None and high is not None  # noqa: S101 (buckets are dates)
    return low[0], high[1]


def _parts(start: str) -> Iterator[str]:
    match len(start):
        case 2 | 3:
            yield from (start + str(digit) for digit in range(10))
        case 4:
            yield from (f"{start}-{month:02d}" for month in range(1, 13))
        case _:
            days = (f"{start}-{day:02d}" for day in range(1, 32))
            yield from (day for day in days if date_range(day) is not None)
