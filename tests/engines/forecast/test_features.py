"""Features know the past alone, and say what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.engines.forecast.features import features
from suwen.engines.forecast.trace import trace_of
from suwen.engines.forecast.window import doses, faded, since, window

EVENTS, LEVELS = ("meal", "insulin_sc"), ("insulin_basal",)


def columns(sample: Sample) -> dict[str, Any]:
    trace = trace_of(sample, "glucose")
    x, names = features(trace, trace.origins(), (0.5, 1.0), events=EVENTS, levels=LEVELS)
    return dict(zip(names, x.T, strict=True))


def test_the_window_fills_one_missing_step_and_no_more(make: Callable[..., Sample]) -> None:
    trace = trace_of(make([10, 30, 60, 70], [0, 0.5, 1.25, 1.5]), "glucose")
    seen = window(trace, np.array([0.5, 1.5]))
    np.testing.assert_array_equal(seen[0, :4], [30, 20, 10, np.nan])
    np.testing.assert_array_equal(seen[1, :7], [70, 60, np.nan, np.nan, 30, 20, 10])


def test_doses_fall_into_the_step_before_the_moment() -> None:
    hours, amounts = np.array([0.5, 0.6, 1.0]), np.array([2.0, 3.0, 4.0])
    given = doses(hours, amounts, np.array([1.0]))
    assert given[0, :4].tolist() == [4, 3, 2, 0]
    assert given.sum() == 9
    assert doses(hours, amounts, np.array([0.99]))[0].sum() == 5


def test_what_is_left_of_a_dose_halves() -> None:
    left = faded(np.array([1.0]), np.array([8.0]), np.array([0.5, 1.0, 2.0, 3.0]), 1.0)
    np.testing.assert_allclose(left, [0, 8, 4, 2])
    at = np.arange(0, 700, 0.25)
    rng = np.random.default_rng(0)
    hours, amounts = np.sort(rng.uniform(0, 700, 300)), rng.uniform(1, 9, 300)
    plain = [(amounts * np.exp2(-(t - hours) / 2) * (hours <= t)).sum() for t in at]
    np.testing.assert_allclose(faded(hours, amounts, at, 2.0), plain, atol=1e-7)


def test_time_since_the_last_event() -> None:
    np.testing.assert_array_equal(
        since(np.array([1.0, 2.0]), np.array([0.5, 1.0, 1.5, 20.0]), 8.0), [np.nan, 0, 0.5, 8]
    )


def test_a_straight_line_has_its_slope_and_no_curvature(make: Callable[..., Sample]) -> None:
    found = columns(make([100 + 3 * i for i in range(30)], events={"insulin_basal": [(2.0, 0.7)]}))
    for name in ("difference_0", "slope_30", "slope_60", "slope_120", "slope_240"):
        np.testing.assert_allclose(found[name][-1], 3.0)
    assert found["curvature"][-1] == 0
    np.testing.assert_allclose(
        found["mean_so_far"], [np.mean(100 + 3 * np.arange(i + 1)) for i in range(1, 30)]
    )
    np.testing.assert_allclose(found["above_mean"][-1], found["last"][-1] - found["mean_so_far"][-1])
    assert np.isnan(found["insulin_basal_now"][0])
    assert found["insulin_basal_now"][-1] == pytest.approx(0.7)
    assert found["hour_of_day"][-1] == pytest.approx(8 + 29 * 0.25)


def test_habits_are_those_of_earlier_days(make: Callable[..., Sample]) -> None:
    day = 100 + 40 * np.sin(np.arange(96) / 96 * 2 * np.pi)
    meals = [(24.0 * d + 12.25, 1.0) for d in range(3)]
    found = columns(make(np.tile(day, 3), events={"meal": meals}))
    at = 2 * 96 + 48 - 1  # noon of the third day; the first reading is no origin
    change = np.mean(day[49:52]) - np.mean(day[47:50])
    assert found["usual_change_30"][at] == pytest.approx(change, abs=1e-4)
    assert found["days_known"][at] == 2
    assert found["usual_meal_0_30"][at] == 1
    assert found["usual_meal_-30_0"][at] == 0
    assert np.isnan(found["usual_change_30"][40])


def test_nothing_later_than_the_origin_is_looked_at(waves: list[Sample]) -> None:
    """A column at hour 40 is the same whether or not anything happened afterwards."""
    whole = columns(waves[0])
    seen = waves[0].inputs["trace"].until(40.0)
    cut = columns(replace(waves[0], inputs={"trace": seen}))
    for name, column in cut.items():
        np.testing.assert_allclose(whole[name][: len(column)], column, rtol=1e-9, atol=1e-9, err_msg=name)


def test_a_moment_of_day_that_is_unknown_is_missing(make: Callable[..., Sample]) -> None:
    found = columns(make([100, 110, 120], start=None))
    assert np.isnan(found["hour_of_day"]).all()
    assert np.isfinite(found["difference_0"]).all()
