"""Nine of ten outlive the bound: under censoring, for wrong curves too, and on subjects that did not set it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.engines.survival.curves import survival
from suwen.lifecycle.evaluation.survival_censoring import censoring
from suwen.lifecycle.evaluation.survival_conformal import Scored, bound, held_out_coverage

GRID = np.geomspace(0.005, 4.0, 40)


def cohort(seed: int, n: int = 3000) -> tuple[Any, Any, Any, Any]:
    """Curves that exaggerate, times and events under censoring, and the times without it."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    latent, end = rng.exponential(np.exp(-risk)), rng.exponential(1.5, n)
    return 1.5 * risk[:, None] + np.log(GRID) + 0.5, np.minimum(latent, end), latent <= end, latent


def test_nine_of_ten_outlive_it_though_the_curves_are_wrong() -> None:
    hazard, time, event, _ = cohort(0)
    quantile = Scored.of(hazard, GRID, time, event, censoring(time, event)).quantile()
    others, later, seen, latent = cohort(1)
    lower = bound(others, GRID, quantile)
    assert (latent >= lower).mean() == pytest.approx(0.9, abs=0.015)
    estimated = Scored.of(others, GRID, later, seen, censoring(later, seen)).covered(quantile).mean()
    assert estimated == pytest.approx((latent >= lower).mean(), abs=0.01)
    assert np.std(lower) > 0.05


def test_held_out_coverage_is_near_the_target() -> None:
    hazard, time, event, _ = cohort(2, 800)
    found = held_out_coverage(hazard, GRID, time, event, [str(i) for i in range(800)])
    assert found == pytest.approx(0.9, abs=0.02)


def test_without_censoring_it_is_split_conformal() -> None:
    score = np.linspace(0.01, 0.99, 99)
    scored = Scored(score=score, event=np.ones(99, bool), uncensored=np.ones(99))
    assert scored.quantile() == pytest.approx(score[9])  # the tenth: (99 + 1) / 10
    assert scored.covered(score[9]).mean() == pytest.approx(1 - 9 / 99)


def test_few_subjects_promise_nothing() -> None:
    scored = Scored(score=np.array([0.3, 0.6]), event=np.ones(2, bool), uncensored=np.ones(2))
    assert scored.quantile() == 0.0
    assert bound(np.zeros((1, 40)), GRID, 0.0).tolist() == [0.0]


def test_a_curve_that_stays_above_gives_the_end_of_the_grid() -> None:
    flat = np.full((1, 40), -8.0)
    assert survival(flat)[0, -1] > 0.99
    assert bound(flat, GRID, 0.1).tolist() == [GRID[-1]]
