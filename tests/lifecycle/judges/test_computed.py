"""Computed answers judged: means and worst cases over questions, with intervals, simpler methods beside them."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import UnknownSetting
from suwen.engines.solver.task import Figure
from suwen.lifecycle.judges.computed import ComputedJudge, decision, replicates

FIGURES = (
    Figure(name="found_fraction", of="found"),
    Figure(name="clearance_mm", of="clearance_mm", how="min"),
    Figure(name="tip_error_mm", of="tip", how="max"),
)
ROWS = np.array([[1, 2.0, 0.1], [0, np.nan, 0.4], [1, 1.5, np.nan], [1, 3.0, 0.2]])
SUBJECTS = ["a", "b", "c", "d"]


def test_a_figure_is_the_mean_or_the_worst_of_those_it_applies_to() -> None:
    found = replicates(FIGURES, ROWS, SUBJECTS)
    assert found["found_fraction"][0] == 0.75
    assert found["clearance_mm"][0] == 1.5
    assert found["tip_error_mm"][0] == 0.4


def test_resamples_are_those_of_whole_subjects() -> None:
    found = replicates(FIGURES, ROWS, ["a", "a", "b", "b"], resamples=400, seed=1)
    share = found["found_fraction"][1:]
    assert set(np.unique(share)) == {0.5, 0.75, 1.0}, "two subjects: one twice, or both"
    assert 0.4 < np.mean(share == 0.75) < 0.6
    worst = found["clearance_mm"][1:]
    assert set(np.unique(worst)) == {1.5, 2.0}
    other = replicates(FIGURES, ROWS, ["a", "a", "b", "b"], resamples=400, seed=2)
    assert not np.array_equal(other["found_fraction"], found["found_fraction"])


def test_what_applies_to_nothing_is_not_reported() -> None:
    rows = np.full((3, 3), np.nan)
    rows[:, 1] = [2.0, 1.0, np.nan]
    assert set(replicates(FIGURES, rows, ["a", "b", "c"])) == {"clearance_mm"}


def test_nothing_has_a_threshold() -> None:
    made = decision(("straight",))
    assert made["operating_point"] == {"rule": "certified", "threshold": None}
    assert made["baselines"] == {"straight": None}
    ComputedJudge().rule("certified")
    with pytest.raises(UnknownSetting, match="its own check"):
        ComputedJudge().rule("sensitivity>=0.9")
