"""The ensemble's weights: none negative, drawn towards equal shares, fitted to what they say they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.engines.panel import stack
from suwen.engines.panel.criterion import log_softmax
from suwen.engines.panel.stack import class_loss, fit_weights, loss_of, mix, pull_of, ranking_loss, value_loss


def units(target: Any) -> Units:
    target = np.asarray(target)
    return Units(owner=np.arange(len(target)), hour=np.zeros(len(target)), target=target)


def rivals(n: int = 1500) -> tuple[list[Any], Any]:
    """Two learners that see different evidence, one that guesses, and the truth."""
    rng = np.random.default_rng(2)
    hidden = rng.normal(size=(n, 2))
    truth = (rng.random(n) < 1 / (1 + np.exp(-(hidden.sum(1) - 1)))).astype(np.int64)
    guess = rng.normal(size=n)
    return [np.stack([np.zeros(n), one], 1) for one in (hidden[:, 0], hidden[:, 1], guess)], truth


def test_weights_find_who_knows_something_and_are_never_negative() -> None:
    scores, truth = rivals()
    weights, added = fit_weights(scores, units(truth), class_loss, shifted=True)
    assert (weights >= 0).all()
    assert weights[:2].min() > 0.7
    assert weights[2] < 0.1
    against = [scores[0], -scores[1]]
    weights, _ = fit_weights(against, units(truth), class_loss, shifted=True)
    assert weights[1] == 0, "what points the wrong way is left out, not turned round"
    assert added[0] == 0, "the first class is the reference"


def test_what_is_added_makes_the_mean_probability_the_frequency() -> None:
    scores, truth = rivals()
    for shifted in (True, False):
        weights, added = fit_weights(scores, units(truth), class_loss, shifted=shifted)
        mean = float(np.exp(log_softmax(mix(scores, weights, added)))[:, 1].mean())
        assert (abs(mean - truth.mean()) < 1e-3) == shifted
        assert (added[1] != 0) == shifted


def test_equal_learners_share_equally() -> None:
    scores, truth = rivals()
    weights, _ = fit_weights([scores[0]] * 3, units(truth), class_loss, shifted=True)
    np.testing.assert_allclose(weights, weights.mean(), atol=1e-6)


def test_the_mixture_is_no_worse_than_the_best_of_its_parts() -> None:
    scores, truth = rivals()
    found = fit_weights(scores, units(truth), class_loss, shifted=True)
    whole = class_loss(mix(scores, *found), units(truth))
    for one in scores:
        alone = fit_weights([one], units(truth), class_loss, shifted=True)
        assert whole < class_loss(mix([one], *alone), units(truth))


def test_unknown_classes_and_futures_do_not_count() -> None:
    scores, truth = rivals()
    hidden = np.where(np.arange(len(truth)) % 3 == 0, -1, truth)
    known = hidden >= 0
    assert class_loss(scores[0], units(hidden)) == class_loss(scores[0][known], units(truth[known]))
    future = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]])
    off = np.nan_to_num(future) + 1
    assert value_loss(off, units(future)) == pytest.approx(1 / np.nanvar(future))


def test_forecasts_are_weighed_by_their_error() -> None:
    rng = np.random.default_rng(3)
    future = rng.normal(120, 40, (2000, 2))
    future[::5, 1] = np.nan
    near = np.nan_to_num(future, nan=120.0) + rng.normal(0, 5, future.shape)
    far = np.nan_to_num(future, nan=120.0) + rng.normal(0, 25, future.shape)
    weights, added = fit_weights([near, far], units(future), value_loss, shifted=False)
    assert weights[0] > 0.8
    assert weights[1] < 0.2
    assert weights.sum() == pytest.approx(1, abs=0.02)
    assert (added == 0).all()


def test_the_survival_loss_ranks_as_concordance_does_whatever_the_baseline() -> None:
    rng = np.random.default_rng(5)
    risk = rng.normal(size=800)
    time, end = rng.exponential(np.exp(-risk)), rng.exponential(2.0, 800)
    target = units(np.stack([np.minimum(time, end), (time <= end).astype(float)], 1))
    grid = np.linspace(0.1, 2, 10)
    right = risk[:, None] + np.log(grid)
    assert ranking_loss(right, target) == pytest.approx(ranking_loss(right + 3.0, target))
    assert ranking_loss(right, target) < ranking_loss(0.3 * right, target) < ranking_loss(-right, target)
    noise = np.repeat(rng.normal(size=(800, 1)), 10, axis=1)
    weights, _ = fit_weights([right, noise], target, ranking_loss, shifted=False)
    assert weights[0] == pytest.approx(1, abs=0.15)
    assert weights[1] < 0.1


def test_the_loss_is_that_of_the_endpoint() -> None:
    assert loss_of("classes") is loss_of("alarm") is class_loss
    assert loss_of("forecast") is value_loss
    assert loss_of("survival") is ranking_loss


def test_few_events_pull_harder_towards_equal_weights() -> None:
    followed = units(np.stack([np.arange(1.0, 101.0), np.arange(100) % 2], 1))
    assert pull_of("survival", followed) == pytest.approx(10 / 50)
    assert pull_of("classes", units([0, 1])) == stack.PULL
    scores, truth = rivals()
    free, held = (
        fit_weights(scores, units(truth), class_loss, shifted=True, strength=strength)[0]
        for strength in (0.001, 1.0)
    )
    assert np.ptp(held) < np.ptp(free)


def test_more_rows_than_are_needed_are_sampled_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, truth = rivals()
    whole = fit_weights(scores, units(truth), class_loss, shifted=True)
    monkeypatch.setattr(stack, "MOST_ROWS", 900)
    first = fit_weights(scores, units(truth), class_loss, shifted=True)
    again = fit_weights(scores, units(truth), class_loss, shifted=True)
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[0] != whole[0]).any()
    np.testing.assert_allclose(first[0], whole[0], atol=0.3)
