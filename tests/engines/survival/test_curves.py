"""Curves from hazards: medians, times, and recalibration that never lets survival rise."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.engines.survival.curves import hazard_at, prognostic_index, recalibrated, risk, survival, time_of

GRID = np.array([2.0, 4.0, 8.0])
HAZARD = np.log(np.array([[0.2, 0.6, 1.0], [0.1, 0.1, 0.2]]))


def test_hazards_are_linear_between_the_times() -> None:
    assert hazard_at(HAZARD, GRID, np.array([1.0, 6.0])).tolist() == pytest.approx([0.1, 0.15])
    assert hazard_at(HAZARD, GRID, np.array([8.0, 100.0])).tolist() == pytest.approx([1.0, 0.2])


def test_the_median_is_where_survival_is_one_half() -> None:
    first, second = time_of(HAZARD, GRID, float(np.log(2)))
    assert first == pytest.approx(4 + 4 * (np.log(2) - 0.6) / 0.4)
    assert second == np.inf
    assert np.exp(-hazard_at(HAZARD[:1], GRID, np.array([first])))[0] == pytest.approx(0.5)


def test_survival_and_risk() -> None:
    assert survival(HAZARD)[0, 2] == pytest.approx(np.exp(-1))
    assert risk(HAZARD)[0] == pytest.approx(1 - np.exp([-0.2, -0.6, -1.0]).mean())
    np.testing.assert_allclose(np.exp(prognostic_index(HAZARD)), [0.6, 0.4 / 3])
    np.testing.assert_allclose(prognostic_index(HAZARD + 1.5), prognostic_index(HAZARD) + 1.5)


def test_one_late_time_does_not_rule_the_risk() -> None:
    """Of two whose curves cross, the one that is mostly worse is at higher risk, however steep the other ends."""
    crossing = np.log(np.array([[0.4, 0.8, 0.9], [0.1, 0.2, 30.0]]))
    assert risk(crossing)[0] > 1 - np.exp([-0.1, -0.2, -30.0]).mean()
    assert risk(crossing)[0] > risk(crossing)[1]


def test_recalibration_moves_and_never_falls() -> None:
    calibration = {"slope": 0.5, "centre": [0.0, 0.0, 0.0], "offset": [-1.0, -1.0, 0.0]}
    found = recalibrated(np.array([[2.0, 0.0, 1.0]]), calibration)
    assert found.tolist() == [[0.0, 0.0, 0.5]]
    assert recalibrated(np.array([[2.0, 0.0]]), {}).tolist() == [[2.0, 2.0]]
