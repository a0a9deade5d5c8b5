from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from suwen.lifecycle.evaluation.arrays import Context
from suwen.lifecycle.evaluation.bootstrap import replicates
from suwen.lifecycle.evaluation.stress import each, stress_table

NAMES = ("hr", "sbp", "lactate", "noise")


@pytest.fixture
def ward() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4))
    labels = (x @ [1.0, 0.5, 1.5, 0.0] + rng.normal(size=600) > 0).astype(int)
    return x, labels, np.arange(600).astype(str)


def scorer(x: Any) -> Any:
    asked: list[tuple[str, ...]] = []

    def scores_without(names: Sequence[str]) -> Any:
        asked.append(tuple(names))
        kept = np.array([name not in names for name in NAMES])
        odds = (x * kept) @ [1.0, 0.5, 1.5, 0.0]
        p = 1 / (1 + np.exp(-odds))
        return np.stack([1 - p, p], axis=1)

    scores_without.asked = asked  # type: ignore[attr-defined]
    return scores_without


def test_the_largest_loss_comes_first_with_paired_intervals(ward: tuple[Any, Any, Any]) -> None:
    x, labels, subjects = ward
    scores = scorer(x)

    def measure(p: Any) -> Any:
        found = replicates(p, labels, subjects, Context(positive=1), names=["auroc"], resamples=200)
        return found["auroc"]

    groups = {**each(NAMES), "laboratory": ("lactate", "noise")}
    found = stress_table(scores, measure, groups, metric="AUROC")
    assert scores.asked == [(), *groups.values()]
    names = [row[0] for row in found["rows"]]
    assert names[0] == "nothing"
    assert set(names[1:3]) == {"lactate", "laboratory"}
    assert names[-1] == "noise"
    assert [row[1] for row in found["rows"] if row[0] == "laboratory"] == [2]
    by_name = {row[0]: row for row in found["rows"]}
    assert by_name["noise"][3] == "+0.000 (+0.000 to +0.000)"  # paired: exactly the same samples
    assert by_name["lactate"][3].startswith("−0.1")
    whole = float(measure(scores(()))[0])
    assert by_name["nothing"][2].startswith(f"{whole:.3f} (")


def test_a_figure_of_which_less_is_better_and_one_without_interval() -> None:
    errors = {(): 16.0, ("hr",): 19.5, ("sbp",): 15.9, ("lactate",): float("nan")}
    found = stress_table(
        lambda names: errors[tuple(names)],
        lambda value: np.array([value]),
        each(["sbp", "hr", "lactate"]),
        metric="RMSE",
        direction="lower",
        digits=1,
    )
    assert [row[0] for row in found["rows"]] == ["nothing", "hr", "sbp", "lactate"]
    assert [row[3] for row in found["rows"]] == ["", "+3.5", "−0.1", "undefined"]
    assert found["columns"][2] == "RMSE"
