"""The promises on real X-rays: a logistic model on pixels, judged on a validation part it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suwen.lifecycle.evaluation.arrays import Context
from suwen.lifecycle.evaluation.bootstrap import estimates, replicates
from suwen.lifecycle.evaluation.calibration import apply_temperature, fit_calibration
from suwen.lifecycle.evaluation.conformal import fit_conformal, held_out_coverage
from suwen.lifecycle.evaluation.operating_point import threshold


@pytest.fixture(scope="module")
def scores(data_dir: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Over-confident logits (524, 2) and labels of the chest X-ray validation part."""
    from sklearn.linear_model import LogisticRegression

    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as archive:
        images = {
            part: archive[f"{part}_images"][:, ::2, ::2].reshape(-1, 196) / 255 for part in ("train", "val")
        }
        labels = {part: archive[f"{part}_labels"].ravel().astype(int) for part in ("train", "val")}
    model = LogisticRegression(C=10.0, max_iter=300, tol=1e-2).fit(images["train"], labels["train"])
    odds = 2.5 * model.decision_function(images["val"])
    return np.stack([-odds / 2, odds / 2], axis=1), labels["val"], [str(i) for i in range(len(odds))]


def test_scaling_brings_the_probabilities_back(scores: tuple[np.ndarray, np.ndarray, list[str]]) -> None:
    logits, labels, subjects = scores
    fitted = fit_calibration(logits, labels, subjects, seed=0)
    assert 1.5 < fitted.temperature < 4.5
    assert 0 < fitted.temperature_se < 1
    context, names = Context(positive=1), ["ece", "brier", "auroc", "calibration_slope"]
    before = estimates(replicates(apply_temperature(logits, 1), labels, subjects, context, names=names))
    after = estimates(
        replicates(apply_temperature(logits, fitted.temperature), labels, subjects, context, names=names)
    )
    assert after["ece"].value <= 0.05
    assert after["ece"].value < before["ece"].value
    assert after["brier"].value < before["brier"].value
    assert after["auroc"].value == pytest.approx(before["auroc"].value, abs=1e-6)
    assert before["calibration_slope"].hi < 1
    assert after["calibration_slope"].value == pytest.approx(1, abs=0.15)


def test_held_out_coverage_is_true(scores: tuple[np.ndarray, np.ndarray, list[str]]) -> None:
    logits, labels, subjects = scores
    p = apply_temperature(logits, fit_calibration(logits, labels, subjects).temperature)
    for seed in range(3):
        found = held_out_coverage(p, labels, subjects, seed=seed)
        assert 0.87 <= found.coverage <= 0.93
        assert 0.87 <= found.fixed <= 0.93
    context = Context(
        positive=1,
        threshold=threshold(p, labels, 1, "sensitivity>=0.95"),
        conformal_quantile=fit_conformal(p, labels),
    )
    figures = estimates(replicates(p, labels, subjects, context))
    assert figures["sensitivity"].value >= 0.95
    assert figures["conformal_coverage"].value == pytest.approx(0.9, abs=0.01)
    assert figures["conformal_coverage"].value + figures["conformal_empty"].value <= 1
