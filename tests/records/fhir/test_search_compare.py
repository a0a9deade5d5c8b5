"""Prefixes and precision: each comparison against its definition on every point of small ranges."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.records.fhir.search_buckets import buckets
from suwen.records.fhir.search_compare import (
    PREFIXES,
    SQL,
    date_value,
    holds,
    number_value,
    split_prefix,
    sql_parameters,
)
from suwen.records.fhir.search_criteria import RangeValue
from suwen.records.fhir.search_dates import date_range
from suwen.records.fhir.search_terms import BUCKETS, CENTURIES

RANGES = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
DATABASE = sqlite3.connect(":memory:")


@pytest.fixture(scope="module", autouse=True)
def _close() -> object:
    yield
    DATABASE.close()


@given(st.sampled_from(PREFIXES), RANGES, RANGES)
def test_prefixes_say_what_the_standard_says(prefix: str, asked: list[int], stored: list[int]) -> None:
    (low, high), (first, last) = asked, stored
    want, mine = set(range(low, high + 1)), set(range(first, last + 1))
    above, below = set(range(high + 1, 20)), set(range(-10, low))
    contained = mine <= want
    meaning = {
        "eq": contained,
        "ne": not contained,
        "gt": bool(above & mine),
        "lt": bool(below & mine),
        "ge": bool(above & mine) or contained,
        "le": bool(below & mine) or contained,
        "sa": not want & mine and mine <= above,
        "eb": not want & mine and mine <= below,
        "ap": bool(want & mine),
    }[prefix]
    value = RangeValue(prefix, low, high)
    assert holds(value, first, last) == meaning
    where = SQL[prefix].format(s="s")
    row = DATABASE.execute(
        f"SELECT {where} FROM (SELECT ? AS lo, ? AS hi) AS s",
        (*sql_parameters(value), first, last),
    ).fetchone()
    assert bool(row[0]) == meaning


@given(st.decimals(-1000, 1000, places=3), st.integers(0, 4), st.decimals(-2, 2, places=5))
def test_digits_say_how_wide_a_number_is(number: Decimal, places: int, off: Decimal) -> None:
    text = f"{number:.{places}f}"
    value = number_value(text)
    assert value
    half = Decimal(5).scaleb(-places - 1)
    stored = Decimal(text) + off.scaleb(-places)
    inside = Decimal(text) - half <= stored < Decimal(text) + half
    assert holds(value, float(stored), float(stored)) == inside


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("100", 99.5, 100.5),
        ("1e2", 95, 105),
        ("5.40", 5.395, 5.405),
        ("-5.4", -5.45, -5.35),
        ("0", -0.5, 0.5),
    ],
)
def test_the_examples_of_the_standard(text: str, inside: float, outside: float) -> None:
    value = number_value(text)
    assert value
    assert holds(value, inside, inside)
    assert not holds(value, outside, outside)


@given(st.floats(-1e6, 1e6))
def test_a_number_finds_itself(number: float) -> None:
    for prefix in ("", "ge", "le", "ap"):
        value = number_value(f"{prefix}{number!r}")
        assert value
        assert holds(value, number, number)


@pytest.mark.parametrize("text", ["", "x", "1,5", "1e", "--1", "1e999", "NaN", "Infinity", "0x1", "1 "])
def test_what_is_no_number(text: str) -> None:
    assert number_value(text) is None


def test_prefixes_are_split_off() -> None:
    assert split_prefix("ge2012") == ("ge", "2012")
    assert split_prefix("2012") == ("eq", "2012")


def test_approximately() -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC)
    value = date_value("ap2010-01-01", now)
    near, far = date_range("2009-03-01"), date_range("2008-06-01")
    assert value and near and far
    assert holds(value, *near)
    assert not holds(value, *far)
    number = number_value("ap100")
    assert number and holds(number, 109, 109) and not holds(number, 111, 111)


def test_a_plus_that_became_a_space() -> None:
    assert date_value("2012-01-01T10:00:00 02:00") == date_value("2012-01-01T10:00:00+02:00")


DATES = st.one_of(
    st.dates().map(lambda day: day.isoformat()),
    st.dates().map(lambda day: day.isoformat()[:7]),
    st.dates().map(lambda day: day.isoformat()[:4]),
    st.dates().map(lambda day: f"{day.isoformat()}T12:30:00Z"),
)


@given(st.sampled_from(PREFIXES), DATES, DATES)
def test_buckets_hold_what_meets_the_comparison(prefix: str, asked: str, stored: str) -> None:
    value, mine = date_value(prefix + asked), date_range(stored)
    assert value and mine
    day = stored[:10]
    terms = {day[:size] for size in BUCKETS if size <= len(day)} | ({day + "!"} if len(day) < 10 else set())
    if day[:2] not in CENTURIES:
        terms = {"<" if day[:2] < CENTURIES[0] else ">"}
    starts, exact = buckets(value)
    candidate = not terms.isdisjoint(starts)
    meets = holds(value, *mine)
    assert candidate or not meets
    assert not exact or candidate == meets
    assert len(starts) < 120
