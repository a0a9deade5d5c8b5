"""Recalibration of hazards puts right what was made wrong, and the slope finds what is left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.engines.survival.curves import recalibrated, survival
from suwen.lifecycle.evaluation.survival_calibration import fit_calibration, hazard_slope
from suwen.lifecycle.evaluation.survival_censoring import kaplan_meier

GRID = np.geomspace(0.05, 2.0, 12)


def cohort(seed: int, n: int = 2000) -> tuple[Any, Any, Any]:
    """Log risks, times and events of exponential hazards."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    latent, end = rng.exponential(np.exp(-risk)), rng.exponential(3.0, n)
    return risk, np.minimum(latent, end), latent <= end


def test_exaggerated_and_shifted_hazards_are_put_right_on_others() -> None:
    risk, time, event = cohort(0)
    wrong = 2 * risk[:, None] + np.log(GRID) + 0.7
    calibration = fit_calibration(wrong, GRID, time, event)
    assert calibration["slope"] == pytest.approx(0.5, abs=0.051)
    other, *_ = cohort(1)
    right = survival(other[:, None] + np.log(GRID))
    found = survival(recalibrated(2 * other[:, None] + np.log(GRID) + 0.7, calibration))
    assert np.abs(found - right).mean() < 0.03
    assert np.abs(survival(2 * other[:, None] + np.log(GRID) + 0.7) - right).mean() > 0.1


def test_the_mean_curve_is_kaplan_meiers() -> None:
    risk, time, event = cohort(2, 500)
    scores = risk[:, None] + 3 * np.log(GRID)
    calibration = fit_calibration(scores, GRID, time, event)
    found = survival(recalibrated(scores, calibration)).mean(0)
    np.testing.assert_allclose(found, kaplan_meier(time, event).at(GRID), atol=5e-3)


def test_the_slope_is_that_of_a_cox_model_on_each_resample() -> None:
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    risk, time, event = cohort(3, 200)
    weights = np.random.default_rng(0).integers(0, 3, size=(2, 200)).astype(float)
    weights[0] = 1
    found = hazard_slope(1.6 * risk, time, event, weights)
    for row, slope in enumerate(found):
        taken = np.repeat(np.arange(200), weights[row].astype(int))
        table = pandas.DataFrame({"x": 1.6 * risk[taken], "time": time[taken], "event": event[taken]})
        expected = lifelines.CoxPHFitter().fit(table, "time", "event").params_["x"]
        # Repeated rows are ties, which lifelines treats after Efron.
        assert slope == pytest.approx(expected, abs=1e-4 if row == 0 else 0.03)


def test_risks_without_differences_have_no_slope() -> None:
    _, time, event = cohort(4, 100)
    assert np.isnan(hazard_slope(np.zeros(100), time, event, np.ones((1, 100)))).all()
