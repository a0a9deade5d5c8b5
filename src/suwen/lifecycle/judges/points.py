"""The judge of published scores: points rank and warn, and are never called a probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import now
from suwen.core.endpoint import Points
from suwen.core.engine import Fitted, Raw
from suwen.core.errors import UnknownSetting
from suwen.core.prediction import Output
from suwen.core.report import Estimate, Report
from suwen.core.sample import Sample
from suwen.core.tally import Sheet, Tally
from suwen.core.task import Task
from suwen.lifecycle.bell import alarms
from suwen.lifecycle.evaluation.arrays import Context, Floats
from suwen.lifecycle.evaluation.bootstrap import differences, estimates, replicates
from suwen.lifecycle.evaluation.curves import all_curves, wilson
from suwen.lifecycle.evaluation.report import reaches
from suwen.lifecycle.evaluation.subgroups import subgroups
from suwen.lifecycle.judges import Judged
from suwen.lifecycle.judges.classes import columns, labels_of

PUBLISHED = "published"
FIGURES = ("n", "prevalence", "auroc", "auprc", "sensitivity", "specificity", "ppv", "npv", "f1")
"""What points can be judged by; a calibration they do not have."""
NOT_PROBABILITIES = "Points of a published score are not probabilities: no calibration figures are given."


class PointsJudge:
    """See :class:`suwen.lifecycle.judges.Judge`."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Nothing is learned, so nothing can be too little to learn from."""

    def rule(self, text: str) -> None:
        """Refuse any threshold but the published one."""
        if text != PUBLISHED:
            raise UnknownSetting(
                "a published score has the threshold its authors published",
                fix=f"Leave operating_point={PUBLISHED}",
            )

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """The published thresholds, and that there is nothing to calibrate."""
        return decision(fitted.engine_manifest)

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Discrimination, and decisions at the published threshold, the other scores beside it."""
        totals = np.asarray(judged.scores, float)[:, 0]
        seen = np.isfinite(totals)
        samples = [sample for sample, kept in zip(judged.samples, seen, strict=True) if kept]
        warnings = [*judged.warnings, NOT_PROBABILITIES]
        if len(samples) < len(judged.samples):
            warnings.append(
                f"{len(judged.samples) - len(samples)} stays without any vital sign are left out."
            )
        truth = labels_of(task, samples)
        subjects = [sample.subject_id for sample in samples]
        facts, classes = manifest["engine_manifest"], task.endpoint.classes
        at = classes.index(task.endpoint.positive)
        own, *_ = facts["maximum"]
        p, context = _shares(totals[seen], own, facts, at)
        model = replicates(p, truth, subjects, context, names=FIGURES, seed=judged.seed)
        beside: dict[str, dict[str, Estimate]] = {}
        minus: dict[str, Estimate] = {}
        shares: dict[str, Floats] = {}
        for name, given in judged.baselines.items():
            shares[name], other = _shares(np.asarray(given, float)[seen, 0], name, facts, at)
            drawn = replicates(shares[name], truth, subjects, other, names=FIGURES, seed=judged.seed)
            beside[name] = estimates(drawn)
            minus |= differences(model, drawn, name)
        masks, notes = subgroups(columns(samples), truth, len(classes))
        metrics = estimates(model)
        curves = all_curves(p, truth, context, classes=classes, baselines=shares, rule=PUBLISHED)
        kept = {key: curves[key] for key in ("roc", "pr", "confusion")}
        point = curves["operating_point"] | {"threshold": float(facts["urgent"][own])}
        return Report(
            task=task.name,
            split=judged.split,
            n=len(samples),
            n_subjects=len(set(subjects)),
            n_positive=int((truth == at).sum()),
            metrics=metrics,
            by_group={
                group: estimates(
                    replicates(
                        p[mask],
                        truth[mask],
                        np.asarray(subjects)[mask],
                        context,
                        names=FIGURES,
                        seed=judged.seed,
                    )
                )
                for group, mask in masks.items()
            },
            baselines=beside,
            differences=minus,
            curves={**kept, "operating_point": point, "tables": [_by_total(totals[seen], truth == at, task)]},
            floor=dict(task.floor),
            passed=reaches(metrics, task.floor),
            warnings=(*warnings, *notes),
            data_fingerprint=judged.data_fingerprint,
            created_at=now(),
        )

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """The sheets at the end of the stay, and the totals and alarms on the way there."""
        hours, course = raw.detail.hours, raw.detail.courses[0]
        endpoint = task.endpoint
        refractory_h = endpoint.refractory_h if isinstance(endpoint, Points) else 0.0
        return Tally(
            hours=hours,
            least=tuple(sheet.least for sheet in course),
            most=tuple(sheet.most for sheet in course),
            sheets=raw.detail.last,
            threshold=float(manifest["operating_point"]["threshold"]),
            alarms=alarms(hours, raw.detail.levels, refractory_h),
            refractory_h=refractory_h,
        )

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys of an answer: ``scores`` (the sheets), ``course``, and the decision in words."""
        if not isinstance(output, Tally):
            return {}
        first = output.sheets[0]
        return {
            "threshold": output.threshold,
            "decision": first.band if first.band == first.band_most else f"at least {first.band}",
            "scores": [{**vars(sheet), "total": sheet.total} for sheet in output.sheets],
            "course": {
                "hours": output.hours,
                "least": output.least,
                "most": output.most,
                "alarms": output.alarms,
                "refractory_h": output.refractory_h,
            },
            "said": "; ".join(said(sheet) for sheet in output.sheets),
        }


