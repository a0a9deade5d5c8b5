"""Tables of a forecast's report: by horizon, by the reading's range, by grid zone, and how subjects differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suwen.core.endpoint import Forecast
from suwen.core.report import Estimate
from suwen.lifecycle.evaluation.arrays import Floats, Ints, ratio
from suwen.lifecycle.evaluation.forecast_clarke import ZONES, clarke_zones
from suwen.lifecycle.evaluation.forecast_figures import Judging, unit_suffix

LEAST = 20
"""A range with fewer readings has no figures of its own."""
MEANING = {
    "A": "clinically the same",
    "B": "another action, without harm",
    "C": "correcting what needs no correction",
    "D": "failing to see a low or high value",
    "E": "treating the opposite",
}


def by_horizon(
    endpoint: Forecast, metrics: Mapping[str, Estimate], baselines: Mapping[str, Mapping[str, Estimate]]
) -> dict[str, Any]:
    """RMSE and MARD of the model and everyone beside it at every horizon."""
    unit = unit_suffix(endpoint.unit)
    rows = []
    for name, figures in {"model": metrics, **baselines}.items():
        cells = []
        for minutes in endpoint.horizons_min:
            one = figures[f"rmse_{minutes}min_{unit}"]
            cells += [_between(one, "{:.2f}"), f"{figures[f'mard_{minutes}min'].value:.1%}"]
        rows.append([name, *cells])
    heads = [
        f"{what}, {minutes} min"
        for minutes in endpoint.horizons_min
        for what in (f"RMSE, {endpoint.unit}", "MARD")
    ]
    return {
        "title": "By horizon",
        "columns": ["Forecast by", *heads],
        "rows": rows,
        "note": "95% intervals by subject. persistence forecasts the last reading, linear a straight line "
        "through the last two.",
    }


def by_range(judging: Judging, values: Floats, intervals: Floats) -> dict[str, Any]:
    """Errors and coverage by the range of the reading that followed."""
    end = judging.endpoint
    rows = []
    for k, minutes in enumerate(end.horizons_min):
        truth = judging.units.target[:, k]
        gap = values[:, k] - truth
        inside = (truth >= intervals[:, k, 0]) & (truth <= intervals[:, k, 1])
        for name, mask in (
            (f"below {end.low:g}", truth < end.low),
            (f"{end.low:g} to {end.high:g}", (truth >= end.low) & (truth <= end.high)),
            (f"above {end.high:g}", truth > end.high),
        ):
            n = int(mask.sum())
            figures: list[Any] = [None] * 4
            if n >= LEAST:
                figures = [
                    f"{np.sqrt((gap[mask] ** 2).mean()):.1f}",
                    f"{gap[mask].mean():+.1f}",
                    f"{(np.abs(gap[mask]) / truth[mask]).mean():.1%}",
                    f"{inside[mask].mean():.1%}",
                ]
            rows.append([f"{minutes} min, reading {name}", n, *figures])
    return {
        "title": "By range of the reading",
        "columns": [
            "Horizon and range",
            "Forecasts",
            f"RMSE, {end.unit}",
            f"Bias, {end.unit}",
            "MARD",
            "Inside the 90% interval",
        ],
        "rows": rows,
        "note": "Grouped by what came, which nobody knows when a forecast is made: extreme readings are partly "
        "those that were forecast badly. Intervals promise 90% by range of the forecast, not of the reading.",
    }


def zone_table(judging: Judging, values: Floats) -> dict[str, Any]:
    """Number and share of forecasts in each zone of the Clarke grid."""
    counts = []
    for k in range(len(judging.endpoint.horizons_min)):
        truth = judging.units.target[:, k]
        known = ~np.isnan(truth)
        zone = clarke_zones(truth[known] * judging.mg_dl, values[known, k] * judging.mg_dl)
        counts.append(np.bincount(zone, minlength=len(ZONES)))
    rows = [
        [f"{name}: {MEANING[name]}"]
        + [f"{count[number]} ({count[number] / max(count.sum(), 1):.2%})" for count in counts]
        for number, name in enumerate(ZONES)
    ]
    return {
        "title": "Clarke error grid",
        "columns": ["Zone", *(f"{minutes} min" for minutes in judging.endpoint.horizons_min)],
        "rows": rows,
        "note": "Clarke et al., Diabetes Care 10:622, 1987: what acting on the forecast as if it were the "
        "reading would have meant.",
    }


def over_subjects(judging: Judging, values: Floats, intervals: Floats) -> dict[str, Any]:
    """How RMSE, skill and coverage differ between subjects: quantiles over them."""
    end, subject = judging.endpoint, judging.subject
    count = int(subject.max()) + 1
    rows = []
    for k, minutes in enumerate(end.horizons_min):
        truth = judging.units.target[:, k]
        known = ~np.isnan(truth)
        own = subject[known]
        inside = (truth >= intervals[:, k, 0]) & (truth <= intervals[:, k, 1])

        def total(of: Floats, own: Ints = own) -> Floats:
            return np.asarray(np.bincount(own, of, count), np.float64)

        n = total(np.ones(len(own)))
        error = total((values[known, k] - truth[known]) ** 2)
        still = total((judging.last[known] - truth[known]) ** 2)
        rmse, skill = np.sqrt(ratio(error, n)), 1 - np.sqrt(ratio(error, still))
        coverage = ratio(total(inside[known].astype(np.float64)), n)
        for name, figures, form in (
            (f"RMSE, {end.unit}", rmse, "{:.1f}"),
            ("Skill against persistence", skill, "{:.1%}"),
            ("Coverage of the 90% interval", coverage, "{:.1%}"),
        ):
            quantiles = np.nanquantile(figures, [0.1, 0.25, 0.5, 0.75, 0.9])
            rows.append([f"{minutes} min: {name}", *(form.format(one) for one in quantiles)])
    return {
        "title": "How subjects differ",
        "columns": ["Figure of a subject", "10%", "25%", "Median", "75%", "90%"],
        "rows": rows,
        "note": f"Quantiles over {count} subjects.",
    }


def _between(one: Estimate, form: str) -> str:
    return f"{form.format(one.value)} ({form.format(one.lo)} to {form.format(one.hi)})"
