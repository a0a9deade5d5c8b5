"""By what the winner is chosen: one figure per learner, out-of-fold, higher is better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Units
from suwen.core.errors import UnknownSetting, nearest

Floats = NDArray[np.float64]


def log_softmax(logits: Floats) -> Floats:
    """Log probabilities (u, K) of logits (u, K)."""
    shifted = logits - logits.max(1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return out


def log_likelihood(scores: Floats, units: Units) -> float:
    """Mean log-likelihood of the known classes, in nats, at the best of a few temperatures."""
    known = units.target >= 0
    at, truth = scores[known], units.target[known]
    return max(
        float(log_softmax(at / t)[np.arange(len(truth)), truth].mean()) for t in np.geomspace(0.25, 4.0, 17)
    )


def auroc(scores: Floats, units: Units) -> float:
    """Area under the ROC curve of class 1 by ranks (ties count half); log-likelihood with more classes."""
    if scores.shape[1] != 2:
        return log_likelihood(scores, units)
    known = units.target >= 0
    margin, truth = (scores[:, 1] - scores[:, 0])[known], units.target[known] == 1
    _, inverse, counts = np.unique(margin, return_inverse=True, return_counts=True)
    rank = (counts.cumsum() - (counts - 1) / 2)[inverse]
    positives = int(truth.sum())
    negatives = len(truth) - positives
    return float((rank[truth].sum() - positives * (positives + 1) / 2) / max(positives * negatives, 1))


def balanced_accuracy(scores: Floats, units: Units) -> float:
    """Mean recall over the known classes; its ties are broken by a trace of log-likelihood."""
    decided = scores.argmax(1)
    present = np.unique(units.target[units.target >= 0])
    recalls = [float((decided[units.target == k] == k).mean()) for k in present]
    return float(np.mean(recalls)) + 1e-3 * log_likelihood(scores, units)


def minus_rmse(scores: Floats, units: Units) -> float:
    """Negative root mean squared error of the nearest horizon, over known futures."""
    gap = (scores - units.target)[:, 0]
    return -float(np.sqrt(np.nanmean(gap**2)))


def c_index(scores: Floats, units: Units, *, block: int = 512) -> float:
    """Harrell's concordance of the mean probability of the event over the grid, ties half."""
    from suwen.engines.survival.curves import risk as mean_risk

    risk = mean_risk(scores)
    time, event = units.target[:, 0], units.target[:, 1] == 1
    right = whole = 0.0
    for start in range(0, len(risk), block):
        i = np.flatnonzero(event[start : start + block]) + start
        later = (time[None] > time[i, None]) | ((time[None] == time[i, None]) & ~event[None])
        right += float((later & (risk[i, None] > risk[None])).sum())
        right += 0.5 * float((later & (risk[i, None] == risk[None])).sum())
        whole += float(later.sum())
    return right / max(whole, 1.0)


def utility(scores: Floats, units: Units) -> float:
    """Normalised utility of hourly alarms at their best threshold; a trace of log-likelihood breaks ties."""
    from suwen.engines.hourly.utility import best_threshold, score, worth

    margin, made = scores[:, 1] - scores[:, 0], worth(units)
    found = score(margin >= best_threshold(margin, made), made)
    return found + 1e-3 * log_likelihood(scores, units)


CRITERIA: dict[str, Callable[[Floats, Units], float]] = {
    "auroc": auroc,
    "balanced_accuracy": balanced_accuracy,
    "log_likelihood": log_likelihood,
    "c_index": c_index,
    "rmse": minus_rmse,
    "utility": utility,
}


def criterion(name: str) -> Callable[[Floats, Units], float]:
    """The criterion of that name.

    Raises
    ------
    UnknownSetting
        Naming the nearest.
    """
    if name not in CRITERIA:
        raise UnknownSetting(f"there is no criterion '{name}'", where="decisive", fix=nearest(name, CRITERIA))
    return CRITERIA[name]
