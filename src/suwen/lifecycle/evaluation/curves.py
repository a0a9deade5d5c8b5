"""Points of a report's plots, as plain lists of at most 200 points, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suwen.lifecycle.evaluation.arrays import Bools, Context, Floats, Ints
from suwen.lifecycle.evaluation.decisions import confusion, sensitivity, specificity
from suwen.lifecycle.evaluation.ranking import pr_points, roc_points
from suwen.lifecycle.evaluation.reliability import BINS, equal_mass_bins
from suwen.lifecycle.evaluation.risk_coverage import risk_coverage

MOST_POINTS = 200
_HISTOGRAM_BINS = 20
_DIGITS = 6
_Z95 = 1.959963984540054


def all_curves(
    probabilities: Floats,
    labels: Ints,
    context: Context,
    *,
    classes: Sequence[str],
    baselines: Mapping[str, Floats],
    rule: str | None,
) -> dict[str, Any]:
    """Points of every plot.

    With more than two classes ``roc``, ``pr`` and ``reliability`` are those of the positive class against
    the rest.

    Returns
    -------
    dict
        ``operating_point`` (positive class, threshold, rule, and where it lies on the curves), ``roc`` and
        ``pr`` (``model``, and ``baselines`` by name), ``reliability``, ``confusion``, ``risk_coverage``
        and, where there is a quantile, ``conformal``.
    """
    truth = labels == context.positive
    score = probabilities[:, context.positive]
    others = {name: values[:, context.positive] for name, values in baselines.items()}
    answered = risk_coverage(probabilities, labels, context)
    found: dict[str, Any] = {
        "operating_point": {
            "positive": classes[context.positive],
            "threshold": context.threshold,
            "rule": rule,
            "sensitivity": float(sensitivity(probabilities, labels, context)[0]),
            "specificity": float(specificity(probabilities, labels, context)[0]),
        },
        "roc": {
            "model": _roc(score, truth),
            "baselines": {name: _roc(values, truth) for name, values in others.items()},
        },
        "pr": {
            "model": _pr(score, truth),
            "baselines": {name: _pr(values, truth) for name, values in others.items()},
            "prevalence": float(truth.mean()),
        },
        "reliability": reliability_bins(score, truth),
        "confusion": {
            "classes": list(classes),
            "matrix": confusion(probabilities, labels, context)[0].astype(int).tolist(),
        },
        "risk_coverage": {
            "coverage": _thin(answered.coverage),
            "risk": _thin(answered.risk),
            "aurc": answered.aurc,
        },
    }
    if context.conformal_quantile is not None:
        found["conformal"] = {"quantile": context.conformal_quantile}
    return found


def _thin(values: Floats) -> list[float]:
    """At most 200 points at even steps, ends included, rounded to what a plot can show."""
    if len(values) > MOST_POINTS:
        values = values[np.linspace(0, len(values) - 1, MOST_POINTS).round().astype(int)]
    return [round(float(value), _DIGITS) for value in values]


def _roc(score: Floats, truth: Bools) -> dict[str, list[float]]:
    fpr, tpr = roc_points(score, truth)
    return {"fpr": _thin(fpr), "tpr": _thin(tpr)}


def _pr(score: Floats, truth: Bools) -> dict[str, list[float]]:
    recall, precision = pr_points(score, truth)
    return {"recall": _thin(recall), "precision": _thin(precision)}


def wilson(successes: float, n: float) -> tuple[float, float]:
    """95% interval of a proportion (Wilson, JASA 22:209, 1927)."""
    share, z2 = successes / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def reliability_bins(probability: Floats, truth: Bools) -> dict[str, Any]:
    """Mean probability and observed frequency in the ECE's 15 equal-mass bins, and a histogram.

    Returns
    -------
    dict
        ``mean_predicted``, ``observed``, ``lo`` and ``hi`` (Wilson interval), ``count``: one value per
        bin that is not empty; ``histogram``: ``edges`` and the counts of ``positive`` and ``negative``.
    """
    number = equal_mass_bins(probability, np.ones((1, len(probability))), BINS)[0]
    found: dict[str, Any] = {key: [] for key in ("mean_predicted", "observed", "lo", "hi", "count")}
    for index in np.unique(number):
        inside = number == index
        count, positives = int(inside.sum()), int(truth[inside].sum())
        lo, hi = wilson(positives, count)
        found["mean_predicted"].append(round(float(probability[inside].mean()), _DIGITS))
        found["observed"].append(round(positives / count, _DIGITS))
        found["lo"].append(round(lo, _DIGITS))
        found["hi"].append(round(hi, _DIGITS))
        found["count"].append(count)
    edges = np.linspace(0, 1, _HISTOGRAM_BINS + 1)
    found["histogram"] = {
        "edges": [round(float(edge), _DIGITS) for edge in edges],
        "positive": np.histogram(probability[truth], edges)[0].tolist(),
        "negative": np.histogram(probability[~truth], edges)[0].tolist(),
    }
    return found
