"""Breslow's baseline, against Nelson and Aalen's estimate and lifelines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.engines.linear.table import Table
from suwen.engines.survival.baseline import ProportionalMember, log_baseline


def test_without_risks_it_is_nelson_and_aalen() -> None:
    time, event = np.array([1.0, 2.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 0, 1])
    found = np.exp(log_baseline(np.zeros(5), time, event, np.array([1.0, 2.5, 4.0])))
    np.testing.assert_allclose(found, [1 / 5, 1 / 5 + 2 / 4, 1 / 5 + 2 / 4 + 1])


def test_before_the_first_event_it_is_small_and_not_zero() -> None:
    found = log_baseline(np.zeros(3), np.array([2.0, 3.0, 4.0]), np.ones(3), np.array([1.0, 2.0]))
    np.testing.assert_allclose(np.exp(found), [1 / 6, 1 / 3])


def test_it_is_that_of_lifelines(simulate: Callable[..., Any]) -> None:
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    x, time, event = simulate(200)
    terms = np.nan_to_num(x[:, :2].astype(np.float64))
    fitted = lifelines.CoxPHFitter().fit(
        pandas.DataFrame(terms, columns=["a", "b"]).assign(time=time, event=event), "time", "event"
    )
    grid = np.quantile(time[event], [0.2, 0.5, 0.9], method="inverted_cdf")
    risk = (terms - terms.mean(0)) @ fitted.params_.to_numpy()  # lifelines centres its covariates
    expected = fitted.baseline_cumulative_hazard_.iloc[:, 0].reindex(grid).to_numpy()
    np.testing.assert_allclose(np.exp(log_baseline(risk, time, event, grid)), expected, rtol=1e-3)


def test_a_member_takes_columns_by_name_or_where_there_is_none_by_place() -> None:
    member = ProportionalMember(
        names=("age", "nodes"), risk=lambda x: x[:, 0].astype(float), baseline=np.zeros(3)
    )
    x = np.array([[1.0, 2.0]], np.float32)
    assert member.scores(Table(x, ("nodes", "age"))).tolist() == [[2.0] * 3]
    assert member.scores(Table(x, ("x0", "x1"))).tolist() == [[1.0] * 3]
    assert member.scores(Table(np.zeros((0, 0), np.float32), ())).shape == (0, 3)
