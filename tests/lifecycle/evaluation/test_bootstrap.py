from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from suwen.core.errors import UnknownSetting
from suwen.lifecycle.evaluation.arrays import Context
from suwen.lifecycle.evaluation.bootstrap import differences, estimate, estimates, replicates, subject_weights

CONTEXT = Context(positive=1)


def test_every_resample_equals_scikit_learn_on_repeated_rows(two: Any) -> None:
    p, labels, subjects = two
    drawn = replicates(p, labels, subjects, CONTEXT, names=["auroc"], resamples=25, seed=4)["auroc"]
    index = np.unique(subjects, return_inverse=True)[1]
    weights = np.concatenate(list(subject_weights(index, resamples=25, seed=4))).astype(int)
    for figure, times in zip(drawn[1:], weights, strict=True):
        rows = np.repeat(np.arange(len(labels)), times)
        assert figure == pytest.approx(roc_auc_score(labels[rows], p[rows, 1]), abs=1e-12)


def test_subjects_are_drawn_whole(two: Any) -> None:
    _, _, subjects = two
    index = np.unique(subjects, return_inverse=True)[1]
    for weights in subject_weights(index, resamples=10, seed=0):
        for number in range(index.max() + 1):
            assert (np.ptp(weights[:, index == number], axis=1) == 0).all()


def test_blocks_do_not_change_the_draws(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    p, labels, subjects = two
    whole = replicates(p, labels, subjects, CONTEXT, names=["brier"], resamples=50, seed=1)["brier"]
    monkeypatch.setattr("suwen.lifecycle.evaluation.bootstrap._CELLS", 3 * len(labels))
    blocks = replicates(p, labels, subjects, CONTEXT, names=["brier"], resamples=50, seed=1)["brier"]
    np.testing.assert_allclose(whole, blocks)


def test_repeated_subjects_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat(rng.integers(2, size=60), 10)
    odds = np.repeat(rng.normal(size=60), 10) + labels
    p = 1 / (1 + np.exp(-odds))
    p = np.stack([1 - p, p], axis=1)
    by_subject = np.repeat(np.arange(60), 10).astype(str)
    by_sample = np.arange(600).astype(str)
    names = ["auroc", "accuracy"]
    wide = estimates(replicates(p, labels, by_subject, CONTEXT, names=names, seed=0))
    narrow = estimates(replicates(p, labels, by_sample, CONTEXT, names=names, seed=0))
    for name in names:
        assert wide[name].value == narrow[name].value
        ratio = (wide[name].hi - wide[name].lo) / (narrow[name].hi - narrow[name].lo)
        assert 2.2 < ratio < 4.5, name  # ten copies: the square root of ten


def test_interval_of_a_proportion_is_that_of_the_binomial() -> None:
    labels = (np.arange(1000) < 800).astype(int)
    p = np.tile([0.0, 1.0], (1000, 1))
    found = estimates(replicates(p, labels, np.arange(1000).astype(str), CONTEXT, names=["accuracy"], seed=0))
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert found["accuracy"].value == 0.8
    assert found["accuracy"].lo == pytest.approx(0.8 - half, abs=0.004)
    assert found["accuracy"].hi == pytest.approx(0.8 + half, abs=0.004)


def test_paired_differences_are_narrower_than_unpaired(two: Any) -> None:
    p, labels, subjects = two
    worse = np.random.default_rng(1).normal(scale=0.3, size=len(labels)) + np.log(p[:, 1] / p[:, 0])
    q = 1 / (1 + np.exp(-worse))
    model = replicates(p, labels, subjects, CONTEXT, seed=7)
    other = replicates(np.stack([1 - q, q], axis=1), labels, subjects, CONTEXT, seed=7)
    minus = differences(model, other, "plain")
    found = minus["auroc_minus_plain"]
    assert found.value == pytest.approx(model["auroc"][0] - other["auroc"][0])
    assert found.hi - found.lo < 0.5 * (estimate(model["auroc"]).hi - estimate(model["auroc"]).lo)
    assert {"brier_minus_plain", "accuracy_minus_plain"} <= set(minus)
    assert not {"n_minus_plain", "calibration_slope_minus_plain"} & set(minus)
    itself = differences(model, model, "itself")["mcc_minus_itself"]
    assert (itself.value, itself.lo, itself.hi) == (0, 0, 0)


def test_same_seed_same_intervals_and_counts_have_none(two: Any) -> None:
    p, labels, subjects = two
    first = estimates(replicates(p, labels, subjects, CONTEXT, seed=3, resamples=100))
    assert first == estimates(replicates(p, labels, subjects, CONTEXT, seed=3, resamples=100))
    assert first != estimates(replicates(p, labels, subjects, CONTEXT, seed=4, resamples=100))
    assert (first["n"].lo, first["n"].value, first["n"].hi) == (400, 400, 400)


def test_mostly_undefined_resamples_give_no_interval() -> None:
    nan = float("nan")
    found = estimate(np.array([0.7, nan, nan, nan, 0.6]))
    assert found.value == 0.7
    assert np.isnan(found.lo) and np.isnan(found.hi)
    assert np.isfinite(estimate(np.array([0.7, nan, 0.6, 0.8])).lo)
    assert np.isnan(estimate(np.array([nan, 0.5, 0.6])).lo)


def test_unknown_metric_names_the_nearest(two: Any) -> None:
    p, labels, subjects = two
    with pytest.raises(UnknownSetting, match="Did you mean 'auroc'"):
        replicates(p, labels, subjects, CONTEXT, names=["aurok"])


def test_a_thousand_resamples_of_everything_are_quick() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=624)
    odds = rng.normal(size=624) * 2 + 4 * labels - 2
    p = 1 / (1 + np.exp(-odds))
    context = Context(positive=1, conformal_quantile=0.4)
    began = time.process_time()
    replicates(np.stack([1 - p, p], axis=1), labels, np.arange(624).astype(str), context)
    assert time.process_time() - began < 5
