"""Points of a forecast's plots: the Clarke grid, alarms at every threshold, coverage by range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suwen.lifecycle.evaluation.arrays import Bools, Floats
from suwen.lifecycle.evaluation.forecast_clarke import ZONES, clarke_zones
from suwen.lifecycle.evaluation.forecast_figures import Judging, crossings

MOST_PAIRS = 1500
"""Pairs drawn into the grid; the shares beside them count all."""
MOST_POINTS = 100


def clarke_points(judging: Judging, values: Floats, *, seed: int) -> dict[str, Any]:
    """Pairs of reading and forecast in mg/dL, by horizon: a random part of them, and the share of each zone."""
    found = {}
    for k, minutes in enumerate(judging.endpoint.horizons_min):
        truth = judging.units.target[:, k]
        known = np.flatnonzero(~np.isnan(truth))
        x, y = truth[known] * judging.mg_dl, values[known, k] * judging.mg_dl
        zone = clarke_zones(x, y)
        chosen = np.random.default_rng(seed).permutation(len(known))[:MOST_PAIRS]
        found[f"{minutes}min"] = {
            "reference": np.round(x[chosen], 1).tolist(),
            "forecast": np.round(y[chosen], 1).tolist(),
            "zone": [ZONES[number] for number in zone[chosen]],
            "shares": {name: float((zone == number).mean()) for number, name in enumerate(ZONES)},
        }
    return found


def alarm_curves(
    judging: Judging, forecasts: Mapping[str, Floats], thresholds: Mapping[str, float]
) -> dict[str, Any]:
    """Sensitivity and PPV of both alarms at every threshold on the nearest forecast, by model.

    Returns
    -------
    dict
        ``hypo`` and ``hyper``: model name to ``sensitivity`` and ``ppv`` (lists), and ``point``: where the
        deployed model's threshold lies; an alarm of which there was no event is left out.
    """
    end, truth = judging.endpoint, judging.units.target[:, 0]
    known = ~np.isnan(truth)
    events = crossings(truth[known], {"low": end.low, "high": end.high})
    found: dict[str, Any] = {}
    for name, sign in (("hypo", -1.0), ("hyper", 1.0)):
        event = events[name]
        if not event.any():
            continue
        lines = {who: _line(sign * given[known, 0], event) for who, given in forecasts.items()}
        alarm = crossings(forecasts["model"][known, 0], thresholds)[name]
        hits = int((alarm & event).sum())
        found[name] = {
            "lines": lines,
            "point": {
                "sensitivity": hits / int(event.sum()),
                "ppv": hits / int(alarm.sum()) if alarm.any() else None,
            },
        }
    return found


def _line(score: Floats, event: Bools) -> dict[str, list[float]]:
    """Sensitivity and PPV where thresholds fall on about a hundred even steps of sensitivity."""
    order = np.argsort(-score, kind="stable")
    ordered, hits = score[order], np.cumsum(event[order])
    last = np.append(np.diff(ordered) != 0, True)  # equal scores are decided together
    sensitivity, ppv = (hits / hits[-1])[last], (hits / np.arange(1, len(hits) + 1))[last]
    at = np.unique(np.searchsorted(sensitivity, np.linspace(0.02, 1.0, MOST_POINTS) - 1e-12))
    at = at[at < len(sensitivity)]
    return {
        "sensitivity": np.round(sensitivity[at], 4).tolist(),
        "ppv": np.round(ppv[at], 4).tolist(),
    }


def coverage_by_range(judging: Judging, values: Floats, intervals: Floats) -> dict[str, Any]:
    """Coverage and mean width of the intervals where the forecast is low, within the limits, and high."""
    end = judging.endpoint
    found: dict[str, Any] = {"ranges": ["low", "within", "high"], "unit": end.unit}
    for k, minutes in enumerate(end.horizons_min):
        truth, forecast = judging.units.target[:, k], values[:, k]
        known = ~np.isnan(truth)
        inside = (truth >= intervals[:, k, 0]) & (truth <= intervals[:, k, 1])
        width = intervals[:, k, 1] - intervals[:, k, 0]
        masks = (forecast < end.low, (forecast >= end.low) & (forecast <= end.high), forecast > end.high)
        some = [known & mask for mask in masks]
        found[f"{minutes}min"] = {
            "n": [int(mask.sum()) for mask in some],
            "coverage": [float(inside[mask].mean()) if mask.any() else None for mask in some],
            "width": [float(width[mask].mean()) if mask.any() else None for mask in some],
        }
    return found
