"""Honest probabilities: temperature scaling, its uncertainty, and the interval of one probability.

Temperature scaling (Guo et al., ICML 2017) divides the logits by one number fitted on validation. It
changes no ranking and, with two classes, no decision at 0.5. numpy only, because serving uses it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.lifecycle.evaluation.arrays import Floats, Ints, checked_labels, checked_scores, subject_index

LOWEST, HIGHEST = 0.05, 20.0
"""Bounds of the temperature."""

_RESAMPLES = 200
_Z95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted temperature and how sure it is.

    Attributes
    ----------
    temperature
        Divides the logits; above 1 the model was over-confident.
    temperature_se
        Standard error, by bootstrap over subjects.
    estimable
        False where no sample of validation is misranked, so that the likelihood has no maximum; the
        temperature is then left at 1 and its standard error, 0, says nothing.
    n, n_subjects
        What it was fitted on.
    nll_before, nll_after
        Mean negative log-likelihood on the same samples, in nats, at temperature 1 and as fitted.
    """

    temperature: float
    temperature_se: float
    estimable: bool
    n: int
    n_subjects: int
    nll_before: float
    nll_after: float


def apply_temperature(logits: ArrayLike, temperature: float) -> Floats:
    """Calibrated probabilities ``softmax(logits / temperature)``, float64 (n, K), rows sum to one."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    grown = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: Floats = grown / grown.sum(axis=-1, keepdims=True)
    return shares


def margin(logits: ArrayLike, positive: int, temperature: float = 1.0) -> Floats:
    """Log-odds of the positive class after temperature scaling, (n,), exact where softmax saturates."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    others = np.delete(scaled, positive, axis=-1)
    peak = others.max(axis=-1)
    rest = peak + np.log(np.exp(others - peak[..., None]).sum(axis=-1))
    odds: Floats = scaled[..., positive] - rest
    return odds


def nll(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood of the labels, in nats."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    truth = scaled[np.arange(len(scaled)), np.asarray(labels)]
    return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - truth))


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Temperature that minimises the negative log-likelihood of the labels.

    Parameters
    ----------
    logits
        Array (n, K), before calibration.
    labels
        Array (n,) of class indices.

    Returns
    -------
    float
        Between 0.05 and 20. It is 1 where every sample's true class has the largest logit: the
        likelihood then only grows as the temperature falls, and nothing in the data justifies sharpening.

    Raises
    ------
    BadInput
        When the arrays do not fit together.
    """
    scores = checked_scores(logits, "logits")
    truth = checked_labels(labels, *scores.shape)
    return float(_fit(scores, truth, np.ones((1, len(scores))))[0])


def temperatures(logits: ArrayLike, labels: ArrayLike, weights: ArrayLike) -> Floats:
    """Temperature of every resample, (resamples,), of samples that count ``weights`` (resamples, n)."""
    scores = checked_scores(logits, "logits")
    return _fit(scores, checked_labels(labels, *scores.shape), np.asarray(weights, np.float64))


def fit_calibration(
    logits: ArrayLike, labels: ArrayLike, subjects: Sequence[str] | NDArray[Any], seed: int = 0
) -> Calibration:
    """Fit the temperature, with its standard error from 200 bootstrap resamples of the subjects.

    Parameters
    ----------
    logits
        Array (n, K) on validation; for an ensemble, the mean of its members' logits.
    labels
        Array (n,) of class indices.
    subjects
        Whose sample each is, (n,).
    seed
        Of the resamples.

    Raises
    ------
    BadInput
        When the arrays do not fit together.
    """
    scores = checked_scores(logits, "logits")
    truth = checked_labels(labels, *scores.shape)
    subject = subject_index(subjects, len(scores))
    count = int(subject.max()) + 1
    rng = np.random.default_rng(seed)
    draws = rng.integers(count, size=(_RESAMPLES, count))
    times = np.stack([np.bincount(row, minlength=count) for row in draws])
    temperature = float(_fit(scores, truth, np.ones((1, len(scores))))[0])
    resampled = _fit(scores, truth, times[:, subject].astype(np.float64))
    return Calibration(
        temperature=temperature,
        temperature_se=float(resampled.std(ddof=1)),
        estimable=bool((scores.max(axis=1) > scores[np.arange(len(scores)), truth]).any()),
        n=len(scores),
        n_subjects=count,
        nll_before=nll(scores, truth),
        nll_after=nll(scores, truth, temperature),
    )


def probability_interval(
    logit_margin: float, members_margin: ArrayLike, temperature: float, temperature_se: float
) -> tuple[float, float]:
    """95% interval of one calibrated probability, by the delta method on the log-odds scale.

    The calibrated log-odds are ``z = m / T``. Two things are uncertain: the margin ``m``, known by the
    spread ``s`` of equally trained ensemble members (their standard deviation, not that of their mean:
    the members share their data, and their mean is no surer than the data), and the temperature ``T``::

        var(z) = s² / T² + m² se(T)² / T⁴,    interval = sigmoid(z ± 1.96 √var(z))

    Parameters
    ----------
    logit_margin
        Log-odds of the positive class before calibration: its logit minus the other's; with more than two
        classes ``margin(logits, positive, T) * T``.
    members_margin
        The same of each ensemble member, (members,); fewer than two give no spread.
    temperature, temperature_se
        From :func:`fit_calibration`.

    Returns
    -------
    tuple of float
        Low and high, around the calibrated probability.
    """
    members = np.asarray(members_margin, dtype=np.float64).ravel()
    spread = float(members.std(ddof=1)) if members.size > 1 else 0.0
    centre = logit_margin / temperature
    half = _Z95 * math.hypot(spread / temperature, centre * temperature_se / temperature)
    return _probability(centre - half), _probability(centre + half)


def _probability(log_odds: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * log_odds))


def _fit(logits: Floats, labels: Ints, weights: Floats) -> Floats:
    """Temperature of every resample (resamples,) by Newton's method kept inside a shrinking bracket.

    In the inverse temperature b the likelihood is convex: its slope, the weighted sum of (expected - true
    logit), grows with b, so a bracket around its zero always shrinks.
    """
    true = logits[np.arange(len(logits)), labels]
    fitted = np.ones(len(weights))
    rows = np.flatnonzero(weights @ (logits.max(axis=1) > true) > 0)  # elsewhere there is no maximum
    if rows.size == 0:
        return fitted
    weights = weights[rows]
    centre = logits.mean(axis=1)
    centred, own = logits - centre[:, None], true - centre
    low, high = np.full(rows.size, 1 / HIGHEST), np.full(rows.size, 1 / LOWEST)
    b = np.ones(rows.size)
    for _ in range(60):
        share = apply_temperature(b[:, None, None] * centred, 1.0)
        mean = (share * centred).sum(axis=2)
        slope = (weights * (mean - own)).sum(axis=1)
        bend = (weights * ((share * centred**2).sum(axis=2) - mean**2)).sum(axis=1)
        low, high = np.where(slope < 0, b, low), np.where(slope < 0, high, b)
        newton = b - slope / np.maximum(bend, 1e-300)
        moved = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        step = np.abs(moved - b).max()
        b = moved
        if step < 1e-10:
            break
    fitted[rows] = 1 / b
    return fitted
