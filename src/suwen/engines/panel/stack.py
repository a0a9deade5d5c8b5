"""The ensemble: a weighted mean of the learners' scores, its weights fitted on held-out scores alone.

Weights are not negative, as in stacked regression (Breiman, Machine Learning 24:49, 1996), and drawn
towards equal shares, for held-out scores are few and the learners' errors are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Units
from suwen.engines.panel.criterion import log_softmax

Floats = NDArray[np.float64]
PULL = 0.001
"""Strength of the pull towards equal weights, in units of the loss per unit."""
PULL_EVENTS = 10.0
"""The same for survival, where the loss is per event: as strong as this many events."""
MOST_ROWS = 100_000
"""Rows the weights are fitted on; more do not move them."""


def class_loss(mixed: Floats, units: Units) -> float:
    """Mean negative log-likelihood of the known classes."""
    known = units.target >= 0
    truth = units.target[known]
    return -float(log_softmax(mixed[known])[np.arange(len(truth)), truth].mean())


def value_loss(mixed: Floats, units: Units) -> float:
    """Mean squared error over known futures, in units of their variance."""
    return float(np.nanmean((mixed - units.target) ** 2) / np.nanvar(units.target))


def ranking_loss(mixed: Floats, units: Units) -> float:
    """Negative log partial likelihood per event of the mean hazard over the grid, an event weighing by those at risk.

    The weights are those of Harrell's concordance (:mod:`suwen.engines.survival.risk_sets`); the likelihood of the
    times would rather choose the learner whose baseline is the smoothest, which recalibration puts right anyway.
    """
    from suwen.engines.survival.curves import prognostic_index
    from suwen.engines.survival.risk_sets import RiskSets

    sets = RiskSets.of(units.target[:, 0], units.target[:, 1] == 1, 1.0)
    return -sets.log_likelihood(prognostic_index(mixed)) / max(1.0, float((units.target[:, 1] == 1).sum()))


def loss_of(kind: str) -> Callable[[Floats, Units], float]:
    """The loss that weights minimise, by the endpoint's kind."""
    return {"survival": ranking_loss, "forecast": value_loss}.get(kind, class_loss)


def pull_of(kind: str, units: Units) -> float:
    """Strength of the pull towards equal weights, by the endpoint's kind: events are few, and rankings noisy."""
    if kind != "survival":
        return PULL
    return PULL_EVENTS / max(1.0, float((units.target[:, 1] == 1).sum()))


def fit_weights(
    scores: Sequence[Floats],
    units: Units,
    loss: Callable[[Floats, Units], float],
    *,
    shifted: bool,
    strength: float = PULL,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Weights (m,) of the learners, none negative, and what is added to their sum, (K,).

    Parameters
    ----------
    scores
        Held-out scores (u, K) of each learner.
    units
        Their targets.
    loss
        Of mixed scores.
    shifted
        Whether something may be added: of classes, so that the mean probability is the observed frequency;
        the first class is the reference and keeps 0.
    strength
        Of the pull towards equal weights.
    seed
        Of the rows chosen where there are more than enough.
    """
    from scipy.optimize import minimize

    m, k = len(scores), scores[0].shape[1]
    if len(units) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(units), MOST_ROWS, replace=False))
        units = Units(owner=units.owner[chosen], hour=units.hour[chosen], target=units.target[chosen])
        scores = [one[chosen] for one in scores]
    stacked = np.stack(scores)
    free = k - 1 if shifted else 0

    def objective(p: Floats) -> float:
        added = np.concatenate([[0.0], p[m:], np.zeros(k - 1 - free)])
        pull = strength * float(((p[:m] - 1 / m) ** 2).sum())
        return loss(np.tensordot(p[:m], stacked, 1) + added, units) + pull

    begin = np.concatenate([np.full(m, 1 / m), np.zeros(free)])
    bounds = [(0.0, None)] * m + [(None, None)] * free
    found = np.asarray(minimize(objective, begin, method="L-BFGS-B", bounds=bounds).x, np.float64)
    weights = found[:m] if found[:m].sum() > 0 else np.full(m, 1 / m)
    return weights, np.concatenate([[0.0], found[m:], np.zeros(k - 1 - free)])


def mix(scores: Sequence[Floats], weights: Floats, added: Floats) -> Floats:
    """Weighted sum of scores of equal shape, shifted."""
    out: Floats = np.tensordot(weights, np.stack(scores), 1) + added
    return out
