from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.core.task import Task
from suwen.lifecycle.evaluation.decision_curve import THRESHOLDS, decision_curve, net_benefit, table
from suwen.lifecycle.evaluation.report import build_report


def one_row(n: int) -> Any:
    return np.ones((1, n))


def test_net_benefit_by_hand() -> None:
    # At 20%: three treated, two of them ill; a needless treatment weighs 0.2 / 0.8.
    score = np.array([0.9, 0.4, 0.2, 0.1, 0.05])
    truth = np.array([True, False, True, True, False])
    found = net_benefit(score, truth, one_row(5), np.array([0.2, 0.5]))[0]
    assert found == pytest.approx([2 / 5 - 1 / 5 * 0.25, 1 / 5])
    weights = np.array([[2.0, 1, 0, 1, 0]])
    assert net_benefit(score, truth, weights, np.array([0.2]))[0] == pytest.approx([2 / 4 - 1 / 4 * 0.25])


@pytest.fixture
def curve(two: tuple[Any, ...]) -> dict[str, Any]:
    p, labels, subjects = two
    others = {"prior": np.full(len(p), (labels == 1).mean()), "reversed": p[:, 0]}
    return decision_curve(p[:, 1], labels == 1, subjects, others, resamples=200)


def test_model_defaults_and_baselines(curve: dict[str, Any], two: tuple[Any, ...]) -> None:
    _, labels, _ = two
    prevalence = (labels == 1).mean()
    t = THRESHOLDS
    assert curve["threshold"][0] == 0.01
    assert curve["threshold"][-1] == 0.6
    assert curve["treat_all"] == pytest.approx(prevalence - (1 - prevalence) * t / (1 - t), abs=1e-6)
    assert set(curve["treat_none"]) == {0.0}
    assert curve["model"][0] == pytest.approx(curve["treat_all"][0], abs=0.01)
    assert curve["model"][39] > max(curve["treat_all"][39], 0) + 0.05
    assert curve["baselines"]["prior"][9] == pytest.approx(curve["treat_all"][9], abs=1e-6)
    assert curve["baselines"]["reversed"][39] < curve["model"][39]
    for lo, value, hi in zip(curve["lo"], curve["model"], curve["hi"], strict=True):
        assert lo <= value <= hi
    assert len(curve["model"]) == len(curve["lo"]) == 60


def test_the_difference_to_the_defaults_has_an_interval(curve: dict[str, Any]) -> None:
    gain = curve["over_default"]
    assert gain["value"][39] == pytest.approx(curve["model"][39] - max(curve["treat_all"][39], 0), abs=2e-6)
    assert gain["lo"][39] > 0
    assert gain["lo"][0] <= gain["value"][0] <= gain["hi"][0]
    shown = table(curve)
    assert [row[0] for row in shown["rows"]] == ["5%", "10%", "20%", "30%", "50%"]
    assert all(len(row) == len(shown["columns"]) for row in shown["rows"])
    assert "Vickers" in shown["note"]


def test_a_report_of_two_classes_has_it_and_of_three_not(
    two: tuple[Any, ...], three: tuple[Any, ...], make_task: Callable[..., Task]
) -> None:
    p, labels, subjects = two
    settings: dict[str, Any] = {"split": "test", "threshold": 0.5, "resamples": 20}
    report = build_report(task=make_task(), probabilities=p, labels=labels, subjects=subjects, **settings)
    assert len(report.curves["decision_curve"]["model"]) == 60
    assert report.curves["tables"][0]["title"] == "Net benefit"
    p, labels = three
    many = build_report(
        task=make_task(classes=("a", "b", "c")),
        probabilities=p,
        labels=labels,
        subjects=np.arange(len(p)).astype(str),
        **settings,
    )
    assert "decision_curve" not in many.curves
    only = build_report(
        task=make_task(),
        probabilities=two[0],
        labels=np.ones(400, int),
        subjects=subjects,
        **settings,
    )
    assert "decision_curve" not in only.curves
