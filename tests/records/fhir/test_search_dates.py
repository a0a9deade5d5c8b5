"""Dates as ranges of microseconds, of any precision."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.records.fhir.search_dates import DAY_US, date_range, dates, exact_range

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(st.dates())
def test_a_day_ends_where_the_next_begins(day: date) -> None:
    first, last = exact_range(day.isoformat()) or (0, 0)
    assert last - first == DAY_US - 1
    assert first == (day - date(1970, 1, 1)).days * DAY_US


@given(st.integers(1, 9998), st.integers(1, 12))
def test_months_fill_years(year: int, month: int) -> None:
    whole, part = exact_range(f"{year:04d}"), exact_range(f"{year:04d}-{month:02d}")
    following = f"{year:04d}-{month + 1:02d}" if month < 12 else f"{year + 1:04d}-01"
    after = exact_range(following)
    assert whole and part and after
    assert whole[0] <= part[0] < part[1] <= whole[1]
    assert part[1] + 1 == after[0]


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.integers(0, 6),
)
def test_times_with_a_zone(moment: datetime, offset: int, digits: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = zoned.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    width = 10 ** (6 - digits)
    if digits:
        text += f".{zoned.microsecond:06d}"[: digits + 1]
    sign = "-" if offset < 0 else "+"
    text += f"{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    first = micros(zoned) // width * width
    assert exact_range(text) == (first, first + width - 1)


@given(st.integers(-62_000_000_000, 253_000_000_000))
def test_floats_keep_order(second: int) -> None:
    """However large the number: what ends before a second begins stays before it."""
    texts = [str((EPOCH + timedelta(seconds=at)).isoformat()) for at in (second, second + 1)]
    (low, high), (after, _) = (date_range(text) or (math.nan, math.nan) for text in texts)
    assert low <= high < after


@pytest.mark.parametrize(
    "text",
    ["", "20", "2012-", "2012-13", "2012-02-30", "2012-1-1", "20120101", "2012-01-01T10", "2012-01-01T25:00:00Z",
     "2012-01-01 10:00", "2012-01-01T10:00:00+1", "٢٠١٢", "0000", "2012-01-01T10:00:00.Z", "x" * 50],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert exact_range(text) is None


def test_without_a_zone_it_is_utc() -> None:
    assert exact_range("2012-01-01T10:00:00") == exact_range("2012-01-01T10:00:00Z")
    assert exact_range("2016-12-31T23:59:60Z") == exact_range("2017-01-01T00:00:00Z")


def test_periods_and_timings() -> None:
    day, after = date_range("2012-01-01"), date_range("2012-01-03")
    assert day and after
    assert dates({"start": "2012-01-01"}, "Period") == [(day[0], math.inf)]
    assert dates({"end": "2012-01-01"}, "Period") == [(-math.inf, day[1])]
    assert dates({}, "Period") == []
    assert dates({"event": ["2012-01-03", "2012-01-01"]}, "Timing") == [(day[0], after[1])]
    bounds = {"repeat": {"boundsPeriod": {"start": "2012-01-01", "end": "2012-01-03"}}}
    assert dates(bounds, "Timing") == [(day[0], after[1])]
    assert dates("2012-01-01", "string") == []
