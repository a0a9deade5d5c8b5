"""What a learner of hours is taught: the label, or the better of alarm and silence, each hour by what it matters.

Maximising the utility is minimising the weighted error of one classifier, whose class is whether an alarm gains and
whose weight is by how much (Hammoud, Ramakrishnan and Henry, Computing in Cardiology 2019, 'Early Prediction of
Sepsis Using Gradient Boosting Decision Trees with Optimal Sample Weighting'). Its scores are then brought back to
the log-odds of the label by two numbers fitted on hours that the model has not learned from (Platt, Advances in
Large Margin Classifiers, 1999).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Units
from suwen.engines.hourly.utility import worth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_STEPS = 50
_RIDGE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Hours to learn from.

    Attributes
    ----------
    rows
        Which hours, (m,), rising.
    target
        Class of each, (m,), 0 or 1.
    weight
        How much each matters, (m,), more than 0, of mean 1.
    label, share
        Their labels, and how many hours each stands for, (m,).
    """

    rows: Ints
    target: Ints
    weight: Floats
    label: Ints
    share: Floats

    def of(self, chosen: Bools) -> Lesson:
        """The chosen hours of this lesson."""
        return Lesson(
            rows=self.rows[chosen],
            target=self.target[chosen],
            weight=self.weight[chosen],
            label=self.label[chosen],
            share=self.share[chosen],
        )


def lesson(units: Units, *, keep: float, seed: int, by_utility: bool = True) -> Lesson:
    """Choose hours and say what each teaches.

    Parameters
    ----------
    units
        Labelled hours; unknown ones are left out.
    keep
        Share of the hours of stays without an onset that are drawn: neighbouring hours are alike, and so
        few stays have an onset that all their hours are kept.
    seed
        Of the draw.
    by_utility
        Whether hours count by what an alarm changes; otherwise all alike, and the class is the label.
    """
    made = worth(units)
    ill = np.isfinite(made.after)
    drawn = ill | (np.random.default_rng([seed, 11]).random(len(units)) < keep)
    weight = np.abs(made.gain) if by_utility else np.ones(len(units))
    target = (made.gain > 0) if by_utility else (units.target == 1)
    rows = np.flatnonzero((units.target >= 0) & drawn & (weight > 0))
    share = np.where(ill, 1.0, 1.0 / keep)[rows]
    counted = weight[rows] * share
    return Lesson(
        rows=rows,
        target=target[rows].astype(np.int64),
        weight=counted / max(float(counted.mean()), 1e-12),
        label=units.target[rows],
        share=share,
    )


def halves(units: Units, k: int, seed: int) -> Ints:
    """Part (n,) of each stay, 0 to k - 1, stays with and without an onset dealt out evenly."""
    rng = np.random.default_rng([seed, 13])
    count = int(units.owner[-1]) + 1 if len(units) else 0
    ill = np.zeros(count, np.bool_)
    ill[units.owner[units.target == 1]] = True
    part = np.zeros(count, np.int64)
    for kind in (ill, ~ill):
        members = rng.permutation(np.flatnonzero(kind))
        part[members] = np.arange(len(members)) % k
    return part


def platt(score: Floats, label: Ints, weight: Floats) -> tuple[float, float]:
    """Intercept a and slope b of least weighted log loss of ``sigmoid(a + b * score)``; (0, 1) of one class only.

    Newton's method from the prevalence and a slope of 1, each step halved until it does not raise the loss.
    """
    truth = label.astype(np.float64)
    w = weight / weight.sum()
    share = float(w @ truth)
    if not 0 < share < 1:
        return 0.0, 1.0
    at = np.array([np.log(share / (1 - share)) - float(w @ score), 1.0])
    loss = _loss(at, score, truth, w)
    for _ in range(_STEPS):
        p = 0.5 * (1 + np.tanh(0.5 * (at[0] + at[1] * score)))
        rest, curve = w * (truth - p), w * p * (1 - p)
        slope = np.array([rest.sum(), rest @ score])
        bend = np.array([[curve.sum() + _RIDGE, curve @ score], [curve @ score, curve @ score**2 + _RIDGE]])
        step = np.linalg.solve(bend, slope)
        while (after := _loss(at + step, score, truth, w)) > loss + 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2
        at, loss = at + step, after
        if np.abs(step).max() < 1e-8:
            break
    return float(at[0]), float(at[1])


def _loss(at: Floats, score: Floats, truth: Floats, w: Floats) -> float:
    odds = at[0] + at[1] * score
    return float(w @ (np.logaddexp(0.0, odds) - truth * odds))
