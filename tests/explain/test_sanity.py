"""A map must depend on what the model learned."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.explain.sanity import MAX_RANDOM_WEIGHTS_CORRELATION, passes, random_weights_correlation


def test_the_figure_is_the_absolute_spearman_correlation() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    first = rng.integers(0, 9, (7, 7)).astype(float)  # with ties
    second = first + 4 * rng.standard_normal((7, 7))
    expected = stats.spearmanr(first.ravel(), second.ravel()).statistic
    assert random_weights_correlation(first, second) == pytest.approx(abs(expected))
    assert random_weights_correlation(first, -second) == pytest.approx(abs(expected))
    assert random_weights_correlation(first, np.exp(first)) == pytest.approx(1)


def test_a_map_that_says_nothing_counts_as_indistinguishable() -> None:
    other = np.random.default_rng(0).random((7, 7))
    assert random_weights_correlation(np.ones((7, 7)), other) == 1
    assert random_weights_correlation(other, np.zeros((7, 7))) == 1
    assert random_weights_correlation(np.full((7, 7), np.nan), other) == 1


def test_the_limits() -> None:
    assert passes(0.2, 0.05, 0.1)
    assert passes(0.2, -0.3, MAX_RANDOM_WEIGHTS_CORRELATION)
    assert not passes(0.2, 0.25, 0.1)
    assert not passes(-0.01, -0.3, 0.1)
    assert not passes(0.0, 0.0, 0.1)
    assert not passes(0.2, 0.05, 0.81)
    assert not passes(float("nan"), 0.05, 0.1)
