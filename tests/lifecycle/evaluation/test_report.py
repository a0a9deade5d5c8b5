from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import dumps, write_json
from suwen.core.errors import BadInput, NotFound, UnknownSetting, Unreadable
from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.calibration import apply_temperature, fit_calibration
from suwen.lifecycle.evaluation.conformal import fit_conformal
from suwen.lifecycle.evaluation.document import document, read_report
from suwen.lifecycle.evaluation.operating_point import threshold
from suwen.lifecycle.evaluation.report import build_report, reaches
from suwen.lifecycle.evaluation.subgroups import subgroups
from suwen.lifecycle.evaluation.writing import write_report

MakeTask = Callable[..., Task]
Example = Callable[..., Report]
AGES = ["age=0 to 16", "age=17 to 33", "age=34 to 54", "age=55 to 79"]


@pytest.fixture
def example(simulate: Callable[..., Any]) -> Callable[..., Report]:
    def make(task: Task, n: int = 624, **changes: Any) -> Report:
        """Model and weaker baseline on simulated data, fixed on a validation part of their own."""
        logits, labels = simulate(524, 1, gap=3.0)
        fitted = fit_calibration(logits, labels, [str(i) for i in range(524)])
        p = apply_temperature(logits, fitted.temperature)
        weak = apply_temperature(logits + np.random.default_rng(2).normal(size=logits.shape) * 3, 1.5)
        new_logits, new_labels = simulate(n, 9, gap=3.0)
        rng = np.random.default_rng(3)
        settings: dict[str, Any] = {
            "task": task,
            "split": "test",
            "probabilities": apply_temperature(new_logits, fitted.temperature),
            "labels": new_labels,
            "subjects": [f"s{i // 2}" for i in range(n)],
            "threshold": threshold(p, labels, 1, "youden"),
            "conformal_quantile": fit_conformal(p, labels),
            "rule": "youden",
            "baselines": {"hog_logistic": apply_temperature(new_logits + rng.normal(size=(n, 2)) * 3, 1.5)},
            "baseline_validation": {"hog_logistic": (weak, labels)},
            "groups": {"sex": rng.choice(["F", "M"], n)},
            "data_fingerprint": "ab" * 32,
        }
        return build_report(**(settings | changes))

    return make


def test_figures_baselines_differences_groups(make_task: MakeTask, example: Example) -> None:
    report = example(make_task())
    assert (report.n, report.n_subjects, report.split) == (624, 312, "test")
    for name, one in report.metrics.items():
        assert one.lo <= one.value <= one.hi or name == "ece", name
    assert 0.95 < report.metrics["auroc"].value < 1
    assert report.baselines["hog_logistic"]["auroc"].value < report.metrics["auroc"].value
    assert "conformal_coverage" in report.metrics
    assert "conformal_coverage" not in report.baselines["hog_logistic"]
    gain = report.differences["auroc_minus_hog_logistic"]
    assert gain.lo > 0
    assert set(report.by_group) == {"sex=F", "sex=M"}
    assert sum(group["n"].value for group in report.by_group.values()) == 624
    assert report.passed
    assert np.sum(report.curves["confusion"]["matrix"]) == 624
    assert report.curves["operating_point"]["sensitivity"] == report.metrics["sensitivity"].value
    for curve in (
        report.curves["roc"]["model"],
        report.curves["pr"]["model"],
        report.curves["risk_coverage"],
    ):
        assert all(len(points) <= 200 for points in curve.values() if isinstance(points, list))
    assert sum(report.curves["reliability"]["count"]) == 624


def test_the_document_round_trips(make_task: MakeTask, tmp_path: Path, example: Example) -> None:
    report = example(make_task())
    found = json.loads(dumps(document(report)))
    assert list(found)[:7] == ["task", "split", "n", "n_subjects", "n_positive", "metrics", "baselines"]
    assert set(found["metrics"]["auroc"]) == {"value", "lo", "hi"}
    assert found["passed"] is True
    assert "curves" not in found
    write_json(tmp_path / "report.json", document(report, curves=True))
    assert read_report(tmp_path / "report.json") == report


