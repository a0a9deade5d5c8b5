"""Cox's partial likelihood: by hand, against lifelines, and its derivatives against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.engines.survival.risk_sets import RiskSets, best_scale, fit_cox


def test_three_subjects_by_hand() -> None:
    """Events at 1 (of three at risk) and 2 (of two); the third is censored."""
    sets = RiskSets.of(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]))
    risk = np.array([0.5, -0.2, 0.1])
    w = np.exp(risk)
    expected = np.log(w[0] / w.sum()) + np.log(w[1] / (w[1] + w[2]))
    assert sets.log_likelihood(risk) == pytest.approx(expected)


def test_tied_times_share_a_risk_set() -> None:
    """Breslow: both events at time 1 have all three at risk."""
    sets = RiskSets.of(np.array([1.0, 1.0, 2.0]), np.array([True, True, False]))
    risk = np.array([0.3, 0.0, -1.0])
    assert sets.log_likelihood(risk) == pytest.approx(0.3 - 2 * np.log(np.exp(risk).sum()))


def test_weighted_events_count_as_many_times_as_there_are_subjects_at_risk() -> None:
    time, event = np.arange(1.0, 5.0), np.array([True, False, True, True])
    sets = RiskSets.of(time, event, rho=1.0)
    weight = np.zeros(4)
    weight[sets.order] = sets.weight
    np.testing.assert_allclose(weight, 3 * np.array([4, 0, 2, 1]) / 7)


@pytest.mark.parametrize("rho", [0.0, 1.0])
def test_derivatives_are_those_of_the_likelihood(rho: float, simulate: Callable[..., Any]) -> None:
    _, time, event = simulate(40)
    time = np.ceil(time * 2)  # ties
    sets = RiskSets.of(time, event, rho)
    risk, step = np.random.default_rng(1).normal(size=40), 1e-4
    gradient, second = sets.derivatives(risk)
    for subject in range(40):
        up, down = risk.copy(), risk.copy()
        up[subject] += step
        down[subject] -= step
        high, low, here = (-sets.log_likelihood(one) for one in (up, down, risk))
        assert gradient[subject] == pytest.approx((high - low) / (2 * step), abs=1e-5)
        assert second[subject] == pytest.approx(max((high - 2 * here + low) / step**2, 1e-6), abs=1e-4)


def test_coefficients_are_those_of_lifelines(simulate: Callable[..., Any]) -> None:
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    x, time, event = simulate(300)
    terms = np.nan_to_num(x[:, :3].astype(np.float64))
    table = pandas.DataFrame(terms, columns=list("abc")).assign(time=time, event=event)
    expected = lifelines.CoxPHFitter().fit(table, "time", "event").params_.to_numpy()
    found = fit_cox(terms, RiskSets.of(time, event), np.full(3, 1e-9))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_penalty_shrinks_and_a_start_changes_nothing(simulate: Callable[..., Any]) -> None:
    x, time, event = simulate(200)
    terms, sets = np.nan_to_num(x.astype(np.float64)), RiskSets.of(time, event, 1.0)
    free, held = (fit_cox(terms, sets, np.full(5, p)) for p in (0.1, 100.0))
    assert np.linalg.norm(held) < np.linalg.norm(free)
    np.testing.assert_allclose(fit_cox(terms, sets, np.full(5, 100.0), start=free), held, atol=1e-5)


def test_the_best_scale_of_exaggerated_risks_is_below_one(simulate: Callable[..., Any]) -> None:
    x, time, event = simulate(500)
    terms, sets = np.nan_to_num(x[:, :2].astype(np.float64)), RiskSets.of(time, event)
    right = terms @ fit_cox(terms, sets, np.full(2, 1e-9))
    assert best_scale([(right, sets)]) == pytest.approx(1.0)
    assert best_scale([(2 * right, sets)]) == pytest.approx(0.5)
