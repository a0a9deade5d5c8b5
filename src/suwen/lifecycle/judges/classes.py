"""The judge of classes: one calibrated probability per class and sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import plain
from suwen.core.engine import Fitted, Raw
from suwen.core.errors import BadInput
from suwen.core.prediction import Output, Scores
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.core.task import Task
from suwen.lifecycle.decide import decide, fit_decision
from suwen.lifecycle.evaluation.calibration import apply_temperature
from suwen.lifecycle.evaluation.operating_point import parse_rule, threshold
from suwen.lifecycle.evaluation.report import build_report
from suwen.lifecycle.judges import Judged


def labels_of(task: Task, samples: Sequence[Sample]) -> NDArray[np.int64]:
    """Class indices (n,) of labelled samples."""
    index = {name: number for number, name in enumerate(task.endpoint.classes)}
    return np.array([index[str(sample.target)] for sample in samples], np.int64)


class ClassesJudge:
    """See :class:`suwen.lifecycle.judges.Judge`."""

    def check(self, task: Task, samples: Sequence[Sample]) -> None:
        """Refuse training samples of a single class (code ``one-class``)."""
        present = {sample.target for sample in samples}
        if len(present) < 2:
            raise BadInput(
                f"only the class {', '.join(sorted(map(str, present)))} is among the training labels",
                fix=f"Give samples of: {', '.join(task.endpoint.classes) or 'at least two classes'}",
                code="one-class",
            )

    def rule(self, text: str) -> None:
        """Refuse a rule for the operating point that is none."""
        parse_rule(text)

    def decision(self, task: Task, fitted: Fitted, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Temperature, threshold and conformal quantile on held-out scores; a threshold per baseline."""
        labels = labels_of(task, fitted.samples)
        subjects = [sample.subject_id for sample in fitted.samples]
        positive = task.endpoint.classes.index(task.endpoint.positive)
        rule = settings["operating_point"]
        found = fit_decision(fitted.logits, labels, subjects, positive=positive, rule=rule, seed=seed)
        points = {name: threshold(p, labels, positive, rule) for name, p in fitted.baselines.items()}
        return {**plain(found), "baselines": points}

    def report(self, task: Task, manifest: Mapping[str, Any], judged: Judged) -> Report:
        """Discrimination, calibration, decisions and conformal sets, baselines beside them."""
        return build_report(
            task=task,
            split=judged.split,
            probabilities=apply_temperature(judged.scores, manifest["calibration"]["temperature"]),
            labels=labels_of(task, judged.samples),
            subjects=[sample.subject_id for sample in judged.samples],
            groups=columns(judged.samples),
            baselines=judged.baselines,
            baseline_thresholds=manifest["baselines"],
            threshold=manifest["operating_point"]["threshold"],
            rule=manifest["operating_point"]["rule"],
            conformal_quantile=manifest["conformal"]["quantile"],
            data_fingerprint=judged.data_fingerprint,
            warnings=judged.warnings,
            seed=judged.seed,
        )

    def decide(self, task: Task, manifest: Mapping[str, Any], raw: Raw) -> Output:
        """Probability with interval, decision at the operating point, conformal set."""
        return decide(task, manifest, raw)

    def document(self, task: Task, output: Output | None) -> dict[str, Any]:
        """The keys of an answer."""
        if not isinstance(output, Scores):
            return {}
        low, high = output.interval
        return {
            "probability": output.probability,
            "probabilities": output.probabilities,
            "interval": output.interval,
            "threshold": output.threshold,
            "decision": output.decision,
            "conformal_set": output.conformal_set,
            "said": f"{output.positive} {output.probability:.3f} ({low:.3f} to {high:.3f}), "
            f"decision at {output.threshold:.3f}: {output.decision}",
        }


def columns(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """Columns of the labels table that every sample has, for subgroups."""
    names = set.intersection(*(set(sample.attributes) for sample in samples)) if samples else set()
    return {name: [sample.attributes[name] for sample in samples] for name in sorted(names)}


judge = ClassesJudge()