def decision(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest keeps where nothing was fitted.

    Parameters
    ----------
    facts
        The engine's part of the manifest, with ``urgent``: score to its published threshold, the deciding
        score first.
    """
    own, *others = facts["urgent"]
    return {
        "calibration": {"method": "none", "temperature": 1.0},
        "operating_point": {"rule": PUBLISHED, "threshold": float(facts["urgent"][own])},
        "conformal": {"alpha": None, "quantile": None, "held_out_coverage": None},
        "baselines": {name: float(facts["urgent"][name]) for name in others},
    }


def said(sheet: Sheet) -> str:
    """One score in one line: the total, or its bounds and what is missing."""
    if sheet.total is not None:
        return f"{sheet.name} {sheet.total} of {sheet.maximum}: {sheet.band}"
    missing = ", ".join(title.lower() for title in sheet.missing)
    band = (
        sheet.band if sheet.band == sheet.band_most else f"at least {sheet.band}, could be {sheet.band_most}"
    )
    return f"{sheet.name} {sheet.least} to {sheet.most} of {sheet.maximum}: {band} (open: {missing})"


def _shares(totals: Floats, name: str, facts: Mapping[str, Any], at: int) -> tuple[Floats, Context]:
    """Totals as shares of the maximum, which rank alike, and the published threshold among them."""
    most = float(facts["maximum"][name])
    p = np.empty((len(totals), 2))
    p[:, at], p[:, 1 - at] = totals / most, 1 - totals / most
    return p, Context(positive=at, threshold=float(facts["urgent"][name]) / most)


def _by_total(totals: Floats, truth: NDArray[np.bool_], task: Task) -> dict[str, Any]:
    """Observed share of the positive class at each total."""
    rows = []
    for total in np.unique(totals).astype(int):
        inside = totals == total
        n, positive = int(inside.sum()), int(truth[inside].sum())
        low, high = wilson(positive, n)
        rows.append([str(total), n, positive, f"{positive / n:.3f} ({low:.3f} to {high:.3f})"])
    return {
        "title": "Outcome by total",
        "columns": ["total", "n", task.endpoint.positive, "share (95% interval)"],
        "rows": rows,
        "note": "Where vital signs are missing, the total is the least that the others allow. Wilson intervals.",
    }


judge = PointsJudge()
