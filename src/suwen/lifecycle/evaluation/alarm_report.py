"""Hours and their risks in, a :class:`~suwen.core.report.Report` out: utility, burden, and the figures of hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from suwen.core.documents import now
from suwen.core.endpoint import Alarm
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.engines.hourly.utility import Worth, worth
from suwen.lifecycle.evaluation.alarm_burden import burden
from suwen.lifecycle.evaluation.alarm_digest import digest, draws
from suwen.lifecycle.evaluation.alarm_metrics import GLOSSARY
from suwen.lifecycle.evaluation.alarm_tables import before_onset, by_hour, by_threshold
from suwen.lifecycle.evaluation.arrays import Context, Floats, Ints, checked_probabilities, subject_index
from suwen.lifecycle.evaluation.bootstrap import RESAMPLES, estimate, estimates
from suwen.lifecycle.evaluation.curves import all_curves
from suwen.lifecycle.evaluation.metrics import METRICS, applicable
from suwen.lifecycle.evaluation.report import reaches
from suwen.lifecycle.evaluation.subgroups import subgroups

GROUP_METRICS = (
    *GLOSSARY,
    "n",
    "prevalence",
    "auroc",
    "auprc",
    "sensitivity",
    "specificity",
    "brier",
    "conformal_coverage",
)
"""Metrics of a subgroup."""
FEW_ONSETS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Hours:
    """The judged hours.

    Attributes
    ----------
    units
        Hours of stays; only those with a label are judged.
    subjects
        Whose stay each is, one per stay.
    columns
        Column name to one value per stay, for subgroups.
    """

    units: Units
    subjects: Sequence[str]
    columns: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Judged:
    """Labelled hours with everything that does not depend on a model."""

    units: Units
    worth: Worth
    subject: Ints
    refractory_h: float

    def of(self, stays: Ints) -> tuple[_Judged, Ints]:
        """The hours of these stays alone, and where they are."""
        at = np.flatnonzero(np.isin(self.units.owner, stays))
        units = Units(owner=self.units.owner[at], hour=self.units.hour[at], target=self.units.target[at])
        subject = np.unique(self.subject[at], return_inverse=True)[1].astype(np.int64)
        return replace(self, units=units, worth=worth(units), subject=subject), at

    def replicates(self, p: Floats, context: Context, *, resamples: int, seed: int) -> dict[str, Floats]:
        """Every figure on the data itself and on resamples of the subjects, (1 + resamples,).

        Figures of hours are resampled on cells; what cells lose is put right by shifting their replicates to
        the figure on the hours themselves.
        """
        truth = self.units.target == 1
        times = draws(int(self.subject.max()) + 1, resamples=resamples, seed=seed)
        found = burden(
            p[:, 1] >= context.threshold, self.units, self.worth, self.subject, self.refractory_h
        ).figures(times)
        cuts = [context.threshold]
        if (q := context.conformal_quantile) is not None:
            cuts += [1 - q, float(np.nextafter(q, 2.0))]
        cells = digest(p[:, 1], truth, self.subject, cuts)
        drawn = replace(context, weights=cells.weights(times))
        for name in applicable(context):
            exact = METRICS[name].function(p, self.units.target, context)
            spread = METRICS[name].function(cells.probabilities, cells.labels, drawn)
            if not METRICS[name].resampled:
                spread = np.repeat(spread[:1], len(spread))
            found[name] = spread + (exact - spread[0])
        return found


def build_report(
    *,
    task: Task,
    split: str,
    hours: Hours,
    probabilities: Floats,
    threshold: float,
    rule: str,
    conformal_quantile: float | None,
    baselines: Mapping[str, Floats],
    baseline_thresholds: Mapping[str, float],
    warnings: Sequence[str] = (),
    data_fingerprint: str = "",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Report:
    """Evaluate one model on one split.

    Parameters
    ----------
    task
        Its floor decides whether the report passed.
    hours
        Units, subjects and columns.
    probabilities
        Array (u, 2), calibrated.
    threshold, rule, conformal_quantile
        Fixed on validation, as served.
    baselines, baseline_thresholds
        Name to probabilities (u, 2) on the same hours, and to the operating point.
    split, warnings, data_fingerprint, seed, resamples
        As for :func:`suwen.lifecycle.evaluation.report.build_report`.

    Raises
    ------
    BadInput
        ``no-labels`` without a labelled hour; or when arrays do not fit together.
    """
    known = hours.units.target >= 0
    if not known.any():
        raise BadInput("no hour has a label", code="no-labels")
    p = checked_probabilities(np.asarray(probabilities)[known])
    judged = _judged(task, hours, known)
    context = Context(positive=1, threshold=threshold, conformal_quantile=conformal_quantile)
    model = judged.replicates(p, context, resamples=resamples, seed=seed)
    beside: dict[str, dict[str, Estimate]] = {}
    minus: dict[str, Estimate] = {}
    others: dict[str, Floats] = {}
    for name, given in baselines.items():
        others[name] = checked_probabilities(np.asarray(given)[known])
        point = Context(positive=1, threshold=float(baseline_thresholds[name]))
        rival = judged.replicates(others[name], point, resamples=resamples, seed=seed)
        beside[name] = estimates(rival)
        minus |= _differences(model, rival, name)
    groups, notes = _groups(judged, hours, p, context, resamples=resamples, seed=seed)
    metrics = estimates(model)
    septic = int(np.isfinite(judged.worth.after[_starts(judged.units)]).sum())
    if septic < FEW_ONSETS:
        notes.append(f"Fewer than {FEW_ONSETS} onsets ({septic}): read the intervals, not the figures.")
    classes = task.endpoint.classes
    curves = all_curves(p, judged.units.target, context, classes=classes, baselines=others, rule=rule)
    curves["tables"] = [
        by_threshold(p[:, 1], judged.units, judged.worth, judged.subject, judged.refractory_h, threshold),
        before_onset(p[:, 1], judged.worth, threshold),
        by_hour(
            p[:, 1],
            judged.units,
            judged.worth,
            threshold,
            {name: (q[:, 1], float(baseline_thresholds[name])) for name, q in others.items()},
        ),
    ]
    return Report(
        task=task.name,
        split=split,
        n=len(p),
        n_subjects=int(judged.subject.max()) + 1,
        n_positive=int((judged.units.target == 1).sum()),
        metrics=metrics,
        by_group=groups,
        baselines=beside,
        differences=minus,
        curves=curves,
        floor=dict(task.floor),
        passed=reaches(metrics, task.floor),
        warnings=(*warnings, *notes),
        data_fingerprint=data_fingerprint,
        created_at=now(),
    )


def _judged(task: Task, hours: Hours, known: np.ndarray[Any, Any]) -> _Judged:
    units = Units(
        owner=hours.units.owner[known], hour=hours.units.hour[known], target=hours.units.target[known]
    )
    names = np.asarray(hours.subjects, dtype=str)[units.owner]
    return _Judged(
        units=units,
        worth=worth(units),
        subject=subject_index(names, len(units)),
        refractory_h=task.endpoint.refractory_h if isinstance(task.endpoint, Alarm) else 0.0,
    )


def _differences(model: Mapping[str, Floats], rival: Mapping[str, Floats], name: str) -> dict[str, Estimate]:
    """Paired differences of every figure of which more, or less, is better."""
    directions = {key: line.direction for key, line in GLOSSARY.items()}
    directions |= {key: metric.direction for key, metric in METRICS.items()}
    return {
        f"{key}_minus_{name}": estimate(model[key] - rival[key])
        for key in model
        if key in rival and directions[key] in {"higher", "lower"}
    }


def _groups(
    judged: _Judged, hours: Hours, p: Floats, context: Context, *, resamples: int, seed: int
) -> tuple[dict[str, dict[str, Estimate]], list[str]]:
    """Figures of every subgroup of stays that has both kinds."""
    positive = np.zeros(len(hours.subjects), np.int64)
    positive[judged.units.owner[judged.units.target == 1]] = 1
    masks, notes = subgroups(hours.columns, positive, 2)
    found = {}
    for group, mask in masks.items():
        some, at = judged.of(np.flatnonzero(mask))
        if len(at) and len(np.unique(some.units.target)) == 2:
            drawn = some.replicates(p[at], context, resamples=resamples, seed=seed)
            found[group] = estimates({name: drawn[name] for name in GROUP_METRICS if name in drawn})
    return found, notes


def _starts(units: Units) -> Ints:
    return np.concatenate(([0], np.flatnonzero(np.diff(units.owner)) + 1)).astype(np.int64)
