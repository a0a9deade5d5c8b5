"""Concordance and time-dependent AUC: by hand, by brute force on resamples with ties, against published code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.lifecycle.evaluation.survival_censoring import censoring
from suwen.lifecycle.evaluation.survival_concordance import Pairs, dynamic_auc


def brute(time: Any, event: Any, risk: Any, weights: Any, counts: Any) -> float:
    """Every pair in turn."""
    right = whole = 0.0
    cases = np.flatnonzero(event).tolist()
    for place, i in enumerate(cases):
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                pair = weights[i] * weights[j] * counts[place]
                whole += pair
                right += pair * ((risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]))
    return right / whole


def test_four_subjects_by_hand() -> None:
    """Pairs (1,2) (1,3) (1,4) (2,3) (2,4): risks of 1 above 2, equal to 3, above 4; of 2 below 3, above 4."""
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, False])
    risk = np.array([3.0, 2.0, 3.0, 1.0])
    found = Pairs.of(time, event).concordance(risk, np.ones((1, 4)), np.ones((1, 2)))
    assert found[0, 0] == pytest.approx((1 + 0.5 + 1 + 0 + 1) / 5)


@pytest.mark.parametrize("seed", range(4))
def test_resamples_with_ties_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    time, event = np.ceil(rng.exponential(6, n)), rng.random(n) < 0.6
    risk = np.round(rng.normal(size=n) - 0.1 * time, 1)
    weights = rng.integers(0, 4, size=(5, n)).astype(float)
    counts = np.stack([np.ones(event.sum()), rng.random(event.sum())])
    found = Pairs.of(time, event).concordance(risk, weights, counts)
    for way in range(2):
        for row in range(5):
            expected = brute(time, event, risk, weights[row], counts[way])
            assert found[way, row] == pytest.approx(expected)


def test_nobody_to_compare_is_undefined() -> None:
    pairs = Pairs.of(np.ones(4), np.ones(4, bool))
    assert np.isnan(pairs.concordance(np.arange(4.0), np.ones((1, 4)), np.ones((1, 4)))).all()


def simulated() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(7)
    risk = rng.normal(size=500)
    time, end = rng.exponential(np.exp(-risk)), rng.exponential(2.0, 500)
    return np.minimum(time, end), time <= end, np.round(risk + rng.normal(size=500), 2)


def test_harrell_is_that_of_lifelines() -> None:
    utils = pytest.importorskip("lifelines.utils")
    time, event, risk = simulated()
    found = Pairs.of(time, event).concordance(risk, np.ones((1, 500)), np.ones((1, event.sum())))
    assert found[0, 0] == pytest.approx(utils.concordance_index(time, -risk, event), abs=1e-12)


def test_uno_and_the_auc_are_those_of_scikit_survival() -> None:
    # A benchmark peer under the GPL, never a dependency: the figures are compared where somebody has installed it.
    metrics = pytest.importorskip("sksurv.metrics")
    util = pytest.importorskip("sksurv.util")
    time, event, risk = simulated()
    known = util.Surv.from_arrays(event, time)
    own = censoring(time, event).at(time, before=True)
    tau = float(np.quantile(time, 0.8))
    cases = np.flatnonzero(event)
    counts = np.where(time[cases] < tau, 1 / own[cases] ** 2, 0.0)[None]
    found = Pairs.of(time, event).concordance(risk, np.ones((1, 500)), counts)[0, 0]
    assert found == pytest.approx(metrics.concordance_index_ipcw(known, known, risk, tau=tau)[0], abs=1e-9)
    for share in (0.25, 0.5, 0.75):
        at = float(np.quantile(time[event], share))
        expected = metrics.cumulative_dynamic_auc(known, known, risk, [at])[0][0]
        assert dynamic_auc(risk, time, event, own, at, np.ones((1, 500)))[0] == pytest.approx(
            expected, abs=1e-9
        )


def test_the_auc_by_hand_and_where_it_is_undefined() -> None:
    time, event = np.array([1.0, 2.0, 5.0, 6.0]), np.array([True, True, True, False])
    own, once = np.array([1.0, 0.5, 1.0, 1.0]), np.ones((1, 4))
    risk = np.array([2.0, 1.0, 1.0, 3.0])
    # Case 1 (weight 1) beats one of two; case 2 (weight 2) ties with one and loses to the other.
    assert dynamic_auc(risk, time, event, own, 3.0, once)[0] == pytest.approx((0.5 + 2 * 0.25) / 3)
    assert np.isnan(dynamic_auc(risk, time, event, own, 0.5, once)).all()
    assert np.isnan(dynamic_auc(risk, time, event, own, 6.0, once)).all()
