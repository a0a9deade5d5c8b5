"""Origins and what followed them: by time, never by row across a gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from suwen.core.sample import Sample
from suwen.engines.forecast.units import anchors, forecast_units, last_values, periods
from suwen.systems.signals.glucose import task

ENDPOINT: Any = task.endpoint


def test_targets_are_found_by_time(make: Callable[..., Sample]) -> None:
    units = forecast_units([make([1, 2, 3, 4, 5, 6, 7])], ENDPOINT)
    np.testing.assert_array_equal(units.hour, np.arange(1, 7) * 0.25)
    np.testing.assert_array_equal(units.target[:, 0], [4, 5, 6, 7, np.nan, np.nan])
    np.testing.assert_array_equal(units.target[:, 1], [6, 7, np.nan, np.nan, np.nan, np.nan])


def test_there_is_no_target_across_a_gap(make: Callable[..., Sample]) -> None:
    sample = make([1, 2, 3, 9, 10], [0, 0.25, 0.5, 2.0, 2.25])
    units = forecast_units([sample], ENDPOINT)
    assert units.hour.tolist() == [0.25, 0.5, 2.25]
    assert np.isnan(units.target).all()


def test_units_follow_the_samples_and_last_values_the_units(make: Callable[..., Sample]) -> None:
    samples = [make([1, 2, 3]), make([5]), make([]), make([7, 8])]
    units = forecast_units(samples, ENDPOINT)
    assert units.owner.tolist() == [0, 0, 3]
    assert last_values(samples, ENDPOINT).tolist() == [2, 3, 8]
    assert units.target.shape == (3, 2)


def test_nothing_gives_no_units() -> None:
    units = forecast_units([], ENDPOINT)
    assert len(units) == 0
    assert units.target.shape == (0, 2)
    assert last_values([], ENDPOINT).shape == (0,)


def test_anchors_keep_the_last_origin_where_it_is(make: Callable[..., Sample]) -> None:
    sample = make([100, 110, 120, 130], events={"meal": [(0.75, 1.0)]})
    keep = anchors(sample, ENDPOINT)
    assert keep.sum() == 2
    seen = sample.inputs["trace"].where(keep)
    alone = Sample(subject_id="p", inputs={"trace": seen})
    assert forecast_units([alone], ENDPOINT).hour.tolist() == [0.75]
    assert last_values([alone], ENDPOINT).tolist() == [130]


def test_periods_end_at_the_last_origin_and_are_finer_the_later(make: Callable[..., Sample]) -> None:
    short = periods(make([100] * 10, events={"meal": [(2.25, 1.0)]}), ENDPOINT)
    np.testing.assert_allclose(short, [0, 0.25, 0.75, 1.25, 1.75, 2.25])
    long = periods(make([100] * 200), ENDPOINT)
    np.testing.assert_allclose(long - long[-1], [-49.75, -24, -4, -3, -2, -1.5, -1, -0.5, 0])
    assert (np.diff(periods(make([]), ENDPOINT)) > 0).all()


def test_reference_figures_by_row_step_are_reproduced(real: tuple[Sample, ...]) -> None:
    """Persistence on the T1DM development part, by time, is what the row step gives but for its gaps: 20.9."""
    units = forecast_units(real, ENDPOINT)
    gap = units.target[:, 0] - last_values(real, ENDPOINT)
    assert abs(np.sqrt(np.nanmean(gap**2)) - 20.95) < 0.1
