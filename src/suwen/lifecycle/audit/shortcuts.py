"""The shortcut probe: whether something trivial predicts the label of unseen subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, MissingExtra
from suwen.core.report import Estimate
from suwen.lifecycle.audit.report import Shortcut
from suwen.lifecycle.audit.trivia import Matrix, meaning
from suwen.lifecycle.splits import folds

FOLDS = 5
RESAMPLES = 1000
LEAST_PER_CLASS = 10
"""Groups (subjects) per class below which an interval would say nothing."""
THRESHOLD = 0.65
COARSE_CONTENT: Mapping[str, float] = {"thumbnail": 0.75}
"""Views that hold a blurred trace of the finding itself must be stronger to be suspect."""
CHUNK = 500_000
"""Weights held at a time in the bootstrap."""

Numbers = NDArray[np.int64]


def probe(
    trivia: Mapping[str, Matrix], labels: Sequence[str], groups: Sequence[str], *, seed: int
) -> tuple[Shortcut, ...]:
    """Fit a logistic regression to each piece of trivia and score it on groups it has not seen.

    A piece is **flagged** when the lower bound of its AUROC's 95% interval reaches 0.65: file size, ids,
    table columns and the border hold nothing of the finding, so whatever they predict is the way the data
    were gathered. The 8x8 thumbnail is flagged from 0.75: it is a picture, if one too coarse to show most
    findings. A flag is a warning, never a stop: a thumbnail does show body size, exposure and framing, and
    these may differ with disease for honest reasons.

    Parameters
    ----------
    trivia
        Name to features (n, d).
    labels
        Class of each sample, n.
    groups
        Subject (with its near-duplicates) of each sample, n: never in the fitted and the scored part at once.
    seed
        Of folds and bootstrap.

    Returns
    -------
    tuple of Shortcut
        Strongest first. AUROC over pooled out-of-fold probabilities (5 folds, by group and class; macro
        one-vs-rest above two classes), its interval by percentile bootstrap over groups.

    Raises
    ------
    BadInput
        ``too-few-subjects`` with fewer than two classes, or fewer than 10 groups of one.
    MissingExtra
        Without scikit-learn.
    """
    try:
        import sklearn.linear_model  # noqa: F401  # asked for here, so that the audit can go on without it
    except ImportError:
        raise MissingExtra("scikit-learn", "train", "The shortcut probe") from None
    classes, y = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
    carriers = [
        len({g for g, label in zip(groups, y, strict=True) if label == c}) for c in range(len(classes))
    ]
    if len(classes) < 2 or min(carriers) < LEAST_PER_CLASS:
        raise BadInput(
            f"fewer than two classes with {LEAST_PER_CLASS} subjects each", code="too-few-subjects"
        )
    fold = folds(groups, list(labels), FOLDS, seed)
    weights = _resampled(groups, seed)
    found = []
    for name, features in trivia.items():
        auroc = auroc_interval(_out_of_fold(features, y, fold), y, weights)
        threshold = COARSE_CONTENT.get(name, THRESHOLD)
        found.append(
            Shortcut(
                name=name,
                meaning=meaning(name),
                auroc=auroc,
                threshold=threshold,
                flagged=auroc.lo >= threshold,
            )
        )
    return tuple(sorted(found, key=lambda shortcut: (-shortcut.auroc.value, shortcut.name)))


def _out_of_fold(features: Matrix, y: Numbers, fold: Numbers) -> Matrix:
    """Probabilities (n, classes) of each fold by a model of the others; absent classes get zero."""
    from sklearn.linear_model import LogisticRegression

    scores = np.zeros((len(y), int(y.max()) + 1))
    for number in range(FOLDS):
        held = fold == number
        learned = features[~held]
        centre, spread = learned.mean(axis=0), learned.std(axis=0)
        scale = np.where(spread > 0, spread, 1)
        model = LogisticRegression(C=1.0, max_iter=1000).fit((learned - centre) / scale, y[~held])
        scores[np.ix_(held, model.classes_)] = model.predict_proba((features[held] - centre) / scale)
    return scores


def _resampled(groups: Sequence[str], seed: int) -> NDArray[np.uint8]:
    """How often each sample is drawn (RESAMPLES, n) when groups are drawn with replacement."""
    unique, index = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = np.empty((RESAMPLES, len(unique)), np.uint8)
    for row in counts:
        row[:] = np.bincount(rng.integers(len(unique), size=len(unique)), minlength=len(unique))
    return counts[:, index]


def auroc_interval(scores: Matrix, y: Numbers, weights: NDArray[np.uint8]) -> Estimate:
    """AUROC with its 95% percentile interval.

    Parameters
    ----------
    scores
        Score (n, classes) per class; with two classes only the second counts.
    y
        Class number of each sample, (n,).
    weights
        Times each sample is drawn, (resamples, n).
    """
    ranked = range(1, 2) if scores.shape[1] == 2 else range(scores.shape[1])
    once = np.ones((1, len(y)), np.uint8)
    value = np.mean([_auroc(scores[:, c], y == c, once) for c in ranked])
    drawn = np.mean([_auroc(scores[:, c], y == c, weights) for c in ranked], axis=0)
    lo, hi = np.nanpercentile(drawn, (2.5, 97.5))
    return Estimate(value=float(value), lo=float(lo), hi=float(hi))


def _auroc(score: Matrix, positive: NDArray[np.bool_], weights: NDArray[np.uint8]) -> Matrix:
    """Weighted AUROC (resamples,): the Mann-Whitney statistic, ties counting half."""
    order = np.argsort(score, kind="stable")
    ranked, positive = score[order], positive[order]
    tied = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    result = np.empty(len(weights))
    step = max(1, CHUNK // len(score))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step, order].astype(np.float64)
        ones = np.add.reduceat(drawn * positive, tied, axis=1)
        zeros = np.add.reduceat(drawn * ~positive, tied, axis=1)
        below = np.cumsum(zeros, axis=1) - zeros / 2
        pairs = ones.sum(axis=1) * zeros.sum(axis=1)
        result[start : start + step] = np.where(
            pairs > 0, (ones * below).sum(axis=1) / np.maximum(pairs, 1), np.nan
        )
    return result
