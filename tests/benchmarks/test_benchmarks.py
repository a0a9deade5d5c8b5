"""Each benchmark runs with its smallest options and prints one document of the promised shape; no timing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SETTINGS = ["--set", "epochs=1", "--set", "rounds=5", "--set", "folds=2", "--set", "mlflow=false"]
SMALLEST = {
    "imaging_training": ["--rounds", "1", "--epochs", "1", "--batch", "16", "--images", "32"],
    "imaging_serving": ["--rounds", "1", "--repeats", "1", "--side", "64", "--images", "12"],
    "start": ["--repeats", "1", "--predictions", "1"],
    "imaging_accuracy": ["--only", "breast"],
    "imaging_gate": ["--images", "2", "--xrays", "5"],
    "dicom_reading": ["--files", "5"],
    "signals_genes": ["--seeds", "1", "--folds", "2", "--only", "golub", "--without-peers"],
    "signals_training": ["--stays", "60", "--epochs", "1", "--rounds", "5", "--turns", "1"],
    "signals_streaming": [
        "--patients", "10", "--folds", "2", "--rounds", "5", "--epochs", "1", "--learners", "lightgbm,gru",
        "--checked", "20",
    ],
    "signals_glucose": ["--only", "T1DM", "--rounds", "5", "--repeats", "1", *SETTINGS],
    "signals_sepsis": ["--patients", "300", *SETTINGS],
    "signals_survival": ["--only", "metabric", "--repeats", "1", "--trees", "0", "--rows", "150", "--sizes", "100"],
    "surgery_search": ["--rounds", "1", "--sizes", "64", "128", "--without", "mcp", "dijkstra3d", "memory"],
    "surgery_safety": ["--plans", "6", "--peer-plans", "0", "--blocked", "2"],
    "surgery_motion": ["--seeds", "1", "--lines", "1", "--speed", "40", "--without-harder"],
    "surgery_registration": [
        "--configurations", "1", "--trials", "100", "--outlier-trials", "10", "--runs", "1",
    ],
    "surgery_trajectories": ["--rounds", "1", "--candidates", "300", "--targets", "left_hippocampus"],
    "records": [
        "--resources", "150", "--peer-resources", "100", "--searches", "60", "--rounds", "1", "--kills", "1",
        "--without", "postgresql", "medplum",
    ],
}  # fmt: skip
FIGURES = {
    "imaging_training": {"overhead", "overhead_vs_unaugmented"},
    "imaging_serving": {
        "fp32_speedup", "int8_speedup", "fp32_max_abs_diff", "int8_max_abs_diff", "int8_correlation",
    },
    "start": {"help_cpu_s", "predict_cpu_s", "predict_peak_rss_mb", "server_rss_mb"},
    "imaging_accuracy": set(),
    "imaging_gate": {"least_auroc"},
    "dicom_reading": {"tracebacks", "slowest_s"},
    "signals_genes": {"golub_balanced_accuracy"},
    "signals_training": {"network_overhead", "trees_overhead"},
    "signals_streaming": {"updates_per_s", "p99_ms", "max_abs_difference"},
    "signals_glucose": set(),
    "signals_sepsis": set(),
    "signals_survival": set(),
    "surgery_search": {"growth", "astar_cpu_s", "unreachable_cpu_s"},
    "surgery_safety": set(),
    "surgery_motion": {
        "tip_error_nominal_mm", "tip_error_disturbed_mm", "rcm_drift_mm", "stop_ms", "limits_exceeded",
    },
    "surgery_registration": set(),
    "surgery_trajectories": {
        "candidates", "cpu_s", "ranking_identical", "least_clearance_mm", "largest_angle_deg",
    },
    "records": {
        "ingest_resources_per_s", "http_ingest_resources_per_s", "search_per_s", "validate_speedup", "erase_seconds",
    },
}  # fmt: skip
QUICK = ["epochs=1", "folds=2", "baseline=false", "shortcut_probe=false", "mlflow=false", "quantise=false"]


def run(name: str, *options: str, data: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), *SMALLEST[name], *options],
        env=os.environ | {"SUWEN_DATA": str(data), "SUWEN_HOME": str(home)},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_every_benchmark_is_listed() -> None:
    """The Makefile runs every file whose name does not begin with an underscore."""
    present = {path.stem for path in FOLDER.glob("[!_]*.py")}
    assert present == set(SMALLEST)
    described = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}.py`" in described for name in present)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_prints_one_document(name: str, data_dir: Path, home: Path) -> None:
    extra = [word for setting in QUICK for word in ("--set", setting)] if name == "imaging_accuracy" else []
    done = run(name, "--json", *extra, data=data_dir, home=home)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["benchmark"] == name
    assert {"cpu", "cores", "python", "packages"} <= set(document["machine"])
    assert document["targets"]
    for figure in FIGURES[name]:
        assert isinstance(document[figure], int | float), figure
    PARTICULARS.get(name, lambda _: None)(document)


def _start(document: dict[str, Any]) -> None:
    assert document["torch_loaded"] is False
    assert document["predicted"]


def _serving(document: dict[str, Any]) -> None:
    assert document["fp32_max_abs_diff"] <= 1e-4
    assert document["images"] == "cxr_nih"


def _accuracy(document: dict[str, Any]) -> None:
    found = document["breast"]
    assert found["validation"]["auroc"]["lo"] <= found["validation"]["auroc"]["value"]
    assert found["train_cpu_s"] > 0


def _gate(document: dict[str, Any]) -> None:
    assert not document["absent"]
    assert {"white noise", "DICOM CT", "brain MR (brain4)"} <= set(document["outliers"])


def _dicom(document: dict[str, Any]) -> None:
    assert document["tracebacks"] == 0
    assert sum(document["outcomes"].values()) == document["files"] == 5


def _records(document: dict[str, Any]) -> None:
    kills = document["kills"]
    assert kills["kills"] == kills["ledger_in_order"] == 1
    assert kills["acknowledged_lost"] == kills["half_transactions"] == 0
    assert kills["problems"] == []
    growth = document["search_growth"]
    assert set(growth["same_result_ms"]) == {"1x", "3x", "10x"}
    assert len(set(growth["same_result_resources_found"].values())) == 1
    assert document["naive"]["does_not"]
    assert document["validation"]["verdicts_compared"] > document["validation"]["observations"]
    assert document["erase"]["ledger_in_order_afterwards"]


def _streaming(document: dict[str, Any]) -> None:
    assert document["max_abs_difference"] <= 1e-5
    assert document["updates"] > document["patients"] == 10


PARTICULARS = {
    "signals_streaming": _streaming,
    "records": _records,
    "start": _start,
    "imaging_serving": _serving,
    "imaging_accuracy": _accuracy,
    "imaging_gate": _gate,
    "dicom_reading": _dicom,
}


@pytest.mark.slow
def test_without_data_it_says_so(tmp_path: Path, home: Path) -> None:
    """A benchmark on a machine without the data still runs, and admits what it ran on."""
    done = run("imaging_training", "--json", data=tmp_path, home=home)
    assert done.returncode == 0, done.stderr
    assert "synthetic" in json.loads(done.stdout)["data"]
    done = run("imaging_gate", data=tmp_path, home=home)
    assert done.returncode == 0, done.stderr
    assert "cxr_nih" in done.stdout
