"""What every task keeps to when it learns: subjects stay whole, blanks stay blank, seeds decide."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suwen.core.documents import read_json
from suwen.lifecycle.collect import collect
from suwen.lifecycle.discovery import find
from suwen.lifecycle.partition import subject_key
from suwen.lifecycle.prepare import prepare
from suwen.lifecycle.train import train


def _table(source: Path) -> list[dict[str, str]]:
    with (source / "labels.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_subject_is_in_one_part(name: str, pictures_of: Callable[[str], Path], tmp_path: Path) -> None:
    document = prepare(name, str(pictures_of(name)), tmp_path / "out", seed=3)
    with (tmp_path / "out" / "splits.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts: dict[str, set[str]] = {}
    for row in rows:
        if row["split"]:
            parts.setdefault(row["subject"], set()).add(row["split"])
    assert {len(found) for found in parts.values()} == {1}
    assert set.union(*parts.values()) == {"train", "validation", "test"}
    assert len(rows) == len(_table(pictures_of(name))) > len(parts)
    assert document["counts"]["train"] > document["counts"]["validation"]


def test_a_blank_label_is_counted_apart_and_never_learned(
    name: str, pictures_of: Callable[[str], Path], tmp_path: Path, trained: Callable[[str], Any]
) -> None:
    source = pictures_of(name)
    table = _table(source)
    blanks = [at for at, row in enumerate(table) if not row["label"]]
    audited = collect(name, str(source), probe=False)
    assert audited["unlabelled"] == len(blanks) > 0
    classes = audited["labelled"]["unassigned"]
    assert sum(classes.values()) == len(table) - len(blanks)
    assert set(classes) == set(find(name).endpoint.classes)

    prepare(name, str(source), tmp_path)
    with (tmp_path / "splits.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["record"]) for row in rows if not row["split"]] == blanks
    assert {row["label"] for row in rows if not row["split"]} == {""}

    made = trained(name)
    assert made.document["counts"]["unlabelled"] == len(blanks)
    assert sum(made.document["counts"].values()) == len(table)
    remembered = read_json(made.run / "splits.json")
    only_blank = {row["subject_id"] for row in table} - {row["subject_id"] for row in table if row["label"]}
    assert only_blank
    assert not {subject_key(one) for one in only_blank} & set(remembered["subjects"])
    assert len(remembered["content"]) == len(table) - len(blanks)


def _weights(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.onnx").read_bytes()).hexdigest()


def test_the_seed_decides(
    name: str,
    trained: Callable[[str], Any],
    quick: dict[str, Any],
    home: Path,
    tmp_path: Path,
) -> None:
    made = trained(name)
    again = train(name, str(made.source), tmp_path / "again", overrides=quick)
    assert _weights(tmp_path / "again") == _weights(made.run)
    assert again["model"] == made.document["model"]
    assert again["data_fingerprint"] == made.document["data_fingerprint"]
    same = ("metrics", "baselines", "differences", "by_group", "warnings")
    assert {key: again["validation"][key] for key in same} == {
        key: made.document["validation"][key] for key in same
    }
    for key in ("calibration", "operating_point", "conformal", "counts"):
        assert again[key] == made.document[key]

    little = {**quick, "epochs": 1, "baseline": False, "quantise": False}
    other = train(name, str(made.source), tmp_path / "other", seed=1, overrides=little)
    assert _weights(tmp_path / "other") != _weights(made.run)
    assert other["model"] != made.document["model"]


def test_training_says_where_it_comes_from(name: str, trained: Callable[[str], Any]) -> None:
    made = trained(name)
    manifest = read_json(made.run / "model" / "manifest.json")
    for key in (
        *("task", "version", "created_at", "code_version", "data_fingerprint", "weights_sha256"),
        *("seed", "calibration", "operating_point", "conformal", "warnings", "files"),
    ):
        assert manifest[key] not in (None, ""), key
    weights = made.run / "model" / manifest["engine_manifest"]["weights"]
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == manifest["weights_sha256"]
    assert manifest["data_fingerprint"] == collect(name, str(made.source), probe=False)["fingerprint"]
    assert manifest["engine_manifest"]["settings"] == made.document["settings"]
    names = {row["file"] for row in _table(made.source)} | {row["subject_id"] for row in _table(made.source)}
    for path in made.run.rglob("*.json"):
        text = path.read_text("utf-8")
        assert not [one for one in names if f'"{one}"' in text], path.name


def test_the_model_has_its_baseline_beside_it(name: str, trained: Callable[[str], Any]) -> None:
    report = trained(name).document["validation"]
    (baseline,) = report["baselines"].values()
    assert set(baseline["auroc"]) == {"value", "lo", "hi"}
    assert any(key.startswith("auroc_minus_") for key in report["differences"])
    assert 0 <= report["metrics"]["auroc"]["lo"] <= report["metrics"]["auroc"]["hi"] <= 1


@pytest.mark.parametrize("key", ["epoch", "batchsize", "accept_leekage", "learning-rate"])
def test_an_unknown_setting_names_the_nearest(
    name: str, key: str, pictures_of: Callable[[str], Path], tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    said = suwen("train", name, "--from", pictures_of(name), "--run", run, "--set", f"{key}=1", "--json")
    assert said.code == 3
    error = said.document["error"]
    assert error["code"] == "unknown-setting"
    wanted = {"epoch": "epochs", "batchsize": "batch_size", "accept_leekage": "accept_leakage"}
    assert wanted.get(key, "learning_rate") in error["fix"]
    assert not run.exists()
