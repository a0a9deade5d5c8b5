"""Figures of forecasts on the data and on resamples of its subjects, all from one sum per subject.

Every figure is a function of ratios of sums over forecasts, and a resample only counts subjects anew: each
figure costs one product of (resamples, subjects) by (subjects, sums), whatever the number of forecasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.lifecycle.evaluation.arrays import Bools, Floats, Ints, ratio
from suwen.lifecycle.evaluation.bootstrap import RESAMPLES, subject_weights
from suwen.lifecycle.evaluation.forecast_clarke import MG_DL_PER_MMOL_L, clarke_zones

STEP_H = 20 / 60
"""Longer between two forecasts is a gap: it is not watched, and an alarm begins anew behind it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judging:
    """Forecasts to judge, and all that does not depend on the model.

    Attributes
    ----------
    endpoint
        Horizons, limits and unit.
    units
        Origins and the readings that followed.
    last
        Reading at each origin, (u,).
    subject
        Number of each origin's subject, 0 to S-1, (u,).
    """

    endpoint: Forecast
    units: Units
    last: Floats
    subject: Ints

    def of(self, keep: Bools) -> Judging:
        """These origins alone, subjects renumbered."""
        return Judging(
            endpoint=self.endpoint,
            units=Units(
                owner=self.units.owner[keep], hour=self.units.hour[keep], target=self.units.target[keep]
            ),
            last=self.last[keep],
            subject=np.unique(self.subject[keep], return_inverse=True)[1].astype(np.int64),
        )

    @property
    def mg_dl(self) -> float:
        """Factor from the endpoint's unit to mg/dL, for the Clarke grid."""
        return MG_DL_PER_MMOL_L if self.endpoint.unit == "mmol/L" else 1.0

    def watched_days(self) -> Floats:
        """Days each origin stands for, (u,): the time since the one before, gaps left out."""
        step = np.diff(self.units.hour, prepend=0.0)
        return np.where(self._follows(), step, 0.25) / 24

    def starts(self, alarm: Bools) -> Bools:
        """Where an alarm begins: the one before was silent, or there was none within 20 minutes."""
        before = np.concatenate([[False], alarm[:-1]])
        return alarm & ~(before & self._follows())

    def _follows(self) -> Bools:
        same = np.diff(self.units.owner, prepend=-1) == 0
        close = np.diff(self.units.hour, prepend=-np.inf) <= STEP_H + 1e-3
        return np.asarray(same & close)


def unit_suffix(unit: str) -> str:
    """A unit as the end of a metric's name: ``mg/dL`` is ``mg_dl``."""
    return "".join(c if c.isalnum() else "_" for c in unit.lower())


def crossings(values: Floats, thresholds: Mapping[str, float]) -> dict[str, NDArray[np.bool_]]:
    """Which values (u,) are beyond ``low`` and ``high``: of forecasts, where the alarms sound."""
    return {"hypo": values < thresholds["low"], "hyper": values > thresholds["high"]}


Sums = dict[str, tuple[Floats, Floats]]
"""Name to numerators and denominators per origin."""


def sums(
    judging: Judging,
    values: Floats,
    thresholds: Mapping[str, float],
    intervals: Floats | None = None,
) -> Sums:
    """Numerator and denominator of every ratio at every origin, (u,) each.

    Parameters
    ----------
    judging
        What is judged.
    values
        Forecasts (u, H).
    thresholds
        ``low`` and ``high``: beyond them the forecast at the nearest horizon raises an alarm.
    intervals
        Lower and upper bounds (u, H, 2), where the model has them.
    """
    found: Sums = {}
    end, unit = judging.endpoint, unit_suffix(judging.endpoint.unit)
    for k, minutes in enumerate(end.horizons_min):
        truth = judging.units.target[:, k]
        known = ~np.isnan(truth)
        one, y = known.astype(np.float64), np.where(known, truth, 1.0)
        gap = np.where(known, values[:, k] - y, 0.0)
        still = np.where(known, judging.last - y, 0.0)
        zone = clarke_zones(y * judging.mg_dl, values[:, k] * judging.mg_dl)
        at = f"{minutes}min"
        found[f"rmse_{at}_{unit}"] = gap**2, one
        found[f"mae_{at}_{unit}"] = np.abs(gap), one
        found[f"mard_{at}"] = np.abs(gap) / y, one
        found[f"bias_{at}_{unit}"] = gap, one
        found[f"skill_{at}"] = gap**2, still**2
        found[f"clarke_a_{at}"] = one * (zone == 0), one
        found[f"clarke_ab_{at}"] = one * (zone <= 1), one
        if intervals is not None:
            low, high = intervals[:, k, 0], intervals[:, k, 1]
            found[f"coverage_90_{at}"] = one * ((y >= low) & (y <= high)), one
            found[f"interval_width_{at}_{unit}"] = high - low, np.ones(len(y))
        found[f"n_forecasts_{at}"] = one, np.zeros(0)
    return found | _alarms(judging, values[:, 0], thresholds)


def _alarms(judging: Judging, forecast: Floats, thresholds: Mapping[str, float]) -> Sums:
    """Sums of both alarms at the nearest horizon."""
    end = judging.endpoint
    limits = {"low": end.low, "high": end.high}
    truth = judging.units.target[:, 0]
    known = ~np.isnan(truth)
    events = crossings(np.nan_to_num(truth, nan=(end.low + end.high) / 2), limits)
    there = crossings(judging.last, limits)
    days, at = judging.watched_days(), f"{end.horizons_min[0]}min"
    found: Sums = {}
    for name, alarm in crossings(forecast, thresholds).items():
        event, hit = events[name], known & alarm & events[name]
        onset = event & ~there[name]
        found[f"{name}_sensitivity_{at}"] = _floats(hit), _floats(event)
        found[f"{name}_onset_sensitivity_{at}"] = _floats(hit & onset), _floats(onset)
        found[f"{name}_ppv_{at}"] = _floats(hit), _floats(known & alarm)
        found[f"{name}_alarms_per_patient_day_{at}"] = _floats(judging.starts(alarm)), days
        found[f"{name}_prevalence_{at}"] = _floats(event), _floats(known)
    return found


def _floats(flags: Bools) -> Floats:
    return flags.astype(np.float64)


def replicates(found: Sums, subject: Ints, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Floats]:
    """Every figure on the data itself and on every resample of the subjects, (1 + resamples,).

    Two calls with the same subjects and seed use the same resamples.
    """
    count = int(subject.max()) + 1
    columns = [
        np.bincount(subject, part, count) if len(part) else np.zeros(count)
        for pair in found.values()
        for part in pair
    ]
    table = np.stack(columns, 1)
    drawn = [np.ones((1, count)), *subject_weights(np.arange(count), resamples=resamples, seed=seed)]
    totals = np.concatenate([weights @ table for weights in drawn])
    return {
        name: _figure(name, totals[:, 2 * number], totals[:, 2 * number + 1])
        for number, name in enumerate(found)
    }


def _figure(name: str, part: Floats, whole: Floats) -> Floats:
    if name.startswith("n_"):  # a count describes the data, not the model: it has no interval
        return np.repeat(part[:1], len(part))
    share = ratio(part, whole)
    if name.startswith("rmse"):
        return np.asarray(np.sqrt(share))
    return 1 - np.sqrt(share) if name.startswith("skill") else share
