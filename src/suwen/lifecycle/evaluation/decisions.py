"""Figures of the decisions made: accuracy, sensitivity and their kin, from one confusion matrix.

Two classes are decided at the operating point, more by the largest probability. With more than two
classes sensitivity, specificity, PPV, NPV and F1 are one-vs-rest, averaged over the classes (macro).
"""

from __future__ import annotations

import numpy as np

from suwen.lifecycle.evaluation.arrays import Context, Floats, Ints, ratio


def decide(probabilities: Floats, context: Context) -> Ints:
    """Class index decided on for each sample, int64 (n,)."""
    if probabilities.shape[1] == 2:
        positive = probabilities[:, context.positive] >= context.threshold
        return np.where(positive, context.positive, 1 - context.positive).astype(np.int64)
    largest: Ints = probabilities.argmax(axis=1).astype(np.int64)
    return largest


def confusion(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Weighted confusion matrices (resamples, classes, classes); rows are the truth, columns the decision."""
    n, classes = probabilities.shape
    cell = np.zeros((n, classes * classes))
    cell[np.arange(n), labels * classes + decide(probabilities, context)] = 1.0
    return (context.weights_of(n) @ cell).reshape(-1, classes, classes)


def accuracy(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Share of right decisions, (resamples,)."""
    matrix = confusion(probabilities, labels, context)
    return ratio(np.trace(matrix, axis1=1, axis2=2), matrix.sum(axis=(1, 2)))


def balanced_accuracy(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Mean recall over the classes that the truth holds, (resamples,): every class counts alike.

    Equal to ``sklearn.metrics.balanced_accuracy_score``.
    """
    matrix = confusion(probabilities, labels, context)
    recall = ratio(np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=2))
    return ratio(np.nansum(recall, axis=1), np.isfinite(recall).sum(axis=1))


def _counts(probabilities: Floats, labels: Ints, context: Context) -> tuple[Floats, Floats, Floats, Floats]:
    """TP, FP, FN and TN, each (resamples, 1) of the positive class or (resamples, classes) one-vs-rest."""
    matrix = confusion(probabilities, labels, context)
    tp = np.diagonal(matrix, axis1=1, axis2=2)
    fn = matrix.sum(axis=2) - tp
    fp = matrix.sum(axis=1) - tp
    tn = matrix.sum(axis=(1, 2))[:, None] - tp - fn - fp
    keep = [context.positive] if matrix.shape[1] == 2 else list(range(matrix.shape[1]))
    return tp[:, keep], fp[:, keep], fn[:, keep], tn[:, keep]


def _macro(values: Floats) -> Floats:
    """Mean over the classes; undefined where it is undefined for one of them."""
    mean: Floats = values.mean(axis=1)
    return mean


def sensitivity(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """TP / (TP + FN), (resamples,): of the positives, the share found."""
    tp, _, fn, _ = _counts(probabilities, labels, context)
    return _macro(ratio(tp, tp + fn))


def specificity(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """TN / (TN + FP), (resamples,): of the negatives, the share left alone."""
    _, fp, _, tn = _counts(probabilities, labels, context)
    return _macro(ratio(tn, tn + fp))


def ppv(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """TP / (TP + FP), (resamples,), at this sample's prevalence; NaN where nothing was called positive."""
    tp, fp, _, _ = _counts(probabilities, labels, context)
    return _macro(ratio(tp, tp + fp))


def npv(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """TN / (TN + FN), (resamples,), at this sample's prevalence; NaN where nothing was called negative."""
    _, _, fn, tn = _counts(probabilities, labels, context)
    return _macro(ratio(tn, tn + fn))


def f1(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """2 TP / (2 TP + FP + FN), (resamples,): harmonic mean of sensitivity and PPV."""
    tp, fp, fn, _ = _counts(probabilities, labels, context)
    return _macro(ratio(2 * tp, 2 * tp + fp + fn))


def event1(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Return the smaller of sensitivity and PPV, (resamples,): the first event of the CinC 2012 challenge.

    Silva et al., Computing in Cardiology 39:245, 2012. Where positives exist and none is found it is 0,
    also where nothing was called positive and the PPV alone would be undefined.
    """
    tp, fp, fn, _ = _counts(probabilities, labels, context)
    return _macro(ratio(tp, np.maximum(tp + fn, tp + fp) * (tp + fn > 0)))


def mcc(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Matthews correlation coefficient, (resamples,), -1 to 1; for several classes as in Gorodkin 2004.

    Equal to ``sklearn.metrics.matthews_corrcoef``: 0 where every decision is the same class. NaN where
    the truth holds one class only.
    """
    matrix = confusion(probabilities, labels, context)
    truth, decided = matrix.sum(axis=2), matrix.sum(axis=1)
    total = matrix.sum(axis=(1, 2))
    covariance = np.trace(matrix, axis1=1, axis2=2) * total - (truth * decided).sum(axis=1)
    spread_truth = total**2 - (truth**2).sum(axis=1)
    spread_decided = total**2 - (decided**2).sum(axis=1)
    value = ratio(covariance, np.sqrt(spread_truth * spread_decided))
    return np.where((spread_decided == 0) & (spread_truth > 0), 0.0, value)


def prevalence(probabilities: Floats, labels: Ints, context: Context) -> Floats:
    """Share of the positive class in the truth, (resamples,)."""
    weights = context.weights_of(len(labels))
    return ratio(weights @ (labels == context.positive), weights.sum(axis=1))
