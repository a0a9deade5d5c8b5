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


def event1(p: Any, labels: Any, cut: float) -> float:
    called, truth = p[:, 1] >= cut, labels == 1
    return float((called & truth).sum() / max(called.sum(), truth.sum()))


def rare(n: int, seed: int, *, optimism: float = 0.0) -> tuple[Any, Any]:
    """Calibrated probabilities (n, 2) of a condition of 14%, and labels; AUROC about .86."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.14).astype(int)
    odds = 1.55 * (rng.normal(size=n) + 1.55 * (labels - 0.5)) + np.log(0.14 / 0.86) + optimism
    return columns((1 / (1 + np.exp(-odds))).tolist()), labels


@pytest.mark.parametrize("optimism", [0.0, 1.0])
def test_event1_is_where_sensitivity_and_ppv_cross(optimism: float) -> None:
    p, labels = rare(4000, 7, optimism=optimism)
    called = p[:, 1] >= threshold(p, labels, 1, "event1")
    wanted = labels.sum() if optimism else p[:, 1].sum()  # probabilities that cannot be are not believed
    assert abs(called.sum() - wanted) <= 1
    assert called[labels == 1].mean() == pytest.approx(labels[called].mean(), abs=0.05)
    best = max(event1(p, labels, cut) for cut in p[:, 1])
    assert event1(p, labels, threshold(p, labels, 1, "event1")) > best - 0.03


def test_event1_beside_ties_takes_the_better_cut() -> None:
    # About two positives are expected: calling one finds half of them, calling five is right in 2 of 5.
    p, labels = columns([0.1, 0.3, 0.3, 0.3, 0.3, 0.8]), np.array([0, 0, 1, 0, 0, 1])
    assert threshold(p, labels, 1, "event1") == pytest.approx(0.55)
    assert threshold(p[1:5], np.array([1, 0, 1, 0]), 1, "event1") == pytest.approx(0.15)
    assert threshold(columns([0.1, 0.7, 0.7]), np.array([0, 1, 0]), 1, "event1") == pytest.approx(0.4)
    assert threshold(columns([0.5, 0.5]), np.array([0, 1]), 1, "event1") == pytest.approx(0.25)


def test_event1_is_steadier_than_the_highest_peak() -> None:
    """Fixed on one sample and used on another, the crossing gains, and moves less."""
    new, truth = rare(40_000, 99)
    gained, cuts = [], []
    for seed in range(40):
        p, labels = rare(600, seed)
        scores = np.unique(p[:, 1])
        peak = scores[int(np.argmax([event1(p, labels, cut) for cut in scores]))]
        cuts.append((threshold(p, labels, 1, "event1"), peak))
        gained.append(event1(new, truth, cuts[-1][0]) - event1(new, truth, peak))
    assert np.mean(gained) > 0.005
    assert np.std([crossing for crossing, _ in cuts]) < 0.7 * np.std([peak for _, peak in cuts])


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


def test_a_probability_fixed_in_advance_is_taken_as_it_is(two: Any) -> None:
    p, labels, _ = two
    assert threshold(p, labels, 1, "probability>=0.5") == 0.5
    assert threshold(p[:, ::-1], 1 - labels, 0, "probability >= .25") == 0.25


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
