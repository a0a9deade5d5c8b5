"""What the model is worth when a sensor is missing: the decisive figure with each variable group withheld."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from suwen.lifecycle.evaluation.arrays import Floats
from suwen.lifecycle.evaluation.bootstrap import estimate

Scores = Any
"""What the caller's ``measure`` takes: probabilities, forecasts or hazards of every unit."""


def each(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Groups of one variable each."""
    return {name: (name,) for name in names}


def stress_table(
    scores_without: Callable[[Sequence[str]], Scores],
    measure: Callable[[Scores], Floats],
    groups: Mapping[str, Sequence[str]],
    *,
    metric: str,
    direction: str = "higher",
    digits: int = 3,
) -> dict[str, Any]:
    """Judge the model anew with each group of variables absent from the same samples.

    Parameters
    ----------
    scores_without
        The served model on the judged samples, these variables taken out of every one of them; called once
        with none and once per group.
    measure
        Scores to the figure and its replicates, (1 + resamples,), the figure first, on the same resamples
        each time (:func:`suwen.lifecycle.evaluation.bootstrap.replicates` gives such). An array of one
        has no interval.
    groups
        What fails together (a line, a laboratory): its name to its variables.
    metric
        Title of the figure.
    direction
        ``higher`` or ``lower``: which way is better; the worst loss comes first.
    digits
        Shown after the point.

    Returns
    -------
    dict
        A table as ``report.curves["tables"]`` holds them; the first row is the model with everything.
    """
    whole = np.atleast_1d(np.asarray(measure(scores_without(())), dtype=np.float64))
    found = []
    for name, variables in groups.items():
        values = np.atleast_1d(np.asarray(measure(scores_without(tuple(variables))), dtype=np.float64))
        found.append((name, len(variables), values, values - whole))
    sign = 1 if direction == "higher" else -1
    found.sort(key=lambda one: (np.isnan(one[3][0]), sign * one[3][0]))
    rows = [["nothing", 0, _said(whole, digits), ""]]
    rows += [
        [name, count, _said(values, digits), _said(change, digits, sign=True)]
        for name, count, values, change in found
    ]
    return {
        "title": "When a sensor is missing",
        "columns": ["Missing", "Variables", metric, "Change"],
        "rows": rows,
        "note": "The same samples with these variables taken out of each, at the same model; 95% intervals by "
        "bootstrap over subjects, changes on the same resamples. The largest loss comes first.",
    }


def _said(values: Floats, digits: int, *, sign: bool = False) -> str:
    if np.isnan(values[0]):
        return "undefined"
    one = estimate(values)
    value, lo, hi = (
        f"{x:{'+' if sign else ''}.{digits}f}".replace("-", "−") for x in (one.value, one.lo, one.hi)
    )
    return value if np.isnan(one.lo) else f"{value} ({lo} to {hi})"
