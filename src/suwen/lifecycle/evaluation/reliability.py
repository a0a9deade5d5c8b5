"""How far the probabilities can be taken at their word: Brier score, ECE and logistic recalibration."""

from __future__ import annotations

import numpy as np

from suwen.lifecycle.evaluation.arrays import Bools, Floats, Ints, log_odds, ratio, sigmoid

BINS = 15
"""Bins of the expected calibration error; they hold equal numbers of samples."""

# Newton converges quadratically: after a step below 1e-5 the error is about 1e-10.
_ITERATIONS, _HALVINGS, _TOLERANCE, _LARGEST_STEP = 60, 30, 1e-5, 4.0


def brier(probability: Floats, truth: Bools, weights: Floats) -> Floats:
    """Mean squared distance of probability and outcome (Brier 1950), (resamples,), 0 to 1."""
    return ratio(weights @ (probability - truth) ** 2, weights.sum(axis=1))


def equal_mass_bins(probability: Floats, weights: Floats, bins: int = BINS) -> Ints:
    """Bin number 0 to ``bins - 1`` of each sample in each resample, (resamples, n).

    A sample's bin follows from the share of weight below the middle of its group of equal
    probabilities, so that bins hold equal mass, ties stay together and the order of samples is
    irrelevant. Bins are drawn anew in each resample, as the metric would be on new data.
    """
    distinct, group = np.unique(probability, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(distinct)))
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(mass, axis=1) - 0.5 * mass
    total = np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
    number = np.minimum((middle / total * bins).astype(np.int64), bins - 1)
    spread: Ints = number[:, group]
    return spread


def ece(probability: Floats, truth: Bools, weights: Floats) -> Floats:
    """Return the expected calibration error over 15 equal-mass bins, (resamples,), 0 to 1.

    The weighted mean over the bins of |mean probability - observed frequency| of the class (Naeini et
    al., AAAI 2015, with bins of equal mass). The estimate is biased upwards: a perfectly calibrated
    model of 600 samples shows about .02 to .04.
    """
    resamples = weights.shape[0]
    cell = (equal_mass_bins(probability, weights) + np.arange(resamples)[:, None] * BINS).ravel()
    excess = (weights * (probability - truth)).ravel()
    gap = np.bincount(cell, excess, minlength=resamples * BINS).reshape(resamples, BINS)
    return ratio(np.abs(gap).sum(axis=1), weights.sum(axis=1))


def calibration_slope(probability: Floats, truth: Bools, weights: Floats) -> Floats:
    """Slope of the logistic recalibration of the outcome on the log-odds of the probability.

    1 is ideal; below 1 the probabilities are too extreme, above 1 too modest (Cox, Biometrika 45:562,
    1958). NaN with one class only, or where the scores part the classes perfectly and no finite slope
    exists.

    Returns
    -------
    numpy.ndarray
        Array (resamples,).
    """
    x = log_odds(probability)
    flat = np.zeros((1, 2))
    start = _recalibrate(x, truth, np.ones((1, len(x))), flat, slope_free=True)
    begin = start if np.isfinite(start).all() else flat
    return _recalibrate(x, truth, weights, np.repeat(begin, len(weights), axis=0), slope_free=True)[:, 1]


def calibration_intercept(probability: Floats, truth: Bools, weights: Floats) -> Floats:
    """Intercept of the logistic recalibration with the slope held at 1 (calibration in the large).

    0 is ideal; below 0 the probabilities are too high on average, above 0 too low, in log-odds (Van
    Calster et al., BMC Medicine 17:230, 2019). NaN with one class only.

    Returns
    -------
    numpy.ndarray
        Array (resamples,).
    """
    begin = np.tile(np.array([0.0, 1.0]), (weights.shape[0], 1))
    return _recalibrate(log_odds(probability), truth, weights, begin, slope_free=False)[:, 0]


def _recalibrate(x: Floats, truth: Bools, weights: Floats, begin: Floats, *, slope_free: bool) -> Floats:
    """Fit logit P(truth) = a + b x in every resample at once by damped Newton steps, (resamples, 2).

    A step that would raise the loss is halved until it does not, without which scores far too extreme
    make Newton's method run away. Rows leave the iteration as they converge. NaN where there is no minimum.
    """
    fitted = np.full(begin.shape, np.nan)
    active = ((weights * truth).sum(axis=1) > 0) & ((weights * ~truth).sum(axis=1) > 0)
    if slope_free:
        active &= ~_separated(x, truth, weights)
    rows = np.flatnonzero(active)
    w, at = weights[rows], begin[rows].copy()
    loss = _loss(x, truth, w, at)
    for _ in range(_ITERATIONS):
        if rows.size == 0:
            break
        step = np.clip(_newton_step(x, truth, w, at, slope_free=slope_free), -_LARGEST_STEP, _LARGEST_STEP)
        after = _loss(x, truth, w, at + step)
        for _ in range(_HALVINGS):
            uphill = np.flatnonzero(after > loss * (1 + 1e-12))
            if uphill.size == 0:
                break
            step[uphill] *= 0.5
            after[uphill] = _loss(x, truth, w[uphill], at[uphill] + step[uphill])
        at, loss = at + step, after
        done = np.abs(step).max(axis=1) < _TOLERANCE
        fitted[rows[done]] = at[done]
        going = ~done & np.isfinite(at).all(axis=1)
        if not going.all():
            rows, w, at, loss = rows[going], w[going], at[going], loss[going]
    return fitted


def _newton_step(x: Floats, truth: Bools, w: Floats, at: Floats, *, slope_free: bool) -> Floats:
    """Newton step of intercept and slope of each row, (rows, 2)."""
    mean = sigmoid(at[:, :1] + at[:, 1:] * x)
    rest, curve = w * (truth - mean), w * mean * (1 - mean)
    g0, h00 = rest.sum(axis=1), curve.sum(axis=1)
    if not slope_free:
        return np.stack([ratio(g0, h00), np.zeros_like(g0)], axis=1)
    g1, h01, h11 = rest @ x, curve @ x, curve @ (x * x)
    det = h00 * h11 - h01 * h01
    return np.stack([ratio(h11 * g0 - h01 * g1, det), ratio(h00 * g1 - h01 * g0, det)], axis=1)


def _loss(x: Floats, truth: Bools, w: Floats, at: Floats) -> Floats:
    """Negative log-likelihood of each row, (rows,)."""
    odds = at[:, :1] + at[:, 1:] * x
    signed = np.where(truth, -odds, odds)
    total: Floats = (w * (np.maximum(signed, 0) + np.log1p(np.exp(-np.abs(signed))))).sum(axis=1)
    return total


def _separated(x: Floats, truth: Bools, weights: Floats) -> Bools:
    """Whether some threshold on ``x`` parts the classes of a resample without error, (resamples,)."""
    present = weights > 0
    low_positive = np.where(present & truth, x, np.inf).min(axis=1)
    high_positive = np.where(present & truth, x, -np.inf).max(axis=1)
    low_negative = np.where(present & ~truth, x, np.inf).min(axis=1)
    high_negative = np.where(present & ~truth, x, -np.inf).max(axis=1)
    return np.asarray((low_positive >= high_negative) | (low_negative >= high_positive))
