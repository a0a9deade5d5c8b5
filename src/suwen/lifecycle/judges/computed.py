"""The judge of computed answers: figures measured on every question, their mean or the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suwen.core.documents import now
from suwen.core.engine import Fitted, Raw
from suwen.core.errors import UnknownSetting
from suwen.core.prediction import Output
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.core.solution import Solution
from suwen.core.task import Task
from suwen.engines.solver.task import Figure, SolverTask
from suwen.lifecycle.evaluation.arrays import Floats, subject_index
from suwen.lifecycle.evaluation.bootstrap import RESAMPLES, estimates, subject_weights
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.evaluation.report import reaches
from suwen.lifecycle.judges import Judged

CERTIFIED = "certified"
"""The one rule: an answer counts where an independent check holds."""


class ComputedJudge:
    """See :class:`suwen.lifecycle.judges.Judge`."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Nothing is learned, so nothing can be too little to learn from."""

    def rule(self, text: str) -> None:
        """Refuse any rule but the independent check."""
        if text != CERTIFIED:
            raise UnknownSetting(
                "a computed answer is decided by its own check", fix=f"Leave operating_point={CERTIFIED}"
            )

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """That there is nothing to calibrate."""
        return decision(tuple(fitted.baselines))

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Every figure with its interval over questions, the simpler methods beside it."""
        assert isinstance(task, SolverTask)  # noqa: S101  (no other task is judged here)
        subjects = [sample.subject_id for sample in judged.samples]
        own = replicates(task.figures, judged.scores, subjects, seed=judged.seed)
        beside = {
            name: replicates(task.figures, rows, subjects, seed=judged.seed)
            for name, rows in judged.baselines.items()
        }
        metrics = estimates(own)
        strata = np.array([str(sample.target) for sample in judged.samples])
        kinds = sorted(set(strata))
        groups = {f"kind={kind}": strata == kind for kind in kinds} if len(kinds) > 1 else {}
        return Report(
            task=task.name,
            split=judged.split,
            n=len(judged.samples),
            n_subjects=len(set(subjects)),
            n_positive=int((strata == task.endpoint.positive).sum()),
            metrics=metrics,
            by_group={
                group: estimates(
                    replicates(
                        task.figures,
                        np.asarray(judged.scores)[mask],
                        [one for one, inside in zip(subjects, mask, strict=True) if inside],
                        seed=judged.seed,
                    )
                )
                for group, mask in groups.items()
            },
            baselines={name: estimates(one) for name, one in beside.items()},
            differences={
                f"{metric}_minus_{name}": estimates({metric: own[metric] - one[metric]})[metric]
                for name, one in beside.items()
                for metric in own
                if metric in one and _ranked(metric)
            },
            floor=dict(task.floor),
            passed=reaches(metrics, task.floor),
            warnings=tuple(judged.warnings),
            data_fingerprint=judged.data_fingerprint,
            created_at=now(),
        )

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """The solution itself."""
        found: Solution = raw.detail
        return found

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys of an answer: ``solution``, and the decision in words."""
        if not isinstance(output, Solution):
            return {}
        decision = "certified" if output.holds else "not certified" if output.found else "no answer exists"
        return {"decision": decision, "solution": output, "said": output.said}


def decision(baselines: Sequence[str] = ()) -> dict[str, Any]:
    """What a manifest keeps where nothing was fitted and nothing has a threshold."""
    return {
        "calibration": {"method": "none", "temperature": None},
        "operating_point": {"rule": CERTIFIED, "threshold": None},
        "conformal": {"alpha": None, "quantile": None, "held_out_coverage": None},
        "baselines": dict.fromkeys(baselines),
    }


def replicates(
    figures: Sequence[Figure],
    rows: Any,
    subjects: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Floats]:
    """Each figure on all questions and on every resample of the subjects.

    Parameters
    ----------
    figures
        What is made of each column.
    rows
        Array (n, figures), NaN where a figure does not apply.
    subjects
        Whose question each is.
    resamples, seed
        Of the bootstrap.

    Returns
    -------
    dict
        Name to array (1 + resamples,), the first the figure itself. A figure that applies to no question is not
        among them.
    """
    found = np.asarray(rows, float)
    subject = subject_index(subjects, len(found))
    weights = np.concatenate(
        [np.ones((1, len(found))), *subject_weights(subject, resamples=resamples, seed=seed)]
    )
    return {
        figure.name: _reduced(figure, found[:, at], weights)
        for at, figure in enumerate(figures)
        if np.isfinite(found[:, at]).any()
    }


def _reduced(figure: Figure, column: Floats, weights: Floats) -> Floats:
    known = np.isfinite(column)
    inside, values = weights[:, known], column[known]
    if figure.how == "mean":
        total = inside.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, inside @ values / total, np.nan)
    worst = np.full(len(inside), np.nan)
    order = np.argsort(values if figure.how == "min" else -values, kind="stable")
    drawn = inside[:, order] > 0
    some = drawn.any(1)
    if len(values):
        worst[some] = values[order][drawn.argmax(1)][some]
    return worst


def _ranked(metric: str) -> bool:
    line = line_of(metric)
    return line is not None and line.direction in {"higher", "lower"}


judge = ComputedJudge()
