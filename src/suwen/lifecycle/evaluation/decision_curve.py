"""Decision curves: whether deciding by the model is better than treating everyone, or no one.

Net benefit at a threshold probability t (Vickers and Elkin, Medical Decision Making 26:565, 2006)::

    net benefit = TP / n - FP / n * t / (1 - t)

Whoever treats at a risk of t or more holds one missed case to be as bad as (1 - t) / t needless treatments.
One unit is one true positive per subject judged, with no false positives; treating no one has 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.lifecycle.evaluation.arrays import Bools, Floats, subject_index
from suwen.lifecycle.evaluation.bootstrap import RESAMPLES, subject_weights

THRESHOLDS = np.arange(1, 61) / 100
"""Risks at which somebody might treat: 1% to 60%."""

TABLE_AT = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Thresholds shown in figures."""

_DIGITS = 6


def net_benefit(score: Floats, truth: Bools, weights: Floats, thresholds: Floats = THRESHOLDS) -> Floats:
    """Net benefit of treating at ``score >= threshold``, (resamples, thresholds).

    Parameters
    ----------
    score
        Array (n,) of calibrated probabilities of the positive class.
    truth
        Array (n,), whether a sample is positive.
    weights
        Array (resamples, n), how often each sample counts.
    thresholds
        Array (t,), above 0 and below 1.
    """
    treated = score[:, None] >= thresholds
    odds = thresholds / (1 - thresholds)
    gain = treated * np.where(truth[:, None], 1.0, -odds)
    benefit: Floats = weights @ gain / weights.sum(axis=1, keepdims=True)
    return benefit


def decision_curve(
    score: Floats,
    truth: Bools,
    subjects: Sequence[str] | NDArray[Any],
    baselines: Mapping[str, Floats],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Net benefit of the model, its baselines, treating all and treating none, 1% to 60%.

    Parameters
    ----------
    score, truth
        As for :func:`net_benefit`.
    subjects
        Whose sample each is, (n,); the model's 95% interval resamples them.
    baselines
        Name to their probabilities (n,).
    resamples, seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``threshold``; ``model`` with ``lo`` and ``hi``; ``treat_all``; ``treat_none``; ``baselines`` by name;
        ``over_default`` with ``value``, ``lo`` and ``hi``: the model minus the better of all and none.
    """
    once = np.ones((1, len(score)))
    everyone = np.ones(len(score))
    model = net_benefit(score, truth, once)[0]
    whole = net_benefit(everyone, truth, once)[0]
    drawn, over = [], []
    for weights in subject_weights(subject_index(subjects, len(score)), resamples=resamples, seed=seed):
        drawn.append(net_benefit(score, truth, weights))
        over.append(drawn[-1] - np.maximum(net_benefit(everyone, truth, weights), 0.0))
    ends = np.percentile(np.concatenate(drawn), [2.5, 97.5], axis=0)
    gained = np.percentile(np.concatenate(over), [2.5, 97.5], axis=0)
    return {
        "threshold": _rounded(THRESHOLDS),
        "model": _rounded(model),
        "lo": _rounded(ends[0]),
        "hi": _rounded(ends[1]),
        "treat_all": _rounded(whole),
        "treat_none": [0.0] * len(THRESHOLDS),
        "baselines": {name: _rounded(net_benefit(p, truth, once)[0]) for name, p in baselines.items()},
        "over_default": {
            "value": _rounded(model - np.maximum(whole, 0.0)),
            "lo": _rounded(gained[0]),
            "hi": _rounded(gained[1]),
        },
    }


def table(curve: Mapping[str, Any]) -> dict[str, Any]:
    """The curve at a few thresholds, as the report's page shows it."""
    rows = []
    for wanted in TABLE_AT:
        at, gain = curve["threshold"].index(wanted), curve["over_default"]
        row = [
            f"{wanted:.0%}",
            f"{curve['model'][at]:.4f} ({curve['lo'][at]:.4f} to {curve['hi'][at]:.4f})",
            f"{curve['treat_all'][at]:.4f}",
            f"{gain['value'][at]:+.4f} ({gain['lo'][at]:+.4f} to {gain['hi'][at]:+.4f})",
            f"{100 * gain['value'][at]:+.1f}",
        ]
        rows.append([value.replace("-", "−") for value in row])
    return {
        "title": "Net benefit",
        "columns": [
            "Treat from a risk of",
            "Model",
            "Treat all",
            "Model minus the better of all and none",
            "More true positives per 100, at no more false ones",
        ],
        "rows": rows,
        "note": "Vickers and Elkin 2006. Treating no one has a net benefit of 0. Where the interval of the "
        "difference holds 0 or less, the model has not been shown to help at that threshold.",
    }


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]
