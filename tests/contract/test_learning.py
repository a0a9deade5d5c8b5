"""What every task keeps to when it learns: subjects stay whole, blanks stay blank, seeds decide."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specimens import Source, Specimen
from suwen.core.documents import read_json
from suwen.lifecycle.collect import collect
from suwen.lifecycle.discovery import find
from suwen.lifecycle.partition import subject_key
from suwen.lifecycle.prepare import prepare
from suwen.lifecycle.train import train


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "splits.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_subject_is_in_one_part(name: str, source: Source, tmp_path: Path) -> None:
    document = prepare(name, str(source.path), tmp_path, seed=3, overrides={"test_fraction": 0.2})
    rows = _rows(tmp_path)
    parts: dict[str, set[str]] = {}
    for row in rows:
        if row["split"]:
            parts.setdefault(row["subject"], set()).add(row["split"])
    assert {len(found) for found in parts.values()} == {1}
    assert set.union(*parts.values()) == {"train", "validation", "test"}
    assert len(rows) == source.records >= len(parts)
    assert document["counts"]["train"] > document["counts"]["validation"]


def test_a_blank_label_is_counted_apart_and_never_learned(
    name: str, source: Source, tmp_path: Path, trained: Callable[[str], Any]
) -> None:
    audited = collect(name, str(source.path), probe=False)
    assert audited["n"] == source.records
    assert audited["unlabelled"] == len(source.blanks)
    unlabelled = {"forecast", "computed"}
    assert source.blanks or find(name).endpoint.kind in unlabelled, (
        "a trace is its own label, a question has none"
    )
    assert not audited["unusable"]
    classes = audited["labelled"]["unassigned"]
    assert sum(classes.values()) == source.records - len(source.blanks)
    assert set(classes) == source.classes

    prepare(name, str(source.path), tmp_path)
    rows = _rows(tmp_path)
    assert [int(row["record"]) for row in rows if not row["split"]] == list(source.blanks)
    assert {row["label"] for row in rows if not row["split"]} <= {""}

    made = trained(name)
    assert made.document["counts"].get("unlabelled", 0) == len(source.blanks)
    assert sum(made.document["counts"].values()) == source.records
    remembered = read_json(made.run / "splits.json")
    assert bool(source.blank_subjects) == bool(source.blanks)
    assert not {subject_key(one) for one in source.blank_subjects} & set(remembered["subjects"])
    assert len(remembered["content"]) == source.records - len(source.blanks)


def _weights(run: Path) -> str:
    manifest = read_json(run / "model" / "manifest.json")
    return hashlib.sha256((run / "model" / manifest["engine_manifest"]["weights"]).read_bytes()).hexdigest()


class Killed(BaseException):
    """Stands for a signal 9: nothing of the house may catch it."""


def _killed_and_taken_up(name: str, source: Path, run: Path, specimen: Specimen) -> dict[str, Any]:
    """Train until something has been told so many times, die, and train again."""
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if len(told) == specimen.killed_at:
            raise Killed

    with pytest.raises(Killed):
        train(name, str(source), run, overrides=specimen.quick, progress=tell)
    assert not (run / "model" / "manifest.json").exists(), "nothing half-learned is a model"
    return train(name, str(source), run, overrides=specimen.quick)


def test_a_killed_training_ends_as_the_seed_decides(
    name: str, specimen: Specimen, trained: Callable[[str], Any], home: Path, tmp_path: Path
) -> None:
    made = trained(name)
    again = _killed_and_taken_up(name, made.source, tmp_path / "again", specimen)
    assert _weights(tmp_path / "again") == _weights(made.run)
    assert again["model"] == made.document["model"]
    assert again["data_fingerprint"] == made.document["data_fingerprint"]
    same = ("metrics", "baselines", "differences", "by_group", "warnings")
    assert {key: again["validation"][key] for key in same} == {
        key: made.document["validation"][key] for key in same
    }
    for key in ("calibration", "operating_point", "conformal", "counts"):
        assert again[key] == made.document[key]

    little = {**specimen.quick, **specimen.little}
    other = train(name, str(made.source), tmp_path / "other", seed=1, overrides=little)
    assert (_weights(tmp_path / "other") != _weights(made.run)) == specimen.learns
    assert other["model"] != made.document["model"], "the seed is told, whatever it changed"


def test_training_says_where_it_comes_from(name: str, source: Source, trained: Callable[[str], Any]) -> None:
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
    assert set(manifest["files"]) == {p.name for p in (made.run / "model").iterdir()} - {
        "manifest.json",
        "manifest.sig",
    }
    assert source.ids
    for path in made.run.rglob("*.json"):
        text = path.read_text("utf-8")
        assert not [one for one in source.ids if f'"{one}"' in text], path.name


def test_the_model_has_its_baselines_beside_it(
    name: str, specimen: Specimen, trained: Callable[[str], Any]
) -> None:
    report = trained(name).document["validation"]
    leading = specimen.leading
    assert report["baselines"]
    for beside, figures in report["baselines"].items():
        assert set(figures[leading]) == {"value", "lo", "hi"}
        assert f"{leading}_minus_{beside}" in report["differences"]
    own = report["metrics"][leading]
    assert own["lo"] <= own["value"] <= own["hi"]


def test_an_unknown_setting_names_the_nearest(
    name: str, misspelt: str, specimen: Specimen, source: Source, tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    said = suwen("train", name, "--from", source.path, "--run", run, "--set", f"{misspelt}=1", "--json")
    assert said.code == 3
    error = said.document["error"]
    assert error["code"] == "unknown-setting"
    assert specimen.misspelt[misspelt] in error["fix"]
    assert not run.exists()
