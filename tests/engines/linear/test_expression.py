"""Gene expression as ranks: the same whatever the scale of the array."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.engines.linear.expression import Expression, f_ratio, normal_scores


def test_scores_equal_scipys_quantiles_of_mean_ranks() -> None:
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(0).integers(-5, 20, size=(6, 101)).astype(np.float32)
    expected = stats.norm.ppf((stats.rankdata(x, axis=1) - 0.5) / 101)
    np.testing.assert_allclose(normal_scores(x), expected, atol=1e-12)


def test_scores_do_not_change_with_scale_floor_or_curve() -> None:
    x = np.random.default_rng(1).lognormal(5, 2, size=(4, 300))
    base = normal_scores(x)
    for changed in (x * 7 + 30, np.log2(x), -1.0 / x):
        np.testing.assert_allclose(normal_scores(changed), base)


def test_missing_genes_are_in_the_middle_and_take_no_rank() -> None:
    x = np.array([[3.0, np.nan, 1.0, 2.0], [np.nan] * 4])
    scores = normal_scores(x)
    np.testing.assert_allclose(scores[0, [2, 3, 0]], normal_scores(np.array([[1.0, 2.0, 3.0]]))[0])
    assert scores[0, 1] == 0
    assert (scores[1] == 0).all()


def test_f_ratio_equals_scikit_learn_where_genes_vary() -> None:
    selection = pytest.importorskip("sklearn.feature_selection")
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], [12, 20, 9])
    x = rng.normal(size=(41, 50)) + labels[:, None] * rng.normal(size=50) * 0.3
    np.testing.assert_allclose(f_ratio(x, labels), selection.f_classif(x, labels)[0], rtol=2e-2)
    x[:, 0] = 1.0
    assert np.isfinite(f_ratio(x, labels)).all()
    assert f_ratio(x, labels)[0] == 0


def test_chosen_genes_are_standardised_by_training_and_come_back() -> None:
    x = np.random.default_rng(3).normal(size=(30, 40))
    genes = Expression.fit(normal_scores(x), np.array([3, 7, 11]))
    made = genes.of(x)
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(made.std(0), 1, atol=1e-6)
    again = Expression.from_arrays(genes.arrays())
    np.testing.assert_array_equal(again.of(x[:2]), genes.of(x[:2]))
