"""The Brier score under censoring: by hand, and against published code."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.lifecycle.evaluation.survival_censoring import censoring
from suwen.lifecycle.evaluation.survival_error import brier_parts, integrated


def test_three_subjects_by_hand() -> None:
    """An event at 1, one censored at 2, one still there at 4: two of three are seen at time 3."""
    time, event = np.array([1.0, 2.0, 4.0]), np.array([True, False, True])
    parts = brier_parts(np.array([[0.7], [0.6], [0.8]]), np.array([3.0]), time, event, censoring(time, event))
    np.testing.assert_allclose(parts[:, 0], [0.49 / 1.0, 0.0, 0.04 / 0.5])


def test_it_is_the_mean_over_time() -> None:
    assert integrated(np.array([[0.1, 0.3, 0.3]]), np.array([1.0, 2.0, 4.0]))[0] == pytest.approx(0.8 / 3)


def test_it_is_that_of_scikit_survival() -> None:
    # A benchmark peer under the GPL, never a dependency: the figures are compared where somebody has installed it.
    metrics = pytest.importorskip("sksurv.metrics")
    util = pytest.importorskip("sksurv.util")
    rng = np.random.default_rng(3)
    risk = rng.normal(size=400)
    latent, end = rng.exponential(np.exp(-risk)), rng.exponential(2.0, 400)
    time, event = np.minimum(latent, end), latent <= end
    grid = np.quantile(time[event], [0.1, 0.3, 0.5, 0.7, 0.9])
    survival = np.exp(-np.exp(0.8 * risk)[:, None] * grid)
    known = util.Surv.from_arrays(event, time)
    uncensored = censoring(time, event)
    assert uncensored.at(time[event & (time <= grid[-1])]).min() > 0.05
    mine = brier_parts(survival, grid, time, event, uncensored)
    np.testing.assert_allclose(mine.mean(0), metrics.brier_score(known, known, survival, grid)[1], atol=1e-9)
    expected = metrics.integrated_brier_score(known, known, survival, grid)
    assert integrated(mine, grid).mean() == pytest.approx(expected, abs=1e-9)
