"""Cumulative hazards in, a :class:`~suwen.core.report.Report` out: ranking, error over time, calibration, bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.documents import now
from suwen.core.errors import BadInput
from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.arrays import Bools, Floats, subject_index
from suwen.lifecycle.evaluation.bootstrap import estimate, estimates
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.evaluation.report import reaches
from suwen.lifecycle.evaluation.subgroups import subgroups
from suwen.lifecycle.evaluation.survival_censoring import Steps, censoring
from suwen.lifecycle.evaluation.survival_figures import RESAMPLES, Curves, Judging, replicates
from suwen.lifecycle.evaluation.survival_tables import by_group, by_time, calibration_points, errors, thirds

GROUP_METRICS = ("n", "event_rate", "c_index", "ibs", "observed_to_expected", "conformal_coverage")
"""Metrics of a subgroup."""
KAPLAN_MEIER = "kaplan_meier"
"""Name of the curve that is the same for everybody."""
FEW_EVENTS = 30
FAR = 0.1
"""Distributions of censoring count as different where they differ by more than this ..."""
SURE = 3.0
"""... and by more than so many standard errors of the difference, at a time ..."""
LEFT = 0.1
"""... at which this share of the judged is still at risk."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What was fixed on the data that the model learned from.

    Attributes
    ----------
    grid
        Times of the scores, (G,).
    horizon
        Median event time, at which calibration is judged.
    uncensored
        Distribution of censoring.
    reference
        Kaplan-Meier's estimate at the grid, (G,).
    """

    grid: Floats
    horizon: float
    uncensored: Steps
    reference: Floats

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Facts:
        """From the manifest's ``follow_up``."""
        return cls(
            grid=np.asarray(document["grid"], np.float64),
            horizon=float(document["horizon"]),
            uncensored=Steps.read(document["censoring"]),
            reference=np.asarray(document["reference"], np.float64),
        )


def build_report(
    *,
    task: Task,
    split: str,
    facts: Facts,
    time: Floats,
    event: Bools,
    subjects: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
    curves: Curves,
    baselines: Mapping[str, Curves],
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
    facts
        Grid, horizon, censoring and reference of the data the model learned from.
    time, event, subjects
        Follow-up of each judged row (n,), and whose it is.
    columns
        Column name to one value per row, for the subgroups.
    curves, baselines
        Answers of the model, and of others on the same rows by name; a curve that is the same for everybody joins
        them.
    split, warnings, data_fingerprint, seed, resamples
        As for :func:`suwen.lifecycle.evaluation.report.build_report`.

    Raises
    ------
    BadInput
        ``no-events`` where nobody had the event; or when arrays do not fit together.
    """
    if not event.any():
        raise BadInput("nobody among the judged had the event", code="no-events")
    same = np.broadcast_to(np.log(-np.log(np.clip(facts.reference, 1e-9, 1 - 1e-9))), curves.log_hazard.shape)
    rivals = {**baselines, KAPLAN_MEIER: Curves(log_hazard=same)}
    for name, one in {"model": curves, **rivals}.items():
        if one.log_hazard.shape != (len(time), len(facts.grid)):
            raise BadInput(
                f"the hazards of '{name}' have the shape {one.log_hazard.shape} beside {len(time)} subjects "
                f"and {len(facts.grid)} times"
            )
    uncensored, notes = _censoring(facts, time, event)
    judging = Judging(
        time=time,
        event=event,
        subject=subject_index(subjects, len(time)),
        grid=facts.grid,
        uncensored=uncensored,
        horizon=facts.horizon,
    )
    settings: dict[str, Any] = {"median": facts.horizon, "resamples": resamples, "seed": seed}
    model = replicates(judging, curves, **settings)
    beside: dict[str, dict[str, Estimate]] = {}
    minus: dict[str, Estimate] = {}
    for name, one in rivals.items():
        drawn = replicates(judging, one, **settings)
        if name == KAPLAN_MEIER:
            del drawn["hazard_slope"]  # a curve without differences has no slope
        beside[name] = estimates(drawn)
        minus |= _differences(model, drawn, name)
    masks, more = subgroups(columns, event.astype(np.int64), 2)
    by_subgroup = {}
    for group, mask in masks.items():
        rows = np.flatnonzero(mask)
        found = replicates(judging.of(rows), curves.take(rows), **settings)
        by_subgroup[group] = estimates({name: found[name] for name in GROUP_METRICS if name in found})
    metrics = estimates(model)
    if event.sum() < FEW_EVENTS:
        notes.append(
            f"Fewer than {FEW_EVENTS} events ({int(event.sum())}): read the intervals, not the figures."
        )
    points = calibration_points(judging, curves)
    return Report(
        task=task.name,
        split=split,
        n=len(time),
        n_subjects=int(judging.subject.max()) + 1,
        n_positive=int(event.sum()),
        metrics=metrics,
        by_group=by_subgroup,
        baselines=beside,
        differences=minus,
        curves={
            "survival_thirds": thirds(judging, curves),
            "survival_calibration": points,
            "survival_errors": errors(judging, curves, facts.reference),
            "tables": [by_time(judging, curves), by_group(points)],
        },
        floor=dict(task.floor),
        passed=reaches(metrics, task.floor),
        warnings=(*warnings, *notes, *more),
        data_fingerprint=data_fingerprint,
        created_at=now(),
    )


def _censoring(facts: Facts, time: Floats, event: Bools) -> tuple[Steps, list[str]]:
    """Distribution of censoring behind the weights: that of training, unless the judged were followed otherwise."""
    own = censoring(time, event)
    at_risk = (time[:, None] > facts.grid[None]).sum(0)
    grid, left = facts.grid[at_risk >= LEFT * len(time)], at_risk[at_risk >= LEFT * len(time)]
    here, there = own.at(grid), facts.uncensored.at(grid)
    apart = np.abs(here - there)
    # Taken as if both had been followed by equally many.
    error = np.sqrt(2 * np.maximum(here * (1 - here), there * (1 - there)) / np.maximum(left, 1))
    far = apart[(apart > FAR) & (apart > SURE * error)]
    if not len(far):
        return facts.uncensored, []
    return own, [
        "These subjects were followed otherwise than those the model learned from (shares not yet censored differ by "
        f"up to {far.max():.2f}): figures that are weighted for censoring use their own distribution."
    ]


def _differences(model: Mapping[str, Floats], rival: Mapping[str, Floats], name: str) -> dict[str, Estimate]:
    """Paired differences of every figure of which more, or less, is better."""
    found = {}
    for key in model:
        line = line_of(key)
        if key in rival and line is not None and line.direction in {"higher", "lower"}:
            found[f"{key}_minus_{name}"] = estimate(model[key] - rival[key])
    return found
