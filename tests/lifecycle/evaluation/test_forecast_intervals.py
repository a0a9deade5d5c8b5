"""Intervals of forecasts: 90% where it was promised, wider where it is harder, causal, kept by JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.forecast_coverage import held_out_coverage
from suwen.lifecycle.evaluation.forecast_intervals import PRIOR, fit_intervals, lately, read_intervals

ENDPOINT = Forecast(
    quantity="glucose", unit="mg/dL", horizons_min=(30, 60), low=70, high=180, code=("", "", "")
)


def some(patients: int = 30, each: int = 300, seed: int = 0) -> tuple[Any, Any, Units, Any]:
    """Forecasts, last readings, units and subjects; errors grow with the level, and with the patient."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(patients), each)
    hour = np.tile(np.arange(each) * 0.25, patients)
    nervous = np.repeat(np.exp(rng.normal(0, 0.5, patients)), each)
    values = rng.choice([60.0, 120.0, 220.0], len(owner)) + rng.normal(0, 5, len(owner))
    last = values + rng.normal(0, 15, len(owner))
    size = nervous * values / 12
    target = np.stack([values + size * rng.normal(size=len(owner)) * k for k in (1.0, 1.6)], 1)
    target[rng.random(target.shape) < 0.03] = np.nan
    forecasts = np.stack([values, values], 1)
    return forecasts, last, Units(owner=owner, hour=hour, target=target), owner.astype(str)


def inside(bounds: Any, target: Any) -> Any:
    return (target >= bounds[..., 0]) & (target <= bounds[..., 1])


def test_coverage_on_new_subjects_overall_by_range_and_by_nervousness() -> None:
    values, last, units, _ = some(seed=0)
    fitted = fit_intervals(values, last, units, ENDPOINT)
    values, last, units, _ = some(seed=1)
    bounds = fitted.of(values, last, units)
    held, known = inside(bounds, units.target), ~np.isnan(units.target)
    for k in (0, 1):
        assert abs(held[known[:, k], k].mean() - 0.9) < 0.02
        for mask in (values[:, 0] < 70, (values[:, 0] > 70) & (values[:, 0] < 180), values[:, 0] > 180):
            assert abs(held[mask & known[:, k], k].mean() - 0.9) < 0.03
        by_subject = [held[(units.owner == s) & known[:, k], k].mean() for s in range(30)]
        assert min(by_subject) > 0.8  # without the trace's own errors the most nervous has about 60%
    assert (bounds[..., 0] <= values).all()
    assert (bounds[..., 1] >= values).all()
    width = np.diff(bounds)[..., 0]
    assert width[:, 1].mean() > 1.3 * width[:, 0].mean()
    assert width[values[:, 0] > 180, 0].mean() > 2 * width[values[:, 0] < 70, 0].mean()


def test_what_comes_later_changes_nothing() -> None:
    """The bounds at an origin are the same in a trace that ends there: a stream equals a batch."""
    values, last, units, _ = some(patients=3, each=120)
    fitted = fit_intervals(*some()[:3], ENDPOINT)
    whole = fitted.of(values, last, units)
    end = 120 + 70  # within the second trace
    target = units.target.copy()
    for k, steps in enumerate((2, 4)):
        target[end - steps : end, k] = np.nan  # not yet known
    cut = Units(owner=units.owner[:end], hour=units.hour[:end], target=target[:end])
    np.testing.assert_allclose(fitted.of(values[:end], last[:end], cut), whole[:end], rtol=1e-12)


def test_lately_waits_for_the_reading_and_forgets_by_half_a_day_later() -> None:
    owner, hour = np.array([0, 0, 0, 0, 1]), np.array([0.0, 0.25, 0.5, 24.0, 0.0])
    relative = np.array([3.0, np.nan, 5.0, 1.0, 9.0])
    found = lately(relative, owner, hour, 0.5)
    assert found[0] == found[1] == found[4] == 1
    half = 0.5 ** (0.5 / 24)
    assert found[2] == pytest.approx((PRIOR + 3 * half) / (PRIOR + half))
    a, b = 0.5, 0.5 ** (23.5 / 24)
    assert found[3] == pytest.approx((PRIOR + 3 * a + 5 * b) / (PRIOR + a + b))


def test_years_do_not_overflow() -> None:
    hour = np.arange(0, 24 * 365 * 5, 6.0)
    found = lately(np.full(len(hour), 2.0), np.zeros(len(hour), np.int64), hour, 0.5)
    assert np.isfinite(found).all()
    assert 1 < found[-1] < 2


def test_json_keeps_them_exactly() -> None:
    values, last, units, _ = some(patients=5)
    fitted = fit_intervals(values, last, units, ENDPOINT)
    again = read_intervals(json.loads(json.dumps(fitted.document())), ENDPOINT)
    np.testing.assert_array_equal(again.of(values, last, units), fitted.of(values, last, units))


def test_a_rare_range_takes_the_quantiles_of_all() -> None:
    values, last, units, _ = some(patients=8)
    keep = (values[:, 0] < 180) | (np.arange(len(values)) % 97 == 0)
    rare = Units(owner=units.owner[keep], hour=units.hour[keep], target=units.target[keep])
    fitted = fit_intervals(values[keep], last[keep], rare, ENDPOINT)
    assert fitted.horizons[0].quantiles[2, 1] > 0


def test_held_out_coverage() -> None:
    values, last, units, subjects = some()
    found = held_out_coverage(values, last, units, ENDPOINT, subjects)
    assert abs(found["held_out_coverage"] - 0.9) < 0.015
    assert set(found["by_horizon"]) == {"30min", "60min"}
    assert found == held_out_coverage(values, last, units, ENDPOINT, subjects)
    with pytest.raises(BadInput):
        held_out_coverage(values, last, units, ENDPOINT, ["one"] * len(last))


def test_too_few_forecasts_are_refused() -> None:
    values, last, units, _ = some(patients=1, each=10)
    with pytest.raises(BadInput) as raised:
        fit_intervals(values, last, units, ENDPOINT)
    assert raised.value.code == "too-few-forecasts"
