"""Penalised multinomial logistic regression, and what it says of classes a fold has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def unseen(classes: int, labels: Ints) -> tuple[Ints, float]:
    """Classes that occur among the labels, and how far below their mean an unseen one's logit lies.

    A class never seen in n rows is taken to be as likely as half a row in n: its logit lies log(2 n) lower.
    """
    return np.flatnonzero(np.bincount(labels, minlength=classes)), float(np.log(2.0 * len(labels)))


def spread_out(weights: Floats, bias: Floats, labels: Ints, classes: int) -> tuple[Floats, Floats]:
    """Weights (t, present) and bias (present,) of the classes seen, with unseen classes put in between."""
    present, below = unseen(classes, labels)
    if len(present) == classes:
        return weights, bias
    all_weights = np.repeat(weights.mean(1, keepdims=True), classes, axis=1)
    all_bias = np.full(classes, bias.mean() - below)
    all_weights[:, present], all_bias[present] = weights, bias
    return all_weights, all_bias


def _span(terms: Floats) -> tuple[Floats, Floats]:
    """Orthonormal basis (t, n) of the rows of (n, t), and the rows in it, (n, n)."""
    basis, upper = np.linalg.qr(terms.T)
    return basis, np.ascontiguousarray(upper.T)


def fit_path(
    terms: Floats,
    labels: Ints,
    classes: int,
    penalties: Sequence[float],
    *,
    l1_ratio: float = 0.0,
    balanced: bool = False,
) -> list[tuple[Floats, Floats]]:
    """Weights (t, classes) and bias (classes,) of least penalised log loss, for each penalty.

    Parameters
    ----------
    terms, labels
        Standardised terms (n, t) and class indices (n,).
    classes
        How many there are, whether or not all occur among the labels.
    penalties
        Strengths of ``penalty / 2 * |weights|²`` beside the *mean* log loss, so that one means the same for
        any number of rows (scikit-learn's ``C`` is ``1 / (penalty * n)``). Strongest first is fastest: each
        begins where the one before ended.
    l1_ratio
        Share of the penalty that is the sum of absolute weights instead: the elastic net.
    balanced
        Whether every class counts alike, however many rows it has.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present, _ = unseen(classes, labels)
    if len(present) == 1:
        return [spread_out(np.zeros((terms.shape[1], 1)), np.zeros(1), labels, classes)] * len(penalties)
    wide = terms.shape[1] > terms.shape[0] and not l1_ratio
    # Weights under a quadratic penalty lie in the span of the rows: with X' = Q R they are Q times those on R'.
    basis, terms = _span(terms) if wide else (None, terms)
    model = LogisticRegression(
        l1_ratio=l1_ratio,
        solver="saga" if l1_ratio else "lbfgs",
        max_iter=1000,
        class_weight="balanced" if balanced else None,
        random_state=0,
        warm_start=True,
    )
    path = []
    for penalty in penalties:
        model.set_params(C=1.0 / (penalty * len(labels)))
        with warnings.catch_warnings():
            # The last digits of weights whose penalty is next to nothing do not matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(terms, labels)
        weights, bias = model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)
        weights = weights if basis is None else basis @ weights
        if len(present) == 2:  # scikit-learn gives the second class's log-odds alone
            weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
            bias = np.concatenate([[0.0], bias])
        path.append(spread_out(weights, bias, labels, classes))
    return path
