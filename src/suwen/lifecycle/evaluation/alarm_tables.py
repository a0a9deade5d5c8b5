"""Tables of a report on alarms: what other thresholds would cost, and when before onset the risk rises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suwen.core.engine import Units
from suwen.engines.hourly.utility import Worth
from suwen.lifecycle.evaluation.alarm_burden import burden
from suwen.lifecycle.evaluation.arrays import Floats, Ints

SENSITIVITIES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Shares of positive hours found at the thresholds that are compared."""
HOURS = ((0, 6), (6, 12), (12, 24), (24, 36), (36, 48), (48, 60), (60, float("inf")))
"""Hours of the stay, from and below."""
BEFORE = ((-48, -24), (-24, -12), (-12, -9), (-9, -6), (-6, -3), (-3, 0), (0, 4))
"""Hours after onset, from and below."""


def by_threshold(
    probability: Floats, units: Units, worth: Worth, subject: Ints, refractory_h: float, threshold: float
) -> dict[str, Any]:
    """Utility, onsets announced, lead time and alarm burden at several thresholds, the one in use among them."""
    positive = probability[units.target == 1]
    points = [float(np.quantile(positive, 1 - share)) for share in SENSITIVITIES] if len(positive) else []
    once = np.ones((1, int(subject.max()) + 1))
    rows = []
    for point in sorted({*points, threshold}):
        found = burden(probability >= point, units, worth, subject, refractory_h).figures(once)
        figure = {name: float(values[0]) for name, values in found.items()}
        rows.append(
            [
                f"{point:.4f}{' (in use)' if point == threshold else ''}",
                _text(figure["utility"], "{:.3f}"),
                _text(figure["onset_sensitivity"], "{:.1%}"),
                _text(figure["lead_time"], "{:.0f}"),
                _text(figure["alarms_per_patient_day"], "{:.2f}"),
                _text(figure["false_alarms_per_patient_day"], "{:.2f}"),
                _text(figure["alarm_ppv"], "{:.1%}"),
            ]
        )
    return {
        "title": "Alarm burden by threshold",
        "columns": [
            "Threshold",
            "Utility",
            "Onsets announced",
            "Lead time, h",
            "Alarms per patient-day",
            "False alarms per patient-day",
            "PPV of alarms",
        ],
        "rows": rows,
        "note": f"An alarm silences the next for {refractory_h:g} hours. Announced: an alarm was heard in the 12 hours "
        "before onset. The utility judges every hour, the other columns the alarms that are heard.",
    }


def before_onset(probability: Floats, worth: Worth, threshold: float) -> dict[str, Any]:
    """Risk and share of hours at or above the threshold by time to onset, and in stays without one."""
    rows = []
    spans = [(f"{low} to {high}", (worth.after >= low) & (worth.after < high)) for low, high in BEFORE]
    for title, at in [*spans, ("no onset", np.isnan(worth.after))]:
        p = probability[at]
        if len(p):
            low, middle, high = np.quantile(p, [0.25, 0.5, 0.75])
            share = float((p >= threshold).mean())
            rows.append([title, len(p), f"{middle:.4f} ({low:.4f} to {high:.4f})", f"{share:.1%}"])
        else:
            rows.append([title, 0, "", ""])
    return {
        "title": "Risk by hours before onset",
        "columns": [
            "Hours after onset",
            "Hours judged",
            "Median risk (quartiles)",
            "At or above the threshold",
        ],
        "rows": [
            [str(cell).replace("-", "−") if isinstance(cell, str) else cell for cell in row] for row in rows
        ],
        "note": "Negative is before onset. Hours of stays with an onset are counted by their distance from it.",
    }


def by_hour(
    probability: Floats,
    units: Units,
    worth: Worth,
    threshold: float,
    others: Mapping[str, tuple[Floats, float]],
) -> dict[str, Any]:
    """Where in a stay the utility is won, for the model and its rivals: a shortcut by the hour shows here.

    Parameters
    ----------
    probability, units, worth, threshold
        Of the model.
    others
        Name of each rival to its probabilities (u,) and its threshold.
    """
    whole = float((worth.best - worth.silence).sum())
    rivals = {"Model": (probability, threshold), **others}
    rows = []
    for low, high in HOURS:
        at = (units.hour >= low) & (units.hour < high)
        ill = float(np.isfinite(worth.after[at]).mean()) if at.any() else float("nan")
        gains = [
            float(worth.gain[at & (p >= cut)].sum()) / whole if whole > 0 else float("nan")
            for p, cut in rivals.values()
        ]
        possible = float((worth.best - worth.silence)[at].sum()) / whole if whole > 0 else float("nan")
        title = f"{low} to {high}" if np.isfinite(high) else f"{low} and later"
        figures = [_text(value, "{:.3f}").replace("-", "−") for value in (possible, *gains)]
        rows.append([title, int(at.sum()), _text(ill, "{:.1%}"), *figures])
    return {
        "title": "Utility by hour of the stay",
        "columns": ["Hours", "Hours judged", "Of stays with an onset", "At most", *rivals],
        "rows": rows,
        "note": "Each column adds up to its utility, the column 'At most' to 1. Where most hours late in a stay are of "
        "stays with an onset, the others having been cut off, the hour alone tells much, and that part of the "
        "utility would not be found where stays are recorded to their end.",
    }


def _text(value: float, pattern: str) -> str:
    return pattern.format(value) if np.isfinite(value) else "–"
