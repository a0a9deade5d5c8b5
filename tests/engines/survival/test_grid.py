"""The grid of times: observed event times that part the events evenly."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.survival.grid import time_grid


def test_equally_many_events_lie_between_its_times() -> None:
    time = np.concatenate([np.arange(1.0, 301.0), np.full(50, 400.0)])
    event = (np.arange(350) % 3 > 0) & (time < 400)
    grid = time_grid(time, event, points=20)
    assert len(grid) == 20
    assert grid[-1] == time[event].max()
    assert set(grid) <= set(time[event])
    counts = np.histogram(time[event], np.concatenate([[0.0], grid + 1e-9]))[0]
    assert counts.tolist() == [10] * 20


def test_it_ends_where_ten_are_still_followed() -> None:
    time = np.arange(1.0, 201.0)
    grid = time_grid(time, np.ones(200, bool), points=40)
    assert grid[-1] == 190.0
    assert (time >= grid[-1]).sum() == 11


def test_ties_leave_fewer_times_and_they_rise() -> None:
    time = np.repeat([1.0, 2.0, 5.0], 10)
    grid = time_grid(time, np.ones(30, bool))
    assert grid.tolist() == [1.0, 2.0, 5.0]


@pytest.mark.parametrize(("time", "events"), [(np.arange(1.0, 101.0), 9), (np.ones(100), 50)])
def test_too_few_events_are_refused(time: np.ndarray, events: int) -> None:
    with pytest.raises(BadInput) as refused:
        time_grid(time, np.arange(100) < events)
    assert refused.value.code == "too-few-events"
