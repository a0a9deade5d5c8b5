"""The judge of alarms: a calibrated risk for every hour, an alarm where it is due and not silenced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suwen.core.documents import plain
from suwen.core.endpoint import Alarm
from suwen.core.engine import Fitted, Raw, Units
from suwen.core.errors import BadInput
from suwen.core.prediction import Course, Output
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.core.target import HourlyLabels
from suwen.core.task import Task
from suwen.lifecycle.bell import alarms
from suwen.lifecycle.evaluation.alarm_decision import RULE, fit_decision, operating_point
from suwen.lifecycle.evaluation.alarm_report import Hours, build_report
from suwen.lifecycle.evaluation.arrays import sigmoid
from suwen.lifecycle.evaluation.calibration import apply_temperature, margin
from suwen.lifecycle.evaluation.operating_point import parse_rule
from suwen.lifecycle.judges import Judged
from suwen.lifecycle.judges.classes import columns

_Z95 = 1.959963984540054
_LATEST = 24
"""Hours of the course that a document repeats in words."""


class AlarmJudge:
    """See :class:`suwen.lifecycle.judges.Judge`."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Refuse stays without hourly labels, and labels of one kind only (codes ``not-hourly``, ``one-class``)."""
        present: set[int] = set()
        for sample in samples:
            if not isinstance(sample.target, HourlyLabels):
                raise BadInput("an alarm is learned from one label per hour", code="not-hourly")
            present.update(np.unique(np.asarray(sample.target.values)).tolist())
        if not {0, 1} <= present:
            raise BadInput(
                "the training labels hold no hours of "
                f"{' and '.join(task.endpoint.classes[k] for k in (0, 1) if k not in present)}",
                fix="Give stays with and without an onset",
                code="one-class",
            )

    def rule(self, text: str) -> None:
        """Refuse a rule that is neither ``utility`` nor one of classes."""
        if text.strip().lower() != RULE:
            parse_rule(text)

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Temperature, threshold and conformal quantile on held-out hours; a threshold per baseline."""
        units = _units(fitted.units)
        known = units.target >= 0
        rule = str(settings["operating_point"])
        subjects = np.array([sample.subject_id for sample in fitted.samples])[units.owner]
        found = fit_decision(np.asarray(fitted.logits), units, subjects, rule=rule, seed=seed)
        points = {
            name: operating_point(np.asarray(p, np.float64), units, known, rule)
            for name, p in fitted.baselines.items()
        }
        return {**plain(found), "baselines": points}

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Utility, alarms and their burden, discrimination and calibration of the hours, baselines beside them."""
        units = _units(judged.units)
        return build_report(
            task=task,
            split=judged.split,
            hours=Hours(
                units=units,
                subjects=tuple(sample.subject_id for sample in judged.samples),
                columns=columns(judged.samples),
            ),
            probabilities=apply_temperature(judged.scores, manifest["calibration"]["temperature"]),
            threshold=float(manifest["operating_point"]["threshold"]),
            rule=manifest["operating_point"]["rule"],
            conformal_quantile=float(manifest["conformal"]["quantile"]),
            baselines=judged.baselines,
            baseline_thresholds=manifest["baselines"],
            warnings=judged.warnings,
            data_fingerprint=judged.data_fingerprint,
            seed=judged.seed,
        )

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """Risk, its interval and the alarms of every hour."""
        units = _units(raw.units)
        temperature = float(manifest["calibration"]["temperature"])
        error = float(manifest["calibration"]["temperature_se"])
        cut = float(manifest["operating_point"]["threshold"])
        p = apply_temperature(raw.logits, temperature)[:, 1]
        # The delta method of evaluation.calibration.probability_interval, for all hours at once.
        centre = margin(raw.logits, 1, temperature)
        each = margin(raw.members, 1, temperature)
        spread = each.std(axis=0, ddof=1) if len(each) > 1 else np.zeros(len(p))
        half = _Z95 * np.hypot(spread, centre * error / temperature)
        low, high = sigmoid(centre - half), sigmoid(centre + half)
        hours = tuple(float(hour) for hour in units.hour)
        refractory = task.endpoint.refractory_h if isinstance(task.endpoint, Alarm) else 0.0
        return Course(
            hours=hours,
            probabilities=tuple(p.tolist()),
            positive=task.endpoint.positive,
            threshold=cut,
            alarms=alarms(hours, (p >= cut).astype(int).tolist(), refractory),
            refractory_h=refractory,
            intervals=tuple(
                (min(a, c), max(b, c))
                for a, b, c in zip(low.tolist(), high.tolist(), p.tolist(), strict=True)
            ),
        )

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys of an answer: the latest risk, and the course of all hours."""
        if not isinstance(output, Course):
            return {}
        now = output.hours[-1]
        due = output.probability >= output.threshold
        low, high = output.intervals[-1] if output.intervals else (output.probability, output.probability)
        recent = [hour for hour in output.alarms if now - hour < _LATEST]
        words = ", ".join(f"{hour:g}" for hour in recent) or "none"
        return {
            "probability": output.probability,
            "interval": (low, high),
            "threshold": output.threshold,
            "decision": output.positive if due else _other(task, output.positive),
            "course": {
                "hours": output.hours,
                "probabilities": output.probabilities,
                "intervals": output.intervals,
                "alarms": output.alarms,
                "refractory_h": output.refractory_h,
            },
            "said": f"{output.positive} {output.probability:.3f} ({low:.3f} to {high:.3f}) at hour {now:g}, "
            f"alarm from {output.threshold:.3f}; alarms of the last {_LATEST} hours: {words}",
        }


def _other(task: Task, positive: str) -> str:
    return next(name for name in task.endpoint.classes if name != positive)


def _units(units: Units | None) -> Units:
    if units is None:
        raise BadInput("an alarm is answered hour by hour, and here are no hours", code="no-hours")
    return units


judge = AlarmJudge()
