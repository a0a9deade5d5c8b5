"""Inner folds and the losses by which a choice is made."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.engines.linear.inner import inner_folds, log_loss, parts, smooth_loss, temperature


def test_every_class_is_dealt_out_evenly_and_rare_classes_are_no_error() -> None:
    labels = np.array([0] * 23 + [1] * 9 + [2] * 2)
    fold = inner_folds(labels, 5, seed=3)
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1
    for name, least, most in ((0, 4, 5), (1, 1, 2), (2, 0, 1)):
        count = np.bincount(fold[labels == name], minlength=5)
        assert (count.min(), count.max()) == (least, most)
    assert np.array_equal(fold, inner_folds(labels, 5, seed=3))
    assert not np.array_equal(fold, inner_folds(labels, 5, seed=4))


def test_parts_hold_every_row_out_once() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1, 1])
    held = np.concatenate([outside for inside, outside in parts(labels, 3, 0)])
    assert sorted(held) == list(range(7))
    assert all(set(i).isdisjoint(o) for i, o in parts(labels, 3, 0))
    assert len(list(parts(labels[:2], 5, 0))) == 2  # two rows cannot be held out five times


def test_log_loss_by_hand() -> None:
    logits = np.log(np.array([[0.2, 0.8], [0.5, 0.5]]))
    assert log_loss(logits, np.array([1, 0])) == pytest.approx(-(np.log(0.8) + np.log(0.5)) / 2)
    assert log_loss(logits + 100, np.array([1, 0])) == pytest.approx(log_loss(logits, np.array([1, 0])))


def test_few_samples_that_are_all_right_do_not_ask_for_certainty() -> None:
    labels = np.repeat([0, 1], 10)
    right = np.where(labels[:, None] == [0, 1], 1.0, -1.0)
    warmth = temperature(right, labels)
    sure = 1 / (1 + np.exp(-2 / warmth))
    assert sure == pytest.approx(11 / 12, abs=0.02)  # Platt's target of a class of ten
    assert smooth_loss(right / warmth, labels) <= smooth_loss(right / 1e-3, labels)


def test_temperature_brings_scores_of_any_scale_to_log_odds() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-z))).astype(int)
    scores = np.stack([np.zeros(4000), 40 * z], axis=1)
    assert temperature(scores, labels) == pytest.approx(40, rel=0.2)
