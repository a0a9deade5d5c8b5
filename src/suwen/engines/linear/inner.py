"""Choices made inside a training fold: stratified inner folds and the log-likelihood they are judged by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def inner_folds(labels: Ints, k: int, seed: int) -> Ints:
    """Fold number (n,) of each row, every class dealt out evenly; classes rarer than ``k`` are no error.

    The rows of a table are one per subject, so that no subject is parted.
    """
    rng = np.random.default_rng(seed)
    fold, dealt = np.zeros(len(labels), np.int64), 0
    for name in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == name))
        fold[members] = (dealt + np.arange(len(members))) % k
        dealt += len(members)
    return fold


def parts(labels: Ints, k: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows to learn from and rows held out, for each inner fold that has both."""
    fold = inner_folds(labels, k, seed)
    for number in range(k):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(inside) and len(outside):
            yield inside, outside


def log_softmax(logits: Floats) -> Floats:
    """Log probabilities (n, K) of logits (n, K)."""
    shifted = logits - logits.max(1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return out


def log_loss(logits: Floats, labels: Ints) -> float:
    """Mean negative log-likelihood of the labels under ``softmax(logits)``, in nats."""
    log = log_softmax(logits)
    return -float(log[np.arange(len(labels)), labels].mean())


def smooth_loss(logits: Floats, labels: Ints) -> float:
    """Log loss against targets that leave room for the next sample to be of another class.

    A class of m samples has the target ``(m + 1) / (m + 2)`` on its own, the rest shared among the others
    (Platt, *Advances in Large Margin Classifiers*, 1999, section 2.2, with more than two classes): without
    it, few samples that are all classified rightly would ask for infinitely sure probabilities.
    """
    log = log_softmax(logits)
    classes = logits.shape[1]
    doubt = (1.0 / (np.bincount(labels, minlength=classes) + 2.0))[labels]
    own = log[np.arange(len(labels)), labels]
    others = (log.sum(1) - own) / max(classes - 1, 1)
    return -float(((1 - doubt) * own + doubt * others).mean())


def temperature(logits: Floats, labels: Ints) -> float:
    """Number that the logits are to be divided by, of least :func:`smooth_loss`: one of 81 from 1e-3 to 1e3.

    Scores of a ridge regression or of centroids have an arbitrary scale; this gives them that of log-odds.
    """
    tried = np.geomspace(1e-3, 1e3, 81)
    return float(tried[int(np.argmin([smooth_loss(logits / t, labels) for t in tried]))])
