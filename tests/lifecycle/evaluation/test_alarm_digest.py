"""Figures on cells of hours against figures on the hours."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.lifecycle.evaluation.alarm_digest import digest, draws
from suwen.lifecycle.evaluation.arrays import Context
from suwen.lifecycle.evaluation.metrics import METRICS, applicable


@pytest.fixture(scope="module")
def hours() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(80), 50)
    margin = rng.normal(-3, 1.2, len(subject)) + rng.normal(0, 0.5, 80)[subject]
    p = 1 / (1 + np.exp(-margin))
    return p, rng.random(len(p)) < p, subject


def test_every_metric_on_cells_is_close_to_that_on_hours(
    hours: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    p, truth, subject = hours
    context = Context(positive=1, threshold=0.1, conformal_quantile=0.07)
    cells = digest(p, truth, subject, [0.1, 0.93, float(np.nextafter(0.07, 1))])
    times = draws(80, resamples=4, seed=1)
    small = Context(positive=1, threshold=0.1, conformal_quantile=0.07, weights=cells.weights(times))
    large = Context(
        positive=1, threshold=0.1, conformal_quantile=0.07, weights=times[:, subject].astype(np.float64)
    )
    both = np.stack([1 - p, p], 1)
    for name in applicable(context):
        got = METRICS[name].function(cells.probabilities, cells.labels, small)
        expected = METRICS[name].function(both, truth.astype(int), large)
        np.testing.assert_allclose(got, expected, rtol=0.02, atol=0.004, err_msg=name)


def test_decisions_and_sets_are_exact(hours: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    p, truth, subject = hours
    cut = float(np.sort(p)[3000])  # a value that occurs
    cells = digest(p, truth, subject, [cut])
    weights = cells.weights(np.ones((1, 80)))
    assert weights.sum() == len(p)
    assert weights[0][cells.probabilities[:, 1] >= cut].sum() == (p >= cut).sum()
    assert weights[0][: len(cells.value)].sum() == truth.sum()


def test_equal_probabilities_make_one_cell() -> None:
    cells = digest(np.full(10, 0.3), np.arange(10) < 2, np.arange(10) // 5, [0.3])
    assert cells.value.tolist() == [0.3]
    assert cells.positive.tolist() == [[2.0], [0.0]]


def test_draws_begin_with_everybody_once_and_repeat_with_the_seed() -> None:
    times = draws(7, resamples=5, seed=3)
    assert times.shape == (6, 7)
    assert times[0].tolist() == [1.0] * 7
    assert times.sum(1).tolist() == [7.0] * 6
    np.testing.assert_array_equal(times, draws(7, resamples=5, seed=3))
