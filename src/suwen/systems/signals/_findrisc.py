"""FINDRISC, the Finnish diabetes risk score: eight questions, 0 to 26 points.

Sources: Lindström J, Tuomilehto J. The diabetes risk score: a practical tool to predict type 2 diabetes risk.
Diabetes Care 2003;26:725-731 (age to 64, body mass, waist, activity, vegetables, medication, glucose); and
the form of the Finnish Diabetes Association by the same authors, which adds an age above 64 and the family
and gives the bands of risk. Whoever has diabetes already is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from suwen.core.sample import Sample


@dataclass(frozen=True, kw_only=True)
class Step:
    """Points from a bound on.

    Attributes
    ----------
    bound
        The value, in the variable's unit.
    points
        For values above it, or equal to it where ``included``.
    included
        Whether the bound itself belongs to the step.
    """

    bound: float
    points: int
    included: bool = True


STEPS: Mapping[str, tuple[Step, ...]] = {
    # Form: under 45 0, 45-54 2, 55-64 3, over 64 4; ages in whole years.
    "age": (Step(bound=45, points=2), Step(bound=55, points=3), Step(bound=65, points=4)),
    # Form: lower than 25 0, 25-30 1, higher than 30 3 (kg/m²).
    "bmi": (Step(bound=25, points=1), Step(bound=30, points=3, included=False)),
    # Form: men below 94 0, 94-102 3, above 102 4; women below 80 0, 80-88 3, above 88 4 (cm).
    "waist, male": (Step(bound=94, points=3), Step(bound=102, points=4, included=False)),
    "waist, female": (Step(bound=80, points=3), Step(bound=88, points=4, included=False)),
}
"""The steps of what is measured, lowest first."""

ANSWERS: Mapping[str, Mapping[float, int]] = {
    "active": {1.0: 0, 0.0: 2},
    "vegetables": {1.0: 0, 0.0: 1},
    "bp_medication": {0.0: 0, 1.0: 2},
    "high_glucose": {0.0: 0, 1.0: 5},
    "family": {0.0: 0, 1.0: 3, 2.0: 5},
}
"""Points of each answer: at least 30 minutes of activity a day; vegetables, fruit or berries every day; ever on
medication for high pressure; ever found with high glucose; a relative with diabetes (1 grandparent, aunt, uncle
or first cousin, 2 parent, brother, sister or child)."""

MAXIMUM = 26
BANDS: tuple[tuple[int, str, str], ...] = (
    (0, "low", "1 in 100"),
    (7, "slightly elevated", "1 in 25"),
    (12, "moderate", "1 in 6"),
    (15, "high", "1 in 3"),
    (21, "very high", "1 in 2"),
)
"""Least points, band, and how many of its people the form says develop type 2 diabetes within ten years."""


def points(values: Mapping[str, float]) -> float:
    """Points of one person, 0 to 26.

    Parameters
    ----------
    values
        ``age`` (years), ``sex`` (1 male, 0 female), ``bmi`` (kg/m²), ``waist`` (cm), and the answers named in
        :data:`ANSWERS`.

    Returns
    -------
    float
        NaN where an answer is missing: the form has no points for *unknown*.
    """
    sex = {1.0: "male", 0.0: "female"}.get(values.get("sex", math.nan))
    if sex is None:
        return math.nan
    total = 0
    for name in ("age", "bmi", "waist"):
        value = values.get(name, math.nan)
        if not math.isfinite(value):
            return math.nan
        steps = STEPS[name if name != "waist" else f"waist, {sex}"]
        reached = [s.points for s in steps if value > s.bound or (s.included and value == s.bound)]
        total += reached[-1] if reached else 0
    for name, answers in ANSWERS.items():
        found = answers.get(values.get(name, math.nan))
        if found is None:
            return math.nan
        total += found
    return float(total)


def band(total: float) -> str:
    """Band of risk of so many points."""
    return [name for least, name, _ in BANDS if total >= least][-1]


def findrisc(sample: Sample) -> float:
    """:func:`points` of a sample's row."""
    row = sample.inputs["factors"]
    return points(dict(zip(row.names, row.values.tolist(), strict=True)))