def test_undefined_figures_are_null_and_fail_the_floor(make_task: MakeTask, tmp_path: Path) -> None:
    p = np.tile([0.3, 0.7], (40, 1))
    task = make_task()
    report = build_report(
        task=task,
        split="test",
        probabilities=p,
        labels=np.ones(40, int),
        subjects=np.arange(40).astype(str),
        threshold=0.5,
    )
    assert not report.passed
    assert any("No samples of normal" in warning for warning in report.warnings)
    assert json.loads(dumps(document(report)))["metrics"]["auroc"] == {"value": None, "lo": None, "hi": None}
    write_report(tmp_path, report, task, {})
    assert np.isnan(read_report(tmp_path / "report.json").metrics["auroc"].value)
    assert "undefined" in (tmp_path / "report.html").read_text()


def test_floor_directions() -> None:
    nan = float("nan")
    metrics = {
        "auroc": Estimate(value=0.97, lo=0.9, hi=1.0),
        "ece": Estimate(value=0.04, lo=0.0, hi=0.1),
        "npv": Estimate(value=nan, lo=nan, hi=nan),
    }
    assert reaches(metrics, {})
    assert reaches(metrics, {"auroc": 0.97, "ece": 0.05})
    assert not reaches(metrics, {"auroc": 0.98})
    assert not reaches(metrics, {"ece": 0.03})
    assert not reaches(metrics, {"npv": 0.0})
    assert not reaches(metrics, {"accuracy": 0.1})
    with pytest.raises(UnknownSetting, match="auroc"):
        reaches(metrics, {"auroq": 0.9})


def test_three_classes(three: Any, make_task: MakeTask, tmp_path: Path) -> None:
    p, labels = three
    task = make_task(classes=("normal", "bacterial", "viral"))
    report = build_report(
        task=task,
        split="test",
        probabilities=p,
        labels=labels,
        subjects=np.arange(300).astype(str),
        threshold=0.5,
        conformal_quantile=fit_conformal(p, labels),
        baselines={"prior": np.full((300, 3), 1 / 3)},
        baseline_thresholds={"prior": 0.5},
        resamples=100,
    )
    assert np.shape(report.curves["confusion"]["matrix"]) == (3, 3)
    assert report.baselines["prior"]["auroc"].value == 0.5
    assert len(write_report(tmp_path, report, task, {})) == 7


def test_what_does_not_fit_is_refused(make_task: MakeTask, tmp_path: Path, example: Example) -> None:
    task = make_task()
    with pytest.raises(BadInput, match="no operating point"):
        example(task, baseline_validation=None)
    with pytest.raises(BadInput, match="2 probabilities per sample"):
        example(make_task(classes=("a", "b", "c")))
    with pytest.raises(BadInput, match="baseline 'hog_logistic' has the shape"):
        example(task, baselines={"hog_logistic": np.full((3, 2), 0.5)})
    with pytest.raises(BadInput, match="column 'sex'"):
        example(task, groups={"sex": ["F"]}, resamples=10)
    with pytest.raises(NotFound):
        read_report(tmp_path / "report.json")
    (tmp_path / "report.json").write_text('{"task": "x"}')
    with pytest.raises(Unreadable, match="not an evaluation report"):
        read_report(tmp_path / "report.json")


def test_subgroups_that_are_too_small_are_said(make_task: MakeTask) -> None:
    labels = np.tile([0, 1], 100)
    columns = {
        "sex": ["F"] * 100 + ["M"] * 85 + [""] * 15,
        "ward": ["A", "B"] * 100,
        "site": ["one"] * 200,
        "file": [f"x{i}" for i in range(200)],
        "age": [str(i % 80) for i in range(200)],
        "view": ["PA"] * 150 + [None] * 50,
    }
    found, notes = subgroups(columns, labels, 2)
    assert [name for name in found if name.startswith("age=")] == AGES
    assert {"sex=F", "sex=M", "view=PA", "view=unknown"} <= set(found)
    assert not any(name.startswith(("ward", "site", "file")) for name in found)
    text = " ".join(notes)
    assert "unknown (15)" in text
    assert "ward that lack a class: A (100), B (100)" in text
    assert "No subgroups by file: it has 200 different values" in text
    assert "x17" not in text


def test_the_whole_evaluation_is_quick(make_task: MakeTask, tmp_path: Path, example: Example) -> None:
    task = make_task()
    began = time.process_time()
    write_report(tmp_path, example(task), task, {"model": "imaging.pneumonia@1"})
    assert time.process_time() - began < 8
