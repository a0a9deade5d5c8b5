"""Forecasts in, a :class:`~suwen.core.report.Report` out: errors, grid zones, intervals, alarms, subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suwen.core.documents import now
from suwen.core.errors import BadInput
from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.arrays import Floats
from suwen.lifecycle.evaluation.bootstrap import RESAMPLES, estimate, estimates
from suwen.lifecycle.evaluation.forecast_curves import alarm_curves, clarke_points, coverage_by_range
from suwen.lifecycle.evaluation.forecast_figures import Judging, replicates, sums
from suwen.lifecycle.evaluation.forecast_tables import by_horizon, by_range, over_subjects, zone_table
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.evaluation.report import reaches
from suwen.lifecycle.evaluation.subgroups import subgroups

FEW_SUBJECTS = 20


def build_report(
    *,
    task: Task,
    split: str,
    judging: Judging,
    values: Floats,
    intervals: Floats,
    thresholds: Mapping[str, float],
    rule: str,
    baselines: Mapping[str, Floats],
    baseline_thresholds: Mapping[str, Mapping[str, float]],
    columns: Mapping[str, Sequence[Any]],
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
    judging
        Origins, what followed, and whose they are.
    values, intervals
        Forecasts (u, H) and their bounds (u, H, 2).
    thresholds, rule
        Of the alarms, fixed on held-out forecasts, as served.
    baselines, baseline_thresholds
        Name to forecasts (u, H) on the same origins, and to the alarm thresholds.
    columns
        Column name to one value per trace, for the subgroups.
    split, warnings, data_fingerprint, seed, resamples
        As for :func:`suwen.lifecycle.evaluation.report.build_report`.

    Raises
    ------
    BadInput
        ``no-future`` when no forecast was followed by a reading; or when arrays do not fit together.
    """
    if np.isnan(judging.units.target).all(0).any():
        raise BadInput("at one of the horizons no forecast was followed by a reading", code="no-future")
    for name, given in {"model": values, **baselines}.items():
        if np.shape(given) != judging.units.target.shape or not np.isfinite(given).all():
            raise BadInput(
                f"the forecasts of '{name}' have the shape {np.shape(given)} beside "
                f"{judging.units.target.shape}, or are not finite"
            )
    own = sums(judging, values, thresholds, intervals)
    model = replicates(own, judging.subject, resamples=resamples, seed=seed)
    beside: dict[str, dict[str, Estimate]] = {}
    minus: dict[str, Estimate] = {}
    for name, given in baselines.items():
        rival = replicates(
            sums(judging, given, baseline_thresholds[name]), judging.subject, resamples=resamples, seed=seed
        )
        beside[name] = estimates(rival)
        minus |= _differences(model, rival, name)
    at_origins = {key: np.asarray(column, object)[judging.units.owner] for key, column in columns.items()}
    masks, notes = subgroups(at_origins, np.zeros(len(values), np.int64), 1)
    by_group = {}
    for group, keep in masks.items():
        some = judging.of(keep)
        found = sums(some, values[keep], thresholds, intervals[keep])
        by_group[group] = estimates(replicates(found, some.subject, resamples=resamples, seed=seed))
    metrics = estimates(model)
    count = int(judging.subject.max()) + 1
    if count < FEW_SUBJECTS:
        notes.append(f"Fewer than {FEW_SUBJECTS} subjects ({count}): read the intervals, not the figures.")
    n = int((~np.isnan(judging.units.target[:, 0])).sum())
    return Report(
        task=task.name,
        split=split,
        n=n,
        n_subjects=count,
        n_positive=n,
        metrics=metrics,
        by_group=by_group,
        baselines=beside,
        differences=minus,
        curves=_curves(judging, values, intervals, thresholds, rule, baselines, metrics, beside, seed),
        floor=dict(task.floor),
        passed=reaches(metrics, task.floor),
        warnings=(*warnings, *notes),
        data_fingerprint=data_fingerprint,
        created_at=now(),
    )


def _curves(
    judging: Judging,
    values: Floats,
    intervals: Floats,
    thresholds: Mapping[str, float],
    rule: str,
    baselines: Mapping[str, Floats],
    metrics: Mapping[str, Estimate],
    beside: Mapping[str, Mapping[str, Estimate]],
    seed: int,
) -> dict[str, Any]:
    """Points of the plots, and the tables. Without a reading beyond a limit there are no alarms to draw."""
    alarms = alarm_curves(judging, {"model": values, **baselines}, thresholds)
    return {
        "operating_point": {"rule": rule, **thresholds},
        "clarke": clarke_points(judging, values, seed=seed),
        **({"alarms": alarms} if alarms else {}),
        "coverage": coverage_by_range(judging, values, intervals),
        "tables": [
            by_horizon(judging.endpoint, metrics, beside),
            by_range(judging, values, intervals),
            zone_table(judging, values),
            over_subjects(judging, values, intervals),
        ],
    }


def _differences(model: Mapping[str, Floats], rival: Mapping[str, Floats], name: str) -> dict[str, Estimate]:
    """Paired differences of every figure of which more, or less, is better."""
    found = {}
    for key in model:
        line = line_of(key)
        if key in rival and line is not None and line.direction in {"higher", "lower"}:
            found[f"{key}_minus_{name}"] = estimate(model[key] - rival[key])
    return found
