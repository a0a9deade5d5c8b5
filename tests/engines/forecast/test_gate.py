"""When no forecast is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suwen.core.sample import Sample
from suwen.engines.forecast.gate import History

GATE = History(quantity="glucose")


def test_an_hour_of_readings_is_answered_for(make: Callable[..., Sample]) -> None:
    assert GATE(make([100, 101, 102, 103])) is None


@pytest.mark.parametrize("values", [[], [100], [100, 101, 102]])
def test_less_is_too_short(make: Callable[..., Sample], values: list[float]) -> None:
    found = GATE(make(values, events={"meal": [(0.0, 1.0)]}))
    assert found is not None
    assert found.code == "too-short"


def test_an_old_last_reading_is_stale(make: Callable[..., Sample]) -> None:
    meal_later = GATE(make([100] * 6, events={"meal": [(2.0, 1.0)]}))
    time_passed = GATE(make([100] * 6, length_h=2.0))
    assert meal_later is not None
    assert time_passed is not None
    assert meal_later.code == time_passed.code == "stale"
    assert "45 minutes" in time_passed.reason
    assert GATE(make([100] * 6, length_h=1.5)) is None


def test_a_reading_behind_a_gap_stands_alone(make: Callable[..., Sample]) -> None:
    found = GATE(make([100, 101, 102, 103, 104], [0, 0.25, 0.5, 0.75, 1.5]))
    assert found is not None
    assert found.code == "gap"
    assert GATE(make([100, 101, 102, 103, 104, 105], [0, 0.25, 0.5, 0.75, 1.5, 1.75])) is None
