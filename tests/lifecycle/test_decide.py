"""From logits to a decision: by what validation fixed, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.documents import plain
from suwen.core.engine import Raw
from suwen.lifecycle.decide import decide, fit_decision
from suwen.lifecycle.discovery import find

TASK = find("imaging.pneumonia")


@pytest.fixture(scope="module")
def fixed() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    shift = 2.5 * (2 * labels - 1) + rng.normal(0, 2, 400)
    logits = np.stack([-shift, shift], 1)
    subjects = [str(n // 2) for n in range(400)]
    return plain(fit_decision(logits, labels, subjects, positive=1, rule="sensitivity>=0.95", seed=0))  # type: ignore[no-any-return]


def _decided(fixed: dict[str, Any], margin: float, members: tuple[float, ...] = (0.0,)) -> Any:
    each = np.array([[-(margin + d) / 2, (margin + d) / 2] for d in members])
    return decide(TASK, fixed, Raw(logits=each.mean(0), members=each))


def test_probability_decision_and_set_agree(fixed: dict[str, Any]) -> None:
    last = 0.0
    for margin in np.linspace(-12, 12, 49):
        scores = _decided(fixed, margin)
        assert sum(scores.probabilities.values()) == pytest.approx(1)
        assert scores.probability >= last
        last = scores.probability
        assert (scores.decision == "pneumonia") == (scores.probability >= scores.threshold)
        assert 0 <= scores.interval[0] <= scores.probability <= scores.interval[1] <= 1
    assert _decided(fixed, 12).conformal_set == ("pneumonia",)
    assert _decided(fixed, -12).conformal_set == ("normal",)


def test_members_that_disagree_widen_the_interval(fixed: dict[str, Any]) -> None:
    def width(spread: float) -> float:
        low, high = _decided(fixed, 0.0, (-spread, 0.0, spread)).interval
        return float(high - low)

    assert width(0.0) < width(1.0) < width(4.0)


def test_the_temperature_is_applied(fixed: dict[str, Any]) -> None:
    temperature = fixed["calibration"]["temperature"]
    assert _decided(fixed, 2.0).probability == pytest.approx(1 / (1 + np.exp(-2.0 / temperature)))
    assert 0.87 <= fixed["conformal"]["held_out_coverage"] <= 0.93
