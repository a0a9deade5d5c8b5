"""Multinomial logistic regression on one number: from points to probabilities. numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RIDGE = 1e-3
"""Pull of the coefficients to 0, per row: keeps points that part the classes wholly from infinite slopes."""
STEPS, STILL = 100, 1e-10


def fit_points(points: Floats, labels: Ints, classes: int) -> Floats:
    """Coefficients (2, classes) by Newton's method: intercept and slope of each class's logit.

    Parameters
    ----------
    points
        Standardised points (n,).
    labels
        Class indices (n,).
    classes
        How many there are; one that does not occur is taken to hold half a row.
    """
    x = np.stack([np.ones_like(points), points], axis=1)
    # Half a row without points for each class: none is impossible because no row of it was seen.
    x = np.concatenate([x, np.tile([1.0, 0.0], (classes, 1))])
    target = np.concatenate([np.eye(classes)[labels], np.eye(classes)])
    weight = np.concatenate([np.ones(len(labels)), np.full(classes, 0.5 / classes)])
    pull = RIDGE * weight.sum()
    beta = np.zeros((2, classes))
    for _ in range(STEPS):
        logits = x @ beta
        share = np.exp(logits - logits.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        slope = x.T @ (weight[:, None] * (share - target)) + pull * beta
        bend = pull * np.eye(2 * classes)
        for a in range(classes):
            for b in range(classes):
                w = weight * share[:, a] * ((a == b) - share[:, b])
                bend[2 * a : 2 * a + 2, 2 * b : 2 * b + 2] += x.T @ (w[:, None] * x)
        step = np.linalg.solve(bend, slope.T.ravel()).reshape(classes, 2).T
        # A full step may overshoot where shares are all but 0 or 1.
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        beta = beta - step
        if float(np.abs(step).max()) < STILL:
            break
    return beta
