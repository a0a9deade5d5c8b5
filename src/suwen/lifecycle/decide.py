"""From raw logits to a calibrated probability, an interval, a decision and a conformal set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Raw
from suwen.core.prediction import Scores
from suwen.core.task import Task
from suwen.lifecycle.evaluation.calibration import (
    apply_temperature,
    fit_calibration,
    margin,
    probability_interval,
)
from suwen.lifecycle.evaluation.conformal import ALPHA, fit_conformal, held_out_coverage, prediction_set
from suwen.lifecycle.evaluation.operating_point import threshold


def fit_decision(
    logits: NDArray[Any],
    labels: NDArray[np.int64],
    subjects: Sequence[str],
    *,
    positive: int,
    rule: str,
    seed: int,
) -> dict[str, Any]:
    """Fix everything that turns logits into a decision, on validation alone.

    Parameters
    ----------
    logits
        (n, K) validation scores.
    labels, subjects
        Class index and subject of each.
    positive
        Index of the positive class.
    rule
        Of the operating point, e.g. ``sensitivity>=0.95``.
    seed
        Of the bootstrap and the halves of the coverage check.

    Returns
    -------
    dict
        ``calibration``, ``operating_point`` and ``conformal``, as the manifest keeps them.
    """
    calibration = fit_calibration(logits, labels, subjects, seed)
    probabilities = apply_temperature(logits, calibration.temperature)
    coverage = held_out_coverage(probabilities, labels, subjects, seed=seed)
    return {
        "calibration": calibration,
        "operating_point": {"rule": rule, "threshold": threshold(probabilities, labels, positive, rule)},
        "conformal": {
            "alpha": ALPHA,
            "quantile": fit_conformal(probabilities, labels),
            "held_out_coverage": coverage.coverage,
            "held_out_empty": coverage.empty,
        },
    }


def decide(task: Task, manifest: Mapping[str, Any], raw: Raw) -> Scores:
    """Scores of one sample, by what the manifest fixed.

    Parameters
    ----------
    task
        Names the classes.
    manifest
        Of the bundle.
    raw
        The engine's answer; it must not be an abstention.
    """
    classes = task.endpoint.classes
    at = classes.index(task.endpoint.positive)
    temperature = float(manifest["calibration"]["temperature"])
    cut = float(manifest["operating_point"]["threshold"])
    logits = np.atleast_2d(np.asarray(raw.logits, float))
    probabilities = apply_temperature(logits, temperature)
    inside = prediction_set(probabilities, float(manifest["conformal"]["quantile"]))[0]
    low, high = probability_interval(
        float(margin(logits, at, temperature)[0]) * temperature,
        margin(np.asarray(raw.members, float), at, temperature) * temperature,
        temperature,
        float(manifest["calibration"]["temperature_se"]),
    )
    row = probabilities[0]
    if len(classes) == 2:  # noqa: SIM108  (two cases, two lines)
        decision = classes[at] if row[at] >= cut else classes[1 - at]
    else:
        decision = classes[int(row.argmax())]
    return Scores(
        probabilities={name: float(p) for name, p in zip(classes, row, strict=True)},
        positive=task.endpoint.positive,
        interval=(min(low, float(row[at])), max(high, float(row[at]))),
        threshold=cut,
        decision=decision,
        conformal_set=tuple(name for name, held in zip(classes, inside, strict=True) if held),
    )
