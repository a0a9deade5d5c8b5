"""Leakage stops a training, unless somebody answers for it or has reviewed it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json
from suwen.core.errors import BadInput, LeakageFound
from suwen.lifecycle.collect import read, silent
from suwen.lifecycle.deploy import deploy
from suwen.lifecycle.discovery import engine_for, find
from suwen.lifecycle.evaluate import evaluate
from suwen.lifecycle.partition import partition
from suwen.lifecycle.prepare import prepare
from suwen.lifecycle.settings import resolve
from suwen.lifecycle.train import train

TASK = "imaging.pneumonia"


def _parted(name: str, source: Path, **settings: Any) -> Any:
    task = find(name)
    engine = engine_for(task)
    samples, found = read(task, engine, str(source), probe=False, seed=0, progress=silent)
    return partition(task, engine, samples, found, resolve(task, engine, settings), 0), samples


@pytest.fixture
def planted(data_dir: Path, tmp_path: Path) -> Path:
    """A MedMNIST archive in which two validation pictures are training pictures."""
    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as real:
        parts = {}
        for part, n in (("train", 60), ("val", 30)):
            labels = real[f"{part}_labels"]
            chosen = np.concatenate([np.flatnonzero(labels[:, 0] == c)[:n] for c in (0, 1)])
            parts[f"{part}_images"], parts[f"{part}_labels"] = real[f"{part}_images"][chosen], labels[chosen]
    parts["val_images"][:2] = parts["train_images"][:2]
    path = tmp_path / "planted.npz"
    np.savez_compressed(path, **parts)
    return path


def test_the_same_picture_on_both_sides_stops(
    planted: Path, home: Path, tmp_path: Path, suwen: Callable[..., Any], listing: Callable[..., Any]
) -> None:
    before = listing(tmp_path)
    for words in (("train", TASK, "--run", tmp_path / "run"), ("prepare", TASK, "--out", tmp_path / "out")):
        said = suwen(*words, "--from", planted, "--json", *(
            ("--set", "shortcut_probe=false") if words[0] == "train" else ()
        ))  # fmt: skip
        assert said.code == 3
        error = said.document["error"]
        assert error["code"] == "leakage"
        assert "2 images are in both train and validation" in error["what"]
        assert "accept_leakage=true" in error["fix"]
    assert listing(tmp_path) == before


def test_accepted_leakage_is_written_into_the_card(
    planted: Path, home: Path, tmp_path: Path, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**quick, "epochs": 1, "accept_leakage": True}
    document = train(TASK, str(planted), tmp_path / "run", overrides=settings)
    manifest = read_json(tmp_path / "run" / "model" / "manifest.json")
    for warnings in (document["warnings"], manifest["warnings"]):
        assert any(w.startswith("LEAKAGE ACCEPTED") and "2 images" in w for w in warnings)
    monkeypatch.setitem(find(TASK).floor, "auroc", 0.0)
    folder = Path(deploy(tmp_path / "run")["folder"])
    assert "LEAKAGE ACCEPTED" in (folder / "card.md").read_text("utf-8")
    assert evaluate(str(tmp_path / "run"), str(planted), split="validation")["n"]


def test_a_subject_in_two_declared_parts_stops(
    pictures_of: Callable[[str], Path], tmp_path: Path, home: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(pictures_of(TASK), source)
    with (source / "labels.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for at, row in enumerate(rows):
        row["split"] = "train" if at % 4 < 2 else "validation"
    _write(source, rows)
    parted, _ = _parted(TASK, source)
    assert {s.split for s in parted.samples if s.target} == {"train", "validation"}

    rows[10]["split"] = "train" if rows[10]["split"] == "validation" else "validation"
    _write(source, rows)
    with pytest.raises(LeakageFound, match="1 subjects are in both train and validation"):
        prepare(TASK, str(source), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _write(source: Path, rows: list[dict[str, str]]) -> None:
    with (source / "labels.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_the_reviewed_defect_of_the_real_archive_is_repaired(data_dir: Path) -> None:
    parted, samples = _parted(TASK, data_dir / "imaging" / "pneumoniamnist.npz")
    counts = parted.counts()
    assert counts["validation"] == 524, "held-out pictures stay"
    assert 4690 <= counts["train"] < 4708
    dropped = len(samples) - len(parted.samples)
    assert parted.warnings[0].startswith("PneumoniaMNIST holds 8 images in both")
    assert f"{dropped} training copies were dropped" in parted.warnings[0]
    keys = {
        part: {s.inputs["image"].content_key() for s in parted.samples if s.split == part}
        for part in ("train", "validation")
    }
    assert not keys["train"] & keys["validation"]
    assert not any(warning.startswith("Leakage:") for warning in parted.warnings)


def test_the_review_holds_for_that_archive_only(data_dir: Path, tmp_path: Path) -> None:
    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as real:
        arrays = {key: real[key] for key in real.files}
    arrays["train_labels"] = arrays["train_labels"].copy()
    arrays["train_labels"][0] ^= 1
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(LeakageFound):
        _parted(TASK, tmp_path / "changed.npz")


def test_two_many_fractions_and_too_few_subjects_are_refused(
    pictures_of: Callable[[str], Path], tmp_path: Path, home: Path
) -> None:
    source = tmp_path / "few"
    source.mkdir()
    with (pictures_of(TASK) / "labels.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["label"]]
    kept = [*rows[:4], *rows[-4:]]
    for row in kept:
        shutil.copy(pictures_of(TASK) / row["file"], source / row["file"])
    _write(source, kept)
    with pytest.raises(BadInput) as refused:
        train(TASK, str(source), tmp_path / "run", overrides={"shortcut_probe": False})
    assert refused.value.code == "too-few-subjects"
    _write(source, kept[:4])
    with pytest.raises(BadInput):
        train(TASK, str(source), tmp_path / "run", overrides={"shortcut_probe": False})
    assert not (tmp_path / "run").exists()
