"""Arrays every statistic here works on, and the checks they pass once, at the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SMALLEST = 1e-9
"""Probabilities are kept this far from 0 and 1 where their log-odds are taken (log-odds within 20.7)."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a metric needs to know besides probabilities and labels.

    Attributes
    ----------
    positive
        Index of the positive class.
    threshold
        Operating point: of two classes the positive is decided at ``probability >= threshold``. More
        than two classes are decided by the largest probability, and the threshold is not used.
    conformal_quantile
        From :func:`~suwen.lifecycle.evaluation.conformal.fit_conformal`; ``None`` leaves the conformal
        metrics out.
    weights
        Array (resamples, n): how often each sample counts, one row per bootstrap resample. ``None``
        counts each once.
    """

    positive: int
    threshold: float = 0.5
    conformal_quantile: float | None = None
    weights: Floats | None = None

    def weights_of(self, n: int) -> Floats:
        """Weights (resamples, n); a single row of ones where none were given."""
        return np.ones((1, n)) if self.weights is None else self.weights


def checked_scores(scores: ArrayLike, what: str = "probabilities") -> Floats:
    """Scores as float64 (n, classes).

    Raises
    ------
    BadInput
        When the shape is not (n, 2 or more) or a value is not finite.
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise BadInput(
            f"{what} must have the shape (samples, classes) with at least one sample and two classes, "
            f"not {array.shape}"
        )
    if not np.isfinite(array).all():
        raise BadInput(
            f"{what} hold {int((~np.isfinite(array)).sum())} values that are not finite",
            fix="Evaluate only samples the model answered for",
        )
    return array


def checked_probabilities(probabilities: ArrayLike) -> Floats:
    """Probabilities as float64 (n, classes); rows must sum to one within 1e-3.

    Raises
    ------
    BadInput
        When they are not probabilities.
    """
    array = checked_scores(probabilities)
    if array.min() < 0 or array.max() > 1 or np.abs(array.sum(axis=1) - 1).max() > 1e-3:
        raise BadInput(
            "probabilities must lie in 0 to 1 and sum to one in each row",
            fix="Turn logits into probabilities with apply_temperature first",
        )
    return array


def checked_labels(labels: ArrayLike, n: int, n_classes: int) -> Ints:
    """Class indices as int64 (n,); an unknown label is not a class and is refused.

    Raises
    ------
    BadInput
        When the number differs from ``n`` or an index is outside 0 to ``n_classes - 1``.
    """
    array = np.asarray(labels)
    if array.shape != (n,):
        raise BadInput(f"labels have the shape {array.shape} beside {n} samples")
    if not np.isin(array, np.arange(n_classes)).all():
        raise BadInput(
            f"labels must be class indices 0 to {n_classes - 1}",
            fix="Keep samples without a label apart: missing is not a class",
        )
    return array.astype(np.int64)


def subject_index(subjects: Sequence[str] | NDArray[Any], n: int) -> Ints:
    """Number 0 to S-1 of each sample's subject, int64 (n,).

    Raises
    ------
    BadInput
        When the number of subjects differs from ``n``.
    """
    names = np.asarray(subjects, dtype=str)
    if names.shape != (n,):
        raise BadInput(f"subjects have the shape {names.shape} beside {n} samples")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def log_odds(probability: ArrayLike) -> Floats:
    """Natural log-odds of probabilities, kept within ±20.7 (see :data:`SMALLEST`)."""
    p = np.clip(np.asarray(probability, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    odds: Floats = np.log(p) - np.log1p(-p)
    return odds


def sigmoid(log_odds_value: Floats) -> Floats:
    """Probability of log-odds, without overflow."""
    half: Floats = 0.5 * (1.0 + np.tanh(0.5 * log_odds_value))
    return half


def ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; NaN, silently, where ``whole`` is zero: an undefined figure is not a number."""
    out = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=out, where=np.asarray(whole) != 0)
    return out
