"""Risk against coverage: how wrong the answers are when only the surest are given.

Area under the curve after Geifman and El-Yaniv (NeurIPS 2017): the mean, over all coverages k/n, of the
error rate among the k surest samples. Samples that are equally sure count in random order, by expectation,
so that the figure does not depend on the order of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.lifecycle.evaluation.arrays import Context, Floats, Ints, log_odds
from suwen.lifecycle.evaluation.decisions import decide


@dataclass(frozen=True, kw_only=True)
class RiskCoverage:
    """The curve.

    Attributes
    ----------
    coverage
        Array (n,), share of samples answered, ascending to 1.
    risk
        Array (n,), error rate among them.
    aurc
        Mean risk over all coverages, 0 to 1; lower is better.
    """

    coverage: Floats
    risk: Floats
    aurc: float


def confidence(probabilities: Floats, context: Context) -> Floats:
    """How sure each decision is, (n,): distance in log-odds from the operating point, or the top probability.

    With two classes a sample at the operating point is the least sure, wherever that lies.
    """
    if probabilities.shape[1] == 2:
        return np.abs(log_odds(probabilities[:, context.positive]) - log_odds(context.threshold))
    top: Floats = probabilities.max(axis=1)
    return top


def risk_coverage(probabilities: Floats, labels: Ints, context: Context) -> RiskCoverage:
    """Risk-coverage curve of the decisions, surest first.

    Parameters
    ----------
    probabilities
        Array (n, K) of calibrated probabilities.
    labels
        Array (n,) of class indices.
    context
        Positive class and operating point.
    """
    wrong = (decide(probabilities, context) != labels).astype(np.float64)
    _, group = np.unique(-confidence(probabilities, context), return_inverse=True)
    size = np.bincount(group)
    shared = np.bincount(group, wrong) / size
    expected = np.repeat(shared, size)
    answered = np.arange(1, len(labels) + 1)
    risk = np.cumsum(expected) / answered
    return RiskCoverage(coverage=answered / len(labels), risk=risk, aurc=float(risk.mean()))
