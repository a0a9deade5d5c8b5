"""Readings looked up by time: tolerance, gaps, repeated stamps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.engines.forecast.trace import trace_of


def test_a_reading_stands_for_moments_within_five_minutes(make: Callable[..., Sample]) -> None:
    trace = trace_of(make([100, 110, 130]), "glucose")
    found = trace.at(np.array([0.0, 5 / 60, 6 / 60, 0.25 - 5 / 60, 0.5, 0.6, -1.0]))
    np.testing.assert_array_equal(found, [100, 100, np.nan, 110, 130, np.nan, np.nan])


def test_of_two_equally_near_readings_the_earlier_stands(make: Callable[..., Sample]) -> None:
    trace = trace_of(make([1, 2], [0.0, 8 / 60]), "glucose")
    assert trace.at(np.array([4 / 60]))[0] == 1


def test_origins_have_a_neighbour_and_a_gap_starts_anew(make: Callable[..., Sample]) -> None:
    trace = trace_of(make([1, 2, 3, 4, 5], [0, 0.25, 1.0, 1.25, 1.5]), "glucose")
    assert trace.origins().tolist() == [1, 3, 4]


def test_of_readings_at_one_moment_the_last_stands(make: Callable[..., Sample]) -> None:
    trace = trace_of(make([100, 180, 120], [0, 0, 0.25]), "glucose")
    assert trace.values.tolist() == [180, 120]
    assert trace.hours.tolist() == [0, 0.25]


@pytest.mark.parametrize(
    ("start", "clock"),
    [("2021-05-04T08:30:00", 8.5), ("2021-05-04T23:45", 23.75), ("2021-05-04", np.nan), (None, np.nan)],
)
def test_the_clock_is_read_from_the_start(
    make: Callable[..., Sample], start: str | None, clock: float
) -> None:
    np.testing.assert_equal(trace_of(make([1, 2], start=start), "glucose").clock_h, clock)


def test_a_sample_without_readings_has_an_empty_trace(make: Callable[..., Sample]) -> None:
    trace = trace_of(make([], events={"meal": [(1.0, 1.0)]}), "glucose")
    assert len(trace.hours) == len(trace.origins()) == 0
    assert np.isnan(trace.at(np.array([1.0]))).all()
