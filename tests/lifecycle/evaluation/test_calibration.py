from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.lifecycle.evaluation.calibration import (
    HIGHEST,
    LOWEST,
    apply_temperature,
    fit_calibration,
    fit_temperature,
    margin,
    nll,
    probability_interval,
)

Simulate = Callable[..., tuple[Any, Any]]


@pytest.mark.parametrize("known", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_recovered(known: float, simulate: Simulate) -> None:
    logits, labels = simulate(20_000, 1, temperature=known)
    assert fit_temperature(logits, labels) == pytest.approx(known, rel=0.04)


def test_the_fit_is_the_minimum(three: Any) -> None:
    p, labels = three
    logits = 2.7 * np.log(p)
    best = fit_temperature(logits, labels)
    grid = np.geomspace(0.2, 8, 400)
    losses = [nll(logits, labels, t) for t in grid]
    assert nll(logits, labels, best) <= min(losses) + 1e-12
    assert best == pytest.approx(grid[int(np.argmin(losses))], rel=0.02)


def test_bounds_and_a_likelihood_without_maximum() -> None:
    labels = np.array([0, 1] * 20)
    wrong = np.where(np.eye(2)[labels] == 1, -3.0, 3.0)
    assert fit_temperature(wrong, labels) == pytest.approx(HIGHEST)
    right = -wrong
    found = fit_calibration(right, labels, [str(i) for i in range(40)])
    assert (found.temperature, found.temperature_se, found.estimable) == (1.0, 0.0, False)
    nearly = right * 0.001
    nearly[0] = [-1e-6, 1e-6]
    assert fit_temperature(nearly, labels) == pytest.approx(LOWEST)


def test_standard_error_is_that_of_repeated_samples(simulate: Simulate) -> None:
    fits = [fit_temperature(*simulate(500, seed, temperature=2.0)) for seed in range(60)]
    logits, labels = simulate(500, 100, temperature=2.0)
    found = fit_calibration(logits, labels, [str(i) for i in range(500)], seed=0)
    assert found.temperature_se == pytest.approx(np.std(fits, ddof=1), rel=0.4)
    assert found.nll_after < found.nll_before
    assert (found.n, found.n_subjects, found.estimable) == (500, 500, True)
    # Five copies of each subject say no more than one.
    five = fit_calibration(
        np.repeat(logits, 5, 0), np.repeat(labels, 5), np.repeat(np.arange(500), 5), seed=0
    )
    assert five.temperature == pytest.approx(found.temperature, rel=1e-6)
    assert five.temperature_se == pytest.approx(found.temperature_se, rel=0.25)


def test_probabilities_and_margin_agree(three: Any) -> None:
    logits = np.log(three[0]) * 3
    p = apply_temperature(logits, 1.7)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    for k in range(3):
        np.testing.assert_allclose(1 / (1 + np.exp(-margin(logits, k, 1.7))), p[:, k])
    assert np.isfinite(apply_temperature([[0.0, 5000.0]], 0.05)).all()
    assert margin([[0.0, 5000.0]], 1)[0] == 5000


def test_interval_by_hand() -> None:
    low, high = probability_interval(3.0, [2.0, 3.0, 4.0], 1.5, 0.0)
    half = 1.959963984540054 * 1.0 / 1.5
    assert low == pytest.approx(1 / (1 + np.exp(-(2 - half))))
    assert high == pytest.approx(1 / (1 + np.exp(-(2 + half))))


def test_interval_covers_calibration_uncertainty() -> None:
    rng = np.random.default_rng(0)
    drawn = 1 / (1 + np.exp(-2.0 / (2.0 + 0.1 * rng.normal(size=20_000))))
    low, high = probability_interval(2.0, [2.0], 2.0, 0.1)
    assert np.mean((drawn >= low) & (drawn <= high)) == pytest.approx(0.95, abs=0.01)
    assert probability_interval(2.0, [], 2.0, 0.0) == pytest.approx((1 / (1 + np.exp(-1)),) * 2)
    assert probability_interval(900.0, [800.0, 1000.0], 1.0, 0.1) == (1.0, 1.0)


def test_serving_needs_numpy_alone() -> None:
    code = (
        "import sys; import suwen.lifecycle.evaluation.calibration, suwen.lifecycle.evaluation.conformal;"
        "import suwen.lifecycle.evaluation.report, suwen.lifecycle.evaluation.writing;"
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'scipy', 'matplotlib', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
