"""Stays on a grid of hours: means, what is carried on, and how long ago it was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.engines.series.grid import NEVER, carried, cell_means, grid, last_cell
from suwen.formats.signals.observations import Observations


def stay(*seen: tuple[float, int, float], length_h: float = 4.0, **static: float) -> Observations:
    hours, variable, values = (list(one) for one in zip(*seen, strict=True)) if seen else ([], [], [])
    return Observations(
        hours=np.array(hours, np.float64),
        variable=np.array(variable, np.int16),
        values=np.array(values, np.float32),
        names=("HR", "Temp"),
        static=static,
        length_h=length_h,
    )


def on_grid(*stays: Observations, steps: int = 4) -> Any:
    samples = [Sample(subject_id=str(i), inputs={"stay": one}) for i, one in enumerate(stays)]
    return grid(samples, field="stay", steps=steps, step_h=1.0, static=("Age",))


def test_a_cell_holds_the_mean_of_its_own_hour() -> None:
    means = cell_means(stay((0.0, 0, 80), (0.99, 0, 90), (1.0, 0, 70), (2.5, 1, 37)), 4, 1.0)
    np.testing.assert_array_equal(means[:, 0], np.array([85, 70, np.nan, np.nan], np.float32))
    np.testing.assert_array_equal(means[:, 1], np.array([np.nan, np.nan, 37, np.nan], np.float32))


def test_the_end_of_the_grid_belongs_to_its_last_cell_and_nothing_later() -> None:
    means = cell_means(stay((3.2, 0, 60), (4.0, 0, 80), (4.01, 0, 500), (9.0, 1, 40)), 4, 1.0)
    assert means[3, 0] == 70
    assert np.isnan(means[:, 1]).all()


def test_wider_cells() -> None:
    means = cell_means(stay((0.0, 0, 1), (5.9, 0, 3), (6.0, 0, 7), (12.0, 0, 9)), 2, 6.0)
    np.testing.assert_array_equal(means[:, 0], np.array([2, 8], np.float32))


def test_a_value_is_carried_on_and_its_age_counted() -> None:
    made = on_grid(stay((0.5, 0, 80), (2.1, 0, 90), length_h=4.0))
    np.testing.assert_array_equal(made.value[0, :, 0], [80, 80, 90, 90])
    np.testing.assert_array_equal(made.seen[0, :, 0], [True, False, True, False])
    np.testing.assert_array_equal(made.since[0, :, 0], [0, 1, 0, 1])
    assert np.isnan(made.value[0, :, 1]).all(), "missing until it is seen"
    assert (made.since[0, :, 1] == NEVER).all()


def test_the_age_is_in_hours() -> None:
    _, _, since = carried(np.array([[[1.0], [np.nan], [np.nan]]], np.float32), 6.0)
    assert since[0, :, 0].tolist() == [0, 6, 12]


@pytest.mark.parametrize(("hour", "cell"), [(0.0, 0), (0.99, 0), (1.0, 1), (3.9, 3), (4.0, 3), (99.0, 3)])
def test_an_hour_lies_in_one_cell(hour: float, cell: int) -> None:
    assert last_cell(hour, 4, 1.0) == cell
    made = on_grid(stay((0.0, 0, 80), length_h=hour))
    assert made.end.tolist() == [cell]


def test_descriptors_and_their_absence() -> None:
    made = on_grid(stay((0.0, 0, 80), Age=70.0), stay((0.0, 0, 80)))
    assert made.static[0].tolist() == [70.0]
    assert np.isnan(made.static[1]).all()
    assert made.static.dtype == np.float32
    assert len(made) == 2


def test_some_of_the_stays_in_another_order() -> None:
    stays = [stay((0.0, 0, 80.0 + i), Age=float(i), length_h=1.0 + i) for i in range(3)]
    made = on_grid(*stays)
    taken = made.take(np.array([2, 0]))
    assert taken.static[:, 0].tolist() == [2.0, 0.0]
    assert taken.value[:, 0, 0].tolist() == [82.0, 80.0]
    assert taken.end.tolist() == [3, 1]


def test_an_empty_stay_is_a_grid_of_nothing() -> None:
    made = on_grid(stay())
    assert not made.seen.any()
    assert np.isnan(made.value).all()


def test_until_an_hour_is_the_grid_of_what_was_known_then() -> None:
    whole = stay((0.2, 0, 80), (1.4, 1, 37), (1.8, 1, 39), (2.6, 0, 70), length_h=4.0)
    cut = on_grid(whole.until(1.5))
    full = on_grid(whole)
    np.testing.assert_array_equal(cut.value[0, 0], full.value[0, 0])
    assert cut.value[0, 1, 1] == 37, "the open cell holds what was seen of it so far"
    assert full.value[0, 1, 1] == 38
    assert cut.end.tolist() == [1]
