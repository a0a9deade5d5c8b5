"""The judge of forecasts: values with 90% intervals at every horizon, and alarms ahead of low and high ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suwen.core.endpoint import Forecast
from suwen.core.engine import Fitted, Raw, Units
from suwen.core.errors import BadInput
from suwen.core.prediction import Outlook, Output
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.core.target import FutureValues
from suwen.core.task import Task
from suwen.engines.forecast.units import forecast_units, last_values
from suwen.lifecycle.evaluation.arrays import subject_index
from suwen.lifecycle.evaluation.conformal import ALPHA
from suwen.lifecycle.evaluation.forecast_alarms import alarm_thresholds, check_rule
from suwen.lifecycle.evaluation.forecast_coverage import held_out_coverage
from suwen.lifecycle.evaluation.forecast_figures import Judging
from suwen.lifecycle.evaluation.forecast_intervals import fit_intervals, read_intervals
from suwen.lifecycle.evaluation.forecast_report import build_report
from suwen.lifecycle.judges import Judged
from suwen.lifecycle.judges.classes import columns

LEAST_FORECASTS = 200
"""Fewer forecasts that a reading followed leave nothing for 90% intervals by range."""


class ForecastJudge:
    """See :class:`suwen.lifecycle.judges.Judge`."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Refuse what is no trace, and traces too short to learn from (``not-a-trace``, ``too-few-forecasts``)."""
        if not all(isinstance(sample.target, FutureValues) for sample in samples):
            raise BadInput("a forecast is learned from traces, whose future is their own", code="not-a-trace")
        target = forecast_units(samples, _endpoint(task)).target
        known = (~np.isnan(target)).sum(0)
        if len(target) == 0 or known.min() < LEAST_FORECASTS:
            raise BadInput(
                f"{int(known.min()) if len(target) else 0} readings that another follows at every horizon are "
                "too few to learn from",
                fix=f"Give traces with at least {LEAST_FORECASTS} in all",
                code="too-few-forecasts",
            )

    def rule(self, text: str) -> None:
        """Refuse a rule for the alarms that is neither ``limits`` nor one of classes."""
        check_rule(text)

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Intervals of every horizon and the alarms' thresholds on held-out forecasts; those of the baselines."""
        endpoint, units = _endpoint(task), _units(fitted.units)
        values = np.asarray(fitted.logits, np.float64)
        last = last_values(fitted.samples, endpoint)
        subjects = np.array([sample.subject_id for sample in fitted.samples])[units.owner]
        rule = str(settings["operating_point"])
        return {
            "calibration": {},
            "operating_point": {
                "rule": rule,
                "threshold": None,
                **alarm_thresholds(values[:, 0], units, endpoint, rule),
            },
            "conformal": {
                "alpha": ALPHA,
                "quantile": None,
                "horizons": fit_intervals(values, last, units, endpoint).document(),
                **held_out_coverage(values, last, units, endpoint, subjects, seed=seed),
            },
            "baselines": {
                name: alarm_thresholds(np.asarray(given)[:, 0], units, endpoint, rule)
                for name, given in fitted.baselines.items()
            },
        }

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Errors, grid zones, interval coverage and alarms, everyone beside the model on the same origins."""
        endpoint, units = _endpoint(task), _units(judged.units)
        values = np.asarray(judged.scores, np.float64)
        last = last_values(judged.samples, endpoint)
        names = np.array([sample.subject_id for sample in judged.samples])[units.owner]
        return build_report(
            task=task,
            split=judged.split,
            judging=Judging(
                endpoint=endpoint, units=units, last=last, subject=subject_index(names, len(last))
            ),
            values=values,
            intervals=read_intervals(manifest["conformal"]["horizons"], endpoint).of(values, last, units),
            thresholds=_thresholds(manifest["operating_point"]),
            rule=str(manifest["operating_point"]["rule"]),
            baselines={name: np.asarray(one, np.float64) for name, one in judged.baselines.items()},
            baseline_thresholds={name: _thresholds(one) for name, one in manifest["baselines"].items()},
            columns=columns(judged.samples),
            warnings=judged.warnings,
            data_fingerprint=judged.data_fingerprint,
            seed=judged.seed,
        )

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """The outlook from the last reading; earlier ones of the trace say how far to trust it."""
        endpoint, units = _endpoint(task), _units(raw.units)
        values, last = np.asarray(raw.logits, np.float64), np.asarray(raw.last, np.float64)
        if not len(values):
            raise BadInput("the trace has no reading to forecast from", code="too-short")
        bounds = read_intervals(manifest["conformal"]["horizons"], endpoint).of(values, last, units)[-1]
        return Outlook(
            quantity=endpoint.quantity,
            unit=endpoint.unit,
            horizons_min=endpoint.horizons_min,
            values=tuple(values[-1].tolist()),
            intervals=tuple((float(low), float(high)) for low, high in bounds),
            last=float(last[-1]),
            alarms=_alarms(values[-1], endpoint, _thresholds(manifest["operating_point"])),
        )

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys of an answer: ``outlook``, and in words."""
        if not isinstance(output, Outlook):
            return {}
        ahead = list(zip(output.horizons_min, output.values, output.intervals, strict=True))
        words = "; ".join(
            f"{value:.0f} ({low:.0f} to {high:.0f}) in {minutes} min" for minutes, value, (low, high) in ahead
        )
        return {
            "decision": "; ".join(output.alarms) or "no alarm",
            "outlook": {
                "quantity": output.quantity,
                "unit": output.unit,
                "last": output.last,
                "horizons": [
                    {"minutes": minutes, "value": value, "interval": (low, high)}
                    for minutes, value, (low, high) in ahead
                ],
                "alarms": output.alarms,
            },
            "said": f"{output.quantity} {output.last:.0f} {output.unit} now, {words}; "
            + ("; ".join(output.alarms) or "no alarm"),
        }


def _alarms(values: Any, endpoint: Forecast, thresholds: Mapping[str, float]) -> tuple[str, ...]:
    """Reasons such as ``low at 30 min``: the nearest horizon by its thresholds, later ones by the limits.

    Only the nearest horizon's thresholds were fixed on held-out forecasts; further out a forecast leans to the
    middle, and one beyond the limit itself is said.
    """
    found = []
    for number, (minutes, value) in enumerate(zip(endpoint.horizons_min, values, strict=True)):
        low = endpoint.low if number else thresholds["low"]
        high = endpoint.high if number else thresholds["high"]
        if value < low:
            found.append(f"low at {minutes} min")
        elif value > high:
            found.append(f"high at {minutes} min")
    return tuple(found)


def _thresholds(found: Mapping[str, Any]) -> dict[str, float]:
    return {"low": float(found["low"]), "high": float(found["high"])}


def _endpoint(task: Task) -> Forecast:
    if not isinstance(task.endpoint, Forecast):
        raise BadInput(f"'{task.name}' forecasts nothing: its endpoint is of the kind '{task.endpoint.kind}'")
    return task.endpoint


def _units(units: Units | None) -> Units:
    if units is None:
        raise BadInput("a forecast is made from origins, and here are none", code="no-origins")
    return units


judge = ForecastJudge()
