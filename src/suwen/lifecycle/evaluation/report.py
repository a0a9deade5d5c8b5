"""Arrays in, a :class:`~suwen.core.report.Report` out: figures, baselines, subgroups, passed or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.documents import now
from suwen.core.errors import BadInput, UnknownSetting, nearest
from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.arrays import Context, Floats, Ints, checked_labels, checked_probabilities
from suwen.lifecycle.evaluation.bootstrap import RESAMPLES, differences, estimates, replicates
from suwen.lifecycle.evaluation.curves import all_curves
from suwen.lifecycle.evaluation.decision_curve import decision_curve
from suwen.lifecycle.evaluation.decision_curve import table as benefit_table
from suwen.lifecycle.evaluation.glossary import GLOSSARY, line_of
from suwen.lifecycle.evaluation.operating_point import threshold as operating_point
from suwen.lifecycle.evaluation.subgroups import subgroups

GROUP_METRICS = (
    "n",
    "prevalence",
    "auroc",
    "auprc",
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "brier",
    "conformal_coverage",
)
"""Metrics of a subgroup; binned and fitted figures need more samples than subgroups have."""

_FEW = 30


def build_report(
    *,
    task: Task,
    split: str,
    probabilities: ArrayLike,
    labels: ArrayLike,
    subjects: Sequence[str] | NDArray[Any],
    threshold: float,
    conformal_quantile: float | None = None,
    rule: str | None = None,
    groups: Mapping[str, Sequence[Any] | NDArray[Any]] | None = None,
    baselines: Mapping[str, ArrayLike] | None = None,
    baseline_thresholds: Mapping[str, float] | None = None,
    baseline_validation: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    warnings: Sequence[str] = (),
    data_fingerprint: str = "",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Report:
    """Evaluate one model on one split.

    Parameters
    ----------
    task
        Its endpoint names the classes in score order; its floor decides whether the report passed.
    split
        Name of the part, for the reader.
    probabilities
        Array (n, K), calibrated; logits go through ``apply_temperature`` first.
    labels
        Array (n,) of class indices; samples without a label stay outside.
    subjects
        Whose sample each is, (n,); intervals resample them.
    threshold, conformal_quantile
        Fixed on validation, as served. Without a quantile there are no conformal figures.
    rule
        By which the threshold was chosen; also chooses the baselines' where they are not given.
    groups
        Column name to one value per sample, for the subgroups.
    baselines
        Name to probabilities (n, K) of a simple model on the same samples.
    baseline_thresholds
        Operating point of each baseline.
    baseline_validation
        For baselines without one: their own (probabilities, labels) on validation, for ``rule``.
    warnings
        What a reader must know first; sentences about subgroups and few samples are added.
    data_fingerprint
        Of the evaluated data.
    seed, resamples
        Of the bootstrap.

    Raises
    ------
    BadInput
        When the arrays do not fit together, or a baseline has no way to an operating point.
    UnknownSetting
        When the floor names a metric that is not in the table.
    """
    p = checked_probabilities(probabilities)
    classes = task.endpoint.classes
    if p.shape[1] != len(classes):
        raise BadInput(f"{p.shape[1]} probabilities per sample, and {task.name} has {len(classes)} classes")
    truth = checked_labels(labels, *p.shape)
    named = np.asarray(subjects, dtype=str)
    context = Context(
        positive=classes.index(task.endpoint.positive),
        threshold=threshold,
        conformal_quantile=conformal_quantile,
    )
    model = replicates(p, truth, named, context, resamples=resamples, seed=seed)
    metrics = estimates(model)

    beside: dict[str, dict[str, Estimate]] = {}
    minus: dict[str, Estimate] = {}
    scores: dict[str, Floats] = {}
    for name, given in (baselines or {}).items():
        scores[name] = checked_probabilities(given)
        if scores[name].shape != p.shape:
            raise BadInput(f"the baseline '{name}' has the shape {scores[name].shape} beside {p.shape}")
        point = _baseline_point(name, context.positive, rule, baseline_thresholds, baseline_validation)
        other = Context(positive=context.positive, threshold=point)
        drawn = replicates(scores[name], truth, named, other, resamples=resamples, seed=seed)
        beside[name] = estimates(drawn)
        minus |= differences(model, drawn, name)

    masks, notes = subgroups(groups or {}, truth, len(classes))
    wanted = [name for name in GROUP_METRICS if name in model]
    by_group = {
        group: estimates(
            replicates(p[at], truth[at], named[at], context, names=wanted, resamples=resamples, seed=seed)
        )
        for group, at in masks.items()
    }
    curves = all_curves(p, truth, context, classes=classes, baselines=scores, rule=rule)
    if len(classes) == 2 and 0 < (truth == context.positive).sum() < len(truth):
        at = context.positive
        curves["decision_curve"] = decision_curve(
            p[:, at],
            truth == at,
            named,
            {name: values[:, at] for name, values in scores.items()},
            resamples=resamples,
            seed=seed,
        )
        curves["tables"] = [benefit_table(curves["decision_curve"])]
    return Report(
        task=task.name,
        split=split,
        n=len(p),
        n_subjects=len(np.unique(named)),
        n_positive=int((truth == context.positive).sum()),
        metrics=metrics,
        by_group=by_group,
        baselines=beside,
        differences=minus,
        curves=curves,
        floor=dict(task.floor),
        passed=reaches(metrics, task.floor),
        warnings=(*warnings, *_few_samples(truth, classes), *notes),
        data_fingerprint=data_fingerprint,
        created_at=now(),
    )


def reaches(metrics: Mapping[str, Estimate], floor: Mapping[str, float]) -> bool:
    """Whether every floored metric reached its floor; an undefined or missing figure did not.

    Where less is better (``brier``, ``ece``) the figure must be at most the floor, otherwise at least.

    Raises
    ------
    UnknownSetting
        When the floor names a metric that is not in the table.
    """
    for name, least in floor.items():
        line = line_of(name)
        if line is None:
            raise UnknownSetting(f"the floor names '{name}'", where="floor", fix=nearest(name, GLOSSARY))
        value = metrics[name].value if name in metrics else float("nan")
        # Both comparisons are false for NaN, which therefore fails.
        good = value <= least if line.direction == "lower" else value >= least
        if not good:
            return False
    return True


def _baseline_point(
    name: str,
    positive: int,
    rule: str | None,
    thresholds: Mapping[str, float] | None,
    validation: Mapping[str, tuple[ArrayLike, ArrayLike]] | None,
) -> float:
    if thresholds is not None and name in thresholds:
        return thresholds[name]
    if rule is not None and validation is not None and name in validation:
        return operating_point(*validation[name], positive, rule)
    raise BadInput(
        f"the baseline '{name}' has no operating point",
        where="baselines",
        fix="Give its threshold, or its validation probabilities and labels with the rule",
    )


def _few_samples(labels: Ints, classes: Sequence[str]) -> list[str]:
    counts = np.bincount(labels, minlength=len(classes))
    absent = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if 0 < count < _FEW]
    found = []
    if absent:
        found.append(f"No samples of {', '.join(absent)}: figures that need every class are undefined.")
    if few:
        found.append(f"Fewer than {_FEW} samples of {', '.join(few)}: read the intervals, not the figures.")
    return found
