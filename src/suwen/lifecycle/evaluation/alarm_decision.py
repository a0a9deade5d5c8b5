"""What turns hourly scores into alarms, fixed on held-out hours alone: temperature, threshold, conformal quantile."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.engines.hourly.utility import best_threshold, worth
from suwen.lifecycle.evaluation.alarm_digest import digest, draws
from suwen.lifecycle.evaluation.arrays import Bools, Floats, log_odds, subject_index
from suwen.lifecycle.evaluation.calibration import (
    Calibration,
    apply_temperature,
    fit_temperature,
    nll,
    temperatures,
)
from suwen.lifecycle.evaluation.conformal import ALPHA, fit_conformal, held_out_coverage
from suwen.lifecycle.evaluation.operating_point import threshold

RULE = "utility"
"""The threshold of greatest utility."""

_RESAMPLES = 200


def operating_point(probabilities: Floats, units: Units, known: Bools, rule: str) -> float:
    """Threshold on the positive class's probability, by ``utility`` or a rule of classes.

    Parameters
    ----------
    probabilities
        Array (u, 2).
    units
        Their hours.
    known
        Which of them have a label, (u,).
    rule
        ``utility``, or one of :mod:`suwen.lifecycle.evaluation.operating_point` over hours.

    Raises
    ------
    BadInput
        ``no-onset`` when no stay has one.
    """
    if rule.strip().lower() != RULE:
        return threshold(probabilities[known], units.target[known], 1, rule)
    if not (units.target == 1).any():
        raise BadInput(
            "the utility of an alarm needs stays with an onset, and there is none",
            fix="Choose a larger validation part or another rule",
            code="no-onset",
        )
    return best_threshold(probabilities[:, 1], worth(units))


def fit_calibration(logits: Floats, units: Units, subjects: Any, *, seed: int) -> Calibration:
    """Temperature of the labelled hours, its standard error by resampling subjects.

    The standard error is computed on cells of hours: see :mod:`.alarm_digest`.
    """
    truth, subject = units.target, subject_index(subjects, len(units))
    margin = logits[:, 1] - logits[:, 0]
    # Cells are made over probabilities, so that their numbers stay between 0 and 1.
    cells = digest(apply_temperature(logits, 1.0)[:, 1], truth == 1, subject)
    pseudo = np.stack([np.zeros(len(cells.labels)), np.tile(log_odds(cells.value), 2)], axis=1)
    times = draws(cells.positive.shape[0], resamples=_RESAMPLES, seed=seed)[1:]
    spread = temperatures(pseudo, cells.labels, cells.weights(times))
    temperature = fit_temperature(logits, truth)
    return Calibration(
        temperature=temperature,
        temperature_se=float(spread.std(ddof=1)),
        estimable=bool(((margin > 0) != (truth == 1)).any()),
        n=len(units),
        n_subjects=cells.positive.shape[0],
        nll_before=nll(logits, truth),
        nll_after=nll(logits, truth, temperature),
    )


def fit_decision(logits: Floats, units: Units, subjects: Any, *, rule: str, seed: int) -> dict[str, Any]:
    """Everything that turns scores into an answer.

    Parameters
    ----------
    logits
        Held-out scores, (u, 2).
    units
        Their hours.
    subjects
        Whose hour each is, (u,).
    rule
        Of the operating point.
    seed
        Of the resamples and halves.

    Returns
    -------
    dict
        ``calibration``, ``operating_point`` and ``conformal``, as the manifest keeps them.
    """
    known = units.target >= 0
    labelled = Units(owner=units.owner[known], hour=units.hour[known], target=units.target[known])
    names = np.asarray(subjects)[known]
    calibration = fit_calibration(logits[known], labelled, names, seed=seed)
    probabilities = apply_temperature(logits, calibration.temperature)
    coverage = held_out_coverage(probabilities[known], labelled.target, names, seed=seed)
    return {
        "calibration": calibration,
        "operating_point": {"rule": rule, "threshold": operating_point(probabilities, units, known, rule)},
        "conformal": {
            "alpha": ALPHA,
            "quantile": fit_conformal(probabilities[known], labelled.target),
            "held_out_coverage": coverage.coverage,
            "held_out_empty": coverage.empty,
        },
    }
