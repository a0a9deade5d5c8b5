"""Tables and curves of a report on survival: by time, by group of risk, and who was judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.survival.curves import risk, survival
from suwen.lifecycle.evaluation.arrays import Floats, Ints
from suwen.lifecycle.evaluation.survival_censoring import LEAST, greenwood, kaplan_meier
from suwen.lifecycle.evaluation.survival_concordance import dynamic_auc
from suwen.lifecycle.evaluation.survival_error import brier_parts
from suwen.lifecycle.evaluation.survival_figures import Curves, Judging

GROUPS = 10
THIRDS = 3
QUARTERS = (0.25, 0.5, 0.75)


def by_time(judging: Judging, curves: Curves) -> dict[str, Any]:
    """Discrimination, error and calibration in the large at the quartiles of the event times."""
    alive = survival(curves.log_hazard)
    own = np.maximum(judging.uncensored.at(judging.time, before=True), LEAST)
    once = np.ones((1, len(judging.time)))
    rows = []
    for share in QUARTERS:
        place = min(round(share * len(judging.grid)), len(judging.grid)) - 1
        if place >= judging.last:
            continue
        at = float(judging.grid[place])
        auc = dynamic_auc(curves.log_hazard[:, place], judging.time, judging.event, own, at, once)[0]
        brier = brier_parts(
            alive[:, [place]], judging.grid[[place]], judging.time, judging.event, judging.uncensored
        ).mean()
        seen, low, high = greenwood(judging.time, judging.event, at)
        rows.append(
            [
                f"{at:g}",
                int((judging.time > at).sum()),
                f"{auc:.3f}",
                f"{brier:.3f}",
                f"{1 - alive[:, place].mean():.3f}",
                f"{seen:.3f} ({low:.3f} to {high:.3f})",
            ]
        )
    return {
        "title": "By time",
        "columns": ["Time", "Still at risk", "AUC", "Brier score", "Predicted", "Observed (95% interval)"],
        "rows": rows,
        "note": "At the quartiles of the event times of the data the model learned from, in their unit. Predicted and "
        "observed: probability of the event by then; observed by Kaplan-Meier.",
    }


def groups_of(values: Floats, count: int) -> Ints:
    """Number of each subject's group of equally many by value, (n,); equal values stay together."""
    edges = np.unique(np.quantile(values, np.arange(1, count) / count))
    return np.digitize(values, edges, right=True)


def calibration_points(judging: Judging, curves: Curves) -> dict[str, Any]:
    """Predicted and observed probability of the event by the horizon, in ten groups of predicted risk."""
    place = judging.at_horizon
    predicted = 1 - survival(curves.log_hazard)[:, place]
    group = groups_of(predicted, GROUPS)
    found: dict[str, Any] = {"horizon": float(judging.grid[place])}
    for number in np.unique(group):
        inside = group == number
        seen, low, high = greenwood(judging.time[inside], judging.event[inside], judging.grid[place])
        for key, value in {
            "n": int(inside.sum()),
            "predicted": float(predicted[inside].mean()),
            "observed": seen,
            "lo": low,
            "hi": high,
        }.items():
            found.setdefault(key, []).append(value)
    return found


def by_group(points: dict[str, Any]) -> dict[str, Any]:
    """The calibration points as a table."""
    rows = [
        [n, f"{p:.3f}", f"{o:.3f}" + ("" if np.isnan(lo) else f" ({lo:.3f} to {hi:.3f})")]
        for n, p, o, lo, hi in zip(
            *(points[key] for key in ("n", "predicted", "observed", "lo", "hi")), strict=True
        )
    ]
    return {
        "title": "Calibration by group of risk",
        "columns": ["n", "Predicted", "Observed (95% interval)"],
        "rows": rows,
        "note": f"Probability of the event by time {points['horizon']:g}, the median event time of the data the model "
        "learned from; observed by Kaplan-Meier with Greenwood's interval.",
    }


def thirds(judging: Judging, curves: Curves) -> dict[str, Any]:
    """Mean predicted curve and Kaplan-Meier's of the thirds of least, middle and greatest risk."""
    group = groups_of(risk(curves.log_hazard), THIRDS)
    alive = survival(curves.log_hazard)
    shown = judging.grid[: judging.last]
    found: dict[str, Any] = {"times": [0.0, *shown.tolist()], "groups": []}
    names = ("low", "middle", "high")
    for number in np.unique(group):
        inside = group == number
        seen = kaplan_meier(judging.time[inside], judging.event[inside]).at(shown)
        found["groups"].append(
            {
                "name": names[int(number)],
                "n": int(inside.sum()),
                "predicted": [1.0, *alive[inside][:, : judging.last].mean(0).tolist()],
                "observed": [1.0, *seen.tolist()],
            }
        )
    return found


def errors(judging: Judging, curves: Curves, reference: Floats) -> dict[str, Any]:
    """Brier score over time of the model, and of a curve (G,) that is the same for everybody."""
    shown = judging.grid[: judging.last]
    mine, same = (
        brier_parts(one[:, : judging.last], shown, judging.time, judging.event, judging.uncensored).mean(0)
        for one in (
            survival(curves.log_hazard),
            np.broadcast_to(reference, (len(judging.time), len(reference))),
        )
    )
    return {"times": shown.tolist(), "model": mine.tolist(), "kaplan_meier": same.tolist()}
