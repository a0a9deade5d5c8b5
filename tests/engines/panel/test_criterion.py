"""The figures by which a winner is chosen, against scikit-learn's and against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

from suwen.core.engine import Units
from suwen.core.errors import UnknownSetting
from suwen.engines.panel.criterion import (
    CRITERIA,
    auroc,
    balanced_accuracy,
    c_index,
    criterion,
    log_likelihood,
    log_softmax,
    minus_rmse,
)


def units(target: Any) -> Units:
    target = np.asarray(target)
    return Units(owner=np.arange(len(target)), hour=np.zeros(len(target)), target=target)


def labelled(classes: int, n: int = 400, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    scores = rng.normal(size=(n, classes))
    scores[np.arange(n), truth] += 0.7
    return scores, truth


def test_auroc_is_that_of_scikit_learn_with_ties_and_without() -> None:
    scores, truth = labelled(2)
    for given in (scores, np.round(scores), np.zeros_like(scores)):
        margin = given[:, 1] - given[:, 0]
        assert auroc(given, units(truth)) == pytest.approx(roc_auc_score(truth, margin), abs=1e-12)


def test_auroc_leaves_the_unknown_out() -> None:
    scores, truth = labelled(2)
    hidden = truth.copy()
    hidden[::3] = -1
    known = hidden >= 0
    expected = roc_auc_score(truth[known], (scores[:, 1] - scores[:, 0])[known])
    assert auroc(scores, units(hidden)) == pytest.approx(expected, abs=1e-12)


def test_auroc_of_more_classes_is_their_likelihood() -> None:
    scores, truth = labelled(4)
    assert auroc(scores, units(truth)) == log_likelihood(scores, units(truth))


def test_the_likelihood_is_scikit_learns_at_the_best_temperature() -> None:
    scores, truth = labelled(3)
    by_hand = [
        -log_loss(truth, np.exp(log_softmax(scores / t)), labels=[0, 1, 2])
        for t in np.geomspace(0.25, 4.0, 17)
    ]
    assert log_likelihood(scores, units(truth)) == pytest.approx(max(by_hand), abs=1e-12)
    assert log_likelihood(scores * 2, units(truth)) == pytest.approx(
        log_likelihood(scores, units(truth)), abs=1e-2
    ), "a wrong temperature is no fault: it is calibrated later"


def test_log_softmax_holds_where_exponentials_do_not() -> None:
    out = log_softmax(np.array([[1000.0, 0.0], [-1000.0, 0.0]]))
    np.testing.assert_allclose(out, [[0, -1000], [-1000, 0]])


def test_balanced_accuracy_is_scikit_learns_and_breaks_ties_by_likelihood() -> None:
    scores, truth = labelled(3)
    expected = balanced_accuracy_score(truth, scores.argmax(1))
    extra = 1e-3 * log_likelihood(scores, units(truth))
    assert balanced_accuracy(scores, units(truth)) == pytest.approx(expected + extra, abs=1e-12)
    sharper = scores + 0.5 * np.eye(3)[scores.argmax(1)] * (scores.argmax(1) == truth)[:, None]
    assert balanced_accuracy(sharper, units(truth)) > balanced_accuracy(scores, units(truth))


def test_balanced_accuracy_leaves_the_unknown_out() -> None:
    scores, truth = labelled(3)
    hidden = np.where(np.arange(len(truth)) % 4 == 0, -1, truth)
    known = hidden >= 0
    expected = balanced_accuracy(scores[known], units(truth[known]))
    assert balanced_accuracy(scores, units(hidden)) == pytest.approx(expected, abs=1e-12)


def test_rmse_is_of_the_nearest_horizon_and_of_known_futures() -> None:
    scores = np.array([[100.0, 0.0], [110.0, 0.0], [5.0, 0.0]])
    future = np.array([[103.0, 50.0], [106.0, 60.0], [np.nan, 70.0]])
    assert minus_rmse(scores, units(future)) == pytest.approx(-np.sqrt((9 + 16) / 2))


def concordance(risk: Any, time: Any, event: Any) -> float:
    """Harrell's, pair by pair, from its definition."""
    right = whole = 0.0
    for i in np.flatnonzero(event):
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                whole += 1
                right += (risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j])
    return right / whole


def test_concordance_is_harrells_pair_by_pair() -> None:
    rng = np.random.default_rng(1)
    time = np.ceil(rng.exponential(20, 300))  # whole days: ties, as in the data
    event = rng.random(300) < 0.6
    scores = rng.normal(size=(300, 5)) - 0.03 * time[:, None]
    scores = np.round(scores, 1)
    expected = concordance((1 - np.exp(-np.exp(scores))).mean(1), time, event)
    target = units(np.stack([time, event.astype(float)], 1))
    assert c_index(scores, target) == pytest.approx(expected, abs=1e-12)
    assert c_index(scores, target, block=7) == pytest.approx(expected, abs=1e-12)
    assert expected > 0.55


def test_every_criterion_is_higher_for_better_scores() -> None:
    scores, truth = labelled(2)
    better = scores + 2 * np.eye(2)[truth]
    time = np.where(truth == 1, 5.0, 50.0) + np.arange(len(truth)) * 1e-3
    targets = {
        "c_index": np.stack([time, np.ones(len(truth))], 1),
        "rmse": better + 1.0,
    }
    for name in CRITERIA:
        target = units(targets.get(name, truth))
        if name == "c_index":
            worse, best = scores[:, 1:], better[:, 1:]
        else:
            worse, best = scores, better
        assert criterion(name)(best, target) > criterion(name)(worse, target), name


def test_an_unknown_criterion_names_the_nearest() -> None:
    with pytest.raises(UnknownSetting) as refused:
        criterion("aurok")
    assert "auroc" in (refused.value.fix or "")
