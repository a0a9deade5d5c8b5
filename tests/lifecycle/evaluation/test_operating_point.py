from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, UnknownSetting
from suwen.lifecycle.evaluation.operating_point import parse_rule, threshold


def rates(p: Any, labels: Any, cut: float) -> tuple[float, float]:
    called, truth = p[:, 1] >= cut, labels == 1
    return float(called[truth].mean()), float((~called)[~truth].mean())


def columns(scores: list[float]) -> Any:
    p = np.array(scores)
    return np.stack([1 - p, p], axis=1)


@pytest.mark.parametrize("least", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_rules_hold_and_are_tight(two: Any, least: float) -> None:
    p, labels, _ = two
    scores = np.unique(p[:, 1])
    cut = threshold(p, labels, 1, f"sensitivity>={least}")
    assert rates(p, labels, cut)[0] >= least
    above = scores[scores >= cut][0]
    assert rates(p, labels, np.nextafter(above, 2))[0] < least
    cut = threshold(p, labels, 1, f"specificity>={least}")
    assert rates(p, labels, cut)[1] >= least
    below = scores[scores < cut][-1]
    assert rates(p, labels, below)[1] < least


def test_youden_is_the_best_sum(two: Any) -> None:
    p, labels, _ = two
    best = max(sum(rates(p, labels, cut)) for cut in np.unique(p[:, 1]))
    assert sum(rates(p, labels, threshold(p, labels, 1, "youden"))) == pytest.approx(best)


def test_the_threshold_lies_between_neighbouring_scores() -> None:
    p, labels = columns([0.1, 0.2, 0.6, 0.9]), np.array([0, 0, 1, 1])
    assert threshold(p, labels, 1, "sensitivity>=0.95") == pytest.approx(0.4)
    assert threshold(p, labels, 1, "sensitivity>=0.5") == pytest.approx(0.75)
    assert threshold(p, labels, 1, "specificity>=1") == pytest.approx(0.4)
    assert threshold(p, labels, 1, "youden") == pytest.approx(0.4)
    assert threshold(p[:, ::-1], 1 - labels, 0, " Youden ") == pytest.approx(0.4)


def test_edges() -> None:
    saturated, labels = columns([0.0, 1.0, 1.0, 1.0]), np.array([0, 0, 1, 1])
    assert 1 < threshold(saturated, labels, 1, "specificity>=0.95") < 1.001  # never positive
    assert threshold(saturated, labels, 1, "sensitivity>=1") == 0.5
    near = columns([0.5, float(np.nextafter(0.5, 1))])
    assert threshold(near, np.array([0, 1]), 1, "youden") == near[1, 1]


@pytest.mark.parametrize(
    "rule", ["", "best", "sensitivity>0.9", "sensitivity>=95", "specificity>=0", "f1>=.9"]
)
def test_unknown_rules_are_refused(rule: str) -> None:
    with pytest.raises(UnknownSetting, match="youden"):
        parse_rule(rule)


def test_one_class_has_no_operating_point(two: Any) -> None:
    p, labels, _ = two
    with pytest.raises(BadInput, match="positive and negative"):
        threshold(p[labels == 1], labels[labels == 1], 1, "youden")
