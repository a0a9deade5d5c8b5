"""How well the scores rank the classes: AUROC and AUPRC over weighted samples, and their curves.

Both are computed from the cumulative weights of the positive and negative samples over the distinct
scores, so that a thousand bootstrap resamples are a thousand rows of one array and ties are exact.
"""

from __future__ import annotations

import numpy as np

from suwen.lifecycle.evaluation.arrays import Bools, Floats, ratio


def _mass_by_score(score: Floats, truth: Bools, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of positives and of negatives at each distinct score, ascending: two (resamples, scores)."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    ordered = weights[:, order]
    positive = np.add.reduceat(ordered * truth[order], starts, axis=1)
    return positive, np.add.reduceat(ordered, starts, axis=1) - positive


def auroc(score: Floats, truth: Bools, weights: Floats) -> Floats:
    """Area under the ROC curve: P(score of a positive > of a negative) + half P(equal).

    The Mann-Whitney statistic (Hanley and McNeil, Radiology 143:29, 1982); equal to
    ``sklearn.metrics.roc_auc_score``.

    Parameters
    ----------
    score
        Array (n,), higher for the positive class.
    truth
        Array (n,), whether a sample is positive.
    weights
        Array (resamples, n), how often each sample counts.

    Returns
    -------
    numpy.ndarray
        Array (resamples,), 0 to 1; NaN where a resample holds one class only.
    """
    positive, negative = _mass_by_score(score, truth, weights)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + 0.5 * negative)).sum(axis=1)
    return ratio(wins, positive.sum(axis=1) * negative.sum(axis=1))


def auprc(score: Floats, truth: Bools, weights: Floats) -> Floats:
    """Area under the precision-recall curve as average precision, without interpolation.

    The sum over distinct scores of precision times the gain in recall; equal to
    ``sklearn.metrics.average_precision_score``. Its chance level is the prevalence.

    Returns
    -------
    numpy.ndarray
        Array (resamples,), 0 to 1; NaN where a resample holds one class only.
    """
    positive, negative = (mass[:, ::-1] for mass in _mass_by_score(score, truth, weights))
    found = np.cumsum(positive, axis=1)
    flagged = found + np.cumsum(negative, axis=1)
    precision = np.where(flagged > 0, found / np.maximum(flagged, 1e-12), 0.0)
    area = ratio((precision * positive).sum(axis=1), positive.sum(axis=1))
    return np.where(negative.sum(axis=1) > 0, area, np.nan)


def roc_points(score: Floats, truth: Bools) -> tuple[Floats, Floats]:
    """Corners of the ROC curve, from (0, 0) to (1, 1): false and true positive rates.

    Points on a straight line between their neighbours are left out. Empty with one class only.
    """
    positive, negative = (mass[0, ::-1] for mass in _mass_by_score(score, truth, np.ones((1, len(score)))))
    if positive.sum() == 0 or negative.sum() == 0:
        return np.empty(0), np.empty(0)
    tp = np.concatenate(([0.0], np.cumsum(positive)))
    fp = np.concatenate(([0.0], np.cumsum(negative)))
    turn = np.diff(tp)[1:] * np.diff(fp)[:-1] != np.diff(tp)[:-1] * np.diff(fp)[1:]
    keep = np.concatenate(([True], turn, [True]))
    return fp[keep] / fp[-1], tp[keep] / tp[-1]


def pr_points(score: Floats, truth: Bools) -> tuple[Floats, Floats]:
    """Points of the precision-recall curve by falling threshold: recall (from 0, ascending) and precision.

    The area under its steps, each precision held back to the recall before, is :func:`auprc`. Empty with
    one class only.
    """
    positive, negative = (mass[0, ::-1] for mass in _mass_by_score(score, truth, np.ones((1, len(score)))))
    if positive.sum() == 0 or negative.sum() == 0:
        return np.empty(0), np.empty(0)
    found = np.cumsum(positive)
    precision = found / (found + np.cumsum(negative))
    return np.append(0.0, found / found[-1]), np.append(precision[0], precision)
