"""Survival from file to report: repeats of training rows are left out, wherever they stand, and it is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import LeakageFound
from suwen.lifecycle.evaluate import evaluate
from suwen.lifecycle.train import train

h5py = pytest.importorskip("h5py")
TASK = "signals.cancer_survival"
QUICK = {"learners": "cox,cox_splines", "folds": 2, "mlflow": False}


def cohort(n: int, seed: int) -> dict[str, Any]:
    """Covariates (n, 4), times and events; every fourth row repeats the one before."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    x[3::4] = x[2::4]
    latent = rng.exponential(10 * np.exp(-x[:, 0] - 0.5 * x[:, 1] ** 2))
    end = rng.exponential(15, n)
    return {"x": x, "t": np.minimum(latent, end) + 0.01, "e": (latent <= end).astype(np.int32)}


def written(path: Path, groups: Mapping[str, Mapping[str, Any]]) -> Path:
    with h5py.File(path, "w") as file:
        for name, arrays in groups.items():
            for key, values in arrays.items():
                file[f"{name}/{key}"] = values
    return path


def with_repeats(test: dict[str, Any], trained: dict[str, Any], count: int) -> dict[str, Any]:
    """The test rows, and as many of the training rows behind them."""
    return {key: np.concatenate([test[key], trained[key][:count]]) for key in test}


def test_a_test_file_that_repeats_training_rows(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    known, test = cohort(240, 0), cohort(100, 1)
    source = written(tmp_path / "train.h5", {"train": known})
    document = train(TASK, str(source), tmp_path / "run", overrides=QUICK)
    assert {"train", "validation"} == set(document["counts"])
    assert document["validation"]["n"] == 240  # everybody is scored by a model that has not seen them
    later = written(tmp_path / "test.h5", {"test": with_repeats(test, known, 150)})
    found = evaluate(str(tmp_path / "run"), str(later))
    assert found["split"] == "test"
    assert found["n"] == 100
    assert any("150 samples were left out" in warning for warning in found["warnings"])
    assert found["metrics"]["c_index"]["value"] > 0.6
    assert set(found["metrics"]) >= {"c_index", "c_index_uno", "ibs", "auc_t", "conformal_coverage"}
    assert Path(found["report"]).read_text("utf-8").count("<table") >= 3


def test_a_file_with_both_parts(home: Path, tmp_path: Path) -> None:
    known, test = cohort(240, 0), cohort(100, 1)
    both = written(tmp_path / "both.h5", {"train": known, "test": with_repeats(test, known, 60)})
    with pytest.raises(LeakageFound):
        train(TASK, str(both), tmp_path / "refused", overrides=QUICK)
    train(TASK, str(both), tmp_path / "run", overrides={**QUICK, "accept_leakage": True})
    found = evaluate(str(tmp_path / "run"), str(both), split="test")
    assert found["n"] == 100
    assert any("60 samples were left out" in warning for warning in found["warnings"])


def test_the_published_rows_of_whas(home: Path, tmp_path: Path, data_dir: Path) -> None:
    """Its rows repeat patients, who stay together, and its ranking is the published one."""
    source = data_dir / "signals" / "survival" / "deepsurv_whas_train_test.h5"
    if not source.is_file():
        pytest.skip("WHAS is not among the shared data")
    document = train(TASK, str(source), tmp_path / "run", overrides={**QUICK, "learners": "cox", "folds": 5})
    figures = document["validation"]["metrics"]
    assert document["validation"]["n_subjects"] == 638
    assert 0.79 < figures["c_index"]["value"] < 0.84  # Cox on the official test rows: .816 (with repeats)
    assert figures["ibs"]["value"] < 0.15
    assert 0.88 < document["conformal"]["held_out_coverage"] < 0.92
