from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.arrays import Context, checked_labels, checked_probabilities
from suwen.lifecycle.evaluation.metrics import METRICS, applicable
from suwen.lifecycle.evaluation.ranking import pr_points, roc_points


def value(name: str, p: Any, y: Any, context: Context) -> float:
    return float(METRICS[name].function(np.asarray(p, float), np.asarray(y), context)[0])


@pytest.mark.parametrize("positive", [0, 1])
def test_two_class_metrics_equal_scikit_learn(two: Any, positive: int) -> None:
    p, labels, _ = two
    context = Context(positive=positive, threshold=0.4)
    truth, score = labels == positive, p[:, positive]
    called = score >= 0.4
    expected = {
        "auroc": sk.roc_auc_score(truth, score),
        "auprc": sk.average_precision_score(truth, score),
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "sensitivity": sk.recall_score(truth, called),
        "specificity": sk.recall_score(~truth, ~called),
        "ppv": sk.precision_score(truth, called),
        "npv": sk.precision_score(~truth, ~called),
        "f1": sk.f1_score(truth, called),
        "event1": min(sk.recall_score(truth, called), sk.precision_score(truth, called)),
        "mcc": sk.matthews_corrcoef(truth, called),
        "brier": sk.brier_score_loss(truth, score),
        "prevalence": truth.mean(),
        "n": len(truth),
    }
    for name, right in expected.items():
        assert value(name, p, labels, context) == pytest.approx(right, abs=1e-12), name


def test_many_classes_are_macro_one_vs_rest(three: Any) -> None:
    p, labels = three
    context = Context(positive=1)
    called = p.argmax(axis=1)
    each = [
        (sk.roc_auc_score(labels == k, p[:, k]), sk.average_precision_score(labels == k, p[:, k]))
        for k in range(3)
    ]
    expected = {
        "auroc": np.mean([a for a, _ in each]),
        "auprc": np.mean([b for _, b in each]),
        "accuracy": sk.accuracy_score(labels, called),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, called),
        "sensitivity": sk.recall_score(labels, called, average="macro"),
        "specificity": np.mean([sk.recall_score(labels != k, called != k) for k in range(3)]),
        "ppv": sk.precision_score(labels, called, average="macro"),
        "f1": sk.f1_score(labels, called, average="macro"),
        "mcc": sk.matthews_corrcoef(labels, called),
        "brier": np.mean([sk.brier_score_loss(labels == k, p[:, k]) for k in range(3)]),
    }
    for name, right in expected.items():
        assert value(name, p, labels, context) == pytest.approx(right, abs=1e-12), name


def test_weights_mean_repeated_samples(two: Any) -> None:
    p, labels, _ = two
    times = np.random.default_rng(0).integers(0, 4, size=len(labels))
    context = Context(positive=1, threshold=0.5, conformal_quantile=0.6)
    weighted = replace(context, weights=times[None, :].astype(float))
    repeated = np.repeat(np.arange(len(labels)), times)
    for name in applicable(context):
        left = value(name, p, labels, weighted)
        right = value(name, p[repeated], labels[repeated], context)
        assert left == pytest.approx(right, abs=1e-9), name


@pytest.mark.parametrize("sharper", [0.05, 1.4, 12.0])
def test_logistic_recalibration_equals_scikit_learn(two: Any, sharper: float) -> None:
    from sklearn.linear_model import LogisticRegression

    p, labels, _ = two
    p = np.clip(p, 0.2, 0.8) ** sharper
    p = p / p.sum(axis=1, keepdims=True)
    x = np.log(p[:, 1] / p[:, 0])
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(x[:, None], labels)
    context = Context(positive=1)
    assert value("calibration_slope", p, labels, context) == pytest.approx(fitted.coef_[0, 0], rel=1e-4)
    # Of the intercept with the slope at 1 the defining equation: mean probability equals mean outcome.
    a = value("calibration_intercept", p, labels, context)
    assert (1 / (1 + np.exp(-(x + a)))).mean() == pytest.approx(labels.mean(), abs=1e-9)


def test_balanced_accuracy_counts_the_classes_that_are_there() -> None:
    p = np.eye(4)[[0, 0, 1, 3, 3, 2]]
    labels = [0, 0, 1, 1, 3, 3]  # nobody is of class 2; one sample of 1 and one of 3 are missed
    assert value("balanced_accuracy", p, labels, Context(positive=0)) == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_event1_where_nothing_is_called_is_zero() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2]])
    context = Context(positive=1, threshold=0.5)
    assert value("event1", p, [0, 1], context) == 0.0
    assert np.isnan(value("event1", p, [0, 0], context))


def test_ece_by_hand_and_independent_of_order() -> None:
    # 30 samples in 15 bins of two: every bin at probability b / 20 with one positive of two.
    score = np.repeat(np.arange(1, 16) / 20, 2)
    truth = np.tile([0, 1], 15)
    p = np.stack([1 - score, score], axis=1)
    expected = np.abs(np.arange(1, 16) / 20 - 0.5).mean()
    context = Context(positive=1)
    assert value("ece", p, truth, context) == pytest.approx(expected, abs=1e-12)
    order = np.random.default_rng(0).permutation(30)
    assert value("ece", p[order], truth[order], context) == pytest.approx(expected, abs=1e-12)
    flat = np.full((200, 2), 0.5)
    assert value("ece", flat, np.arange(200) % 4 == 0, context) == pytest.approx(0.25)


def test_one_class_only_is_undefined_and_silent(two: Any) -> None:
    p, labels, _ = two
    only = p[labels == 1]
    context = Context(positive=1, conformal_quantile=0.5)
    undefined = {"auroc", "auprc", "specificity", "mcc", "calibration_slope", "calibration_intercept"}
    for name in METRICS:
        found = value(name, only, np.ones(len(only), int), context)
        assert np.isnan(found) == (name in undefined), name


def test_perfect_separation_has_no_calibration_slope() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    context = Context(positive=1)
    assert np.isnan(value("calibration_slope", p, [0, 0, 1, 1], context))
    assert np.isfinite(value("calibration_intercept", p, [0, 0, 1, 1], context))
    assert value("auroc", p, [0, 0, 1, 1], context) == 1.0
    assert value("mcc", p, [0, 0, 1, 1], replace(context, threshold=0.0)) == 0.0  # one decision for all


def test_curves_have_the_areas(two: Any) -> None:
    p, labels, _ = two
    truth, context = labels == 1, Context(positive=1)
    fpr, tpr = roc_points(p[:, 1], truth)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(tpr, fpr) == pytest.approx(value("auroc", p, labels, context))
    recall, precision = pr_points(p[:, 1], truth)
    assert np.sum(np.diff(recall) * precision[1:]) == pytest.approx(value("auprc", p, labels, context))


def test_the_table_is_complete() -> None:
    for name, metric in METRICS.items():
        assert metric.title and metric.unit and metric.meaning.endswith("."), name
        assert (metric.direction == "target") == (metric.target is not None), name


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(BadInput, match="sum to one"):
        checked_probabilities([[2.0, -1.0]])
    with pytest.raises(BadInput, match="not finite"):
        checked_probabilities([[np.nan, 1.0]])
    with pytest.raises(BadInput, match="shape"):
        checked_probabilities([0.2, 0.8])
    with pytest.raises(BadInput, match="class indices") as caught:
        checked_labels([0, -1], 2, 2)
    assert "missing is not a class" in str(caught.value)
    with pytest.raises(BadInput, match="beside 3"):
        checked_labels([0, 1], 3, 2)
