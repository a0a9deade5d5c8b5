"""Runs are logged to MLflow where it is installed, and trained all the same where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suwen.lifecycle.train import train

TASK = "imaging.pneumonia"


@pytest.fixture
def settings(quick: dict[str, Any]) -> dict[str, Any]:
    return quick | {"epochs": 2, "baseline": False, "quantise": False, "mlflow": True}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_run_is_logged_to_files_at_home(
    pictures_of: Callable[[str], Path],
    home: Path,
    tmp_path: Path,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    document = train(TASK, str(pictures_of(TASK)), tmp_path / "run", overrides=settings)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(home / "mlruns").as_uri())
    (logged,) = client.search_runs([client.get_experiment_by_name(TASK).experiment_id])
    assert logged.info.status == "FINISHED"
    assert logged.data.params["epochs"] == "2"
    assert logged.data.params["seed"] == "0"
    assert logged.data.tags["data_fingerprint"] == document["data_fingerprint"]
    value = document["validation"]["metrics"]["auroc"]["value"]
    assert logged.data.metrics["validation_auroc"] == pytest.approx(value)
    history = client.get_metric_history(logged.info.run_id, "validation_loss_member0")
    assert [point.step for point in history] == [0, 1]
    assert "report.html" in {one.path for one in client.list_artifacts(logged.info.run_id)}


def test_without_mlflow_nothing_is_missing(
    pictures_of: Callable[[str], Path],
    home: Path,
    tmp_path: Path,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    assert train(TASK, str(pictures_of(TASK)), tmp_path / "run", overrides=settings)["model"]
    assert not (home / "mlruns").exists()
