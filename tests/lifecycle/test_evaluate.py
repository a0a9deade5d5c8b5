"""Judging a model: on which samples, and what the document says."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json
from suwen.core.errors import BadInput, Conflict, NotFound
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.evaluate import evaluate
from suwen.lifecycle.evaluation.calibration import apply_temperature
from suwen.lifecycle.partition import recall, subject_key
from suwen.lifecycle.predict import predict

TASK = "imaging.pneumonia"


def _parts_of(made: Any) -> dict[str, list[Path]]:
    """Files of each part, as the run remembers its subjects."""
    remembered = recall(made.run / "splits.json")["subjects"]
    parts: dict[str, list[Path]] = {}
    with (made.source / "labels.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["label"]:
                part = remembered[subject_key(row["subject_id"])]
                parts.setdefault(part, []).append(made.source / row["file"])
    return parts


def _subset(made: Any, folder: Path, keep: Callable[[dict[str, str]], bool], **columns: str) -> Path:
    """A source with some of the rows, and further columns."""
    folder.mkdir()
    with (made.source / "labels.csv").open(encoding="utf-8") as table:
        rows = [row | columns for row in csv.DictReader(table) if keep(row)]
    for row in rows:
        shutil.copy(made.source / row["file"], folder / row["file"])
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_the_part_held_out_by_the_run_itself_is_judged(workshop: Callable[..., Any]) -> None:
    made = workshop()
    document = evaluate(str(made.run), str(made.source), split="test")
    assert document["split"] == "test"
    assert document["n"] == made.document["counts"]["test"] == len(_parts_of(made)["test"])
    assert document["n_subjects"] < document["n"]
    assert evaluate(str(made.run), str(made.source))["n"] == document["n"], "test is the default"
    other = evaluate(str(made.run), str(made.source), split="val")
    assert other["split"] == "validation"
    for metric, estimate in made.document["validation"]["metrics"].items():
        if metric not in {"ece"}:
            assert other["metrics"][metric]["value"] == pytest.approx(estimate["value"], abs=1e-5), metric


def test_the_figures_are_those_of_the_predictions(deployed: Callable[..., Any]) -> None:
    from sklearn.metrics import roc_auc_score

    made = deployed()
    files = _parts_of(made)["test"]
    truth = [int(path.name.startswith("1-")) for path in files]
    document = evaluate(str(made.run), str(made.source), split="test")
    served = models.load(find(TASK)).served
    samples = [sample for path in files for sample in find(TASK).read(path)]
    temperature = models.load(find(TASK)).manifest["calibration"]["temperature"]
    share = apply_temperature(served.logits(samples), temperature)[:, 1]
    assert document["metrics"]["auroc"]["value"] == pytest.approx(roc_auc_score(truth, share))
    assert document["metrics"]["brier"]["value"] == pytest.approx(np.mean((share - truth) ** 2), abs=1e-6)
    answered = predict(TASK, files)
    for prediction, expected in zip(answered, share, strict=True):
        if prediction.output:
            assert prediction.output.probability == pytest.approx(expected, abs=1e-6)
            low, high = prediction.output.interval
            assert low <= prediction.output.probability <= high


def test_the_document_has_every_key_and_is_the_same_each_time(workshop: Callable[..., Any]) -> None:
    made = workshop()
    first = evaluate(str(made.run), str(made.source), split="test")
    second = evaluate(str(made.run), str(made.source), split="test")
    drop = {"created_at"}
    assert {k: v for k, v in first.items() if k not in drop} == {
        k: v for k, v in second.items() if k not in drop
    }
    assert {"task", "n", "metrics", "baselines", "passed"} <= set(first)
    wanted = {
        *("auroc", "auprc", "accuracy", "sensitivity", "specificity", "ppv", "npv"),
        *("brier", "ece", "calibration_slope", "conformal_coverage"),
    }
    assert wanted <= set(first["metrics"])
    for estimate in first["metrics"].values():
        assert set(estimate) == {"value", "lo", "hi"}
    assert set(first["baselines"]) == {"hog_logistic"}
    assert {"auroc", "accuracy"} <= set(first["baselines"]["hog_logistic"])
    assert {"site=north", "site=south"} <= set(first["by_group"]) or any(
        "site" in warning for warning in first["warnings"]
    )
    folder = made.run / "reports" / "test"
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "report.json", "roc.png", "pr.png", "reliability.png", "confusion.png",
        "risk_coverage.png", "decision_curve.png",
    }  # fmt: skip
    assert read_json(folder / "report.json")["metrics"] == first["metrics"]
    page = (folder / "report.html").read_text("utf-8")
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_another_source_is_judged_less_what_was_learned(workshop: Callable[..., Any], tmp_path: Path) -> None:
    made = workshop()
    parts = _parts_of(made)
    learned = {path.name for path in parts["train"][:10]}
    fresh = {path.name for path in parts["test"]}
    source = _subset(made, tmp_path / "mixed", lambda row: row["file"] in learned | fresh)
    document = evaluate(str(made.run), str(source))
    assert document["split"] == "test"
    assert document["n"] == len(fresh)
    assert any("10 samples were left out" in warning for warning in document["warnings"])


def test_other_pictures_of_a_subject_learned_from_are_left_out(
    workshop: Callable[..., Any], tmp_path: Path
) -> None:
    made = workshop()
    parts = _parts_of(made)
    fresh = {path.name for path in parts["test"]}
    source = _subset(made, tmp_path / "renamed", lambda row: row["file"] in fresh)
    remembered = recall(made.run / "splits.json")["subjects"]
    with (made.source / "labels.csv").open(encoding="utf-8") as table:
        one = next(
            row["subject_id"]
            for row in csv.DictReader(table)
            if remembered.get(subject_key(row["subject_id"])) == "train"
        )
    text = (source / "labels.csv").read_text("utf-8").splitlines()
    text[1] = ",".join([one, *text[1].split(",")[1:]])
    (source / "labels.csv").write_text("\n".join(text) + "\n", "utf-8")
    document = evaluate(str(made.run), str(source))
    assert document["n"] == len(fresh) - 1


def test_a_source_with_nothing_new_is_refused(workshop: Callable[..., Any], tmp_path: Path) -> None:
    made = workshop()
    learned = {path.name for path in _parts_of(made)["train"]}
    source = _subset(made, tmp_path / "old", lambda row: row["file"] in learned)
    with pytest.raises(BadInput, match="no labelled sample is left"):
        evaluate(str(made.run), str(source))


def test_declared_parts_are_used(workshop: Callable[..., Any], tmp_path: Path) -> None:
    made = workshop()
    fresh = {path.name for path in _parts_of(made)["test"]}
    source = _subset(made, tmp_path / "parts", lambda row: row["file"] in fresh, split="val")
    assert evaluate(str(made.run), str(source), split="validation")["n"] == len(fresh)
    assert evaluate(str(made.run), str(source))["split"] == "validation"
    with pytest.raises(NotFound, match="no part 'test'") as refused:
        evaluate(str(made.run), str(source), split="test")
    assert refused.value.code == "no-split"
    assert "It has: validation" in str(refused.value)


@pytest.mark.parametrize("split", ["nonsense", "../../outside", "holdout"])
def test_an_unknown_part_is_refused_and_writes_nothing(
    split: str, workshop: Callable[..., Any], tmp_path: Path, listing: Callable[..., Any]
) -> None:
    made = workshop()
    fresh = {path.name for path in _parts_of(made)["test"]}
    other = _subset(made, tmp_path / "other", lambda row: row["file"] in fresh)
    before = listing(tmp_path)
    for source, has in ((made.source, "train, validation, test"), (other, "test")):
        with pytest.raises(NotFound, match="no part") as refused:
            evaluate(str(made.run), str(source), split=split)
        assert f"It has: {has}" in str(refused.value)
    assert listing(tmp_path) == before


def test_unlabelled_samples_are_not_judged(workshop: Callable[..., Any]) -> None:
    made = workshop()
    document = evaluate(str(made.run), str(made.source), split="test")
    assert any(warning.startswith("6 samples have no label") for warning in document["warnings"])


def test_a_task_is_judged_by_its_model_in_service(deployed: Callable[..., Any], tmp_path: Path) -> None:
    made = deployed()
    fresh = {path.name for path in _parts_of(made)["test"]}
    source = _subset(made, tmp_path / "parts", lambda row: row["file"] in fresh)
    document = evaluate(TASK, str(source))
    assert document["model"] == made.document["model"]
    assert Path(document["report"]).is_relative_to(made.home / "reports" / TASK / "test")


def test_what_cannot_be_judged_says_why(workshop: Callable[..., Any], tmp_path: Path) -> None:
    made = workshop()
    with pytest.raises(NotFound, match="no run"):
        evaluate(str(tmp_path), str(made.source))
    with pytest.raises(NotFound) as refused:
        evaluate("imaging.pneumonai", str(made.source))
    assert refused.value.code == "unknown-task"
    with pytest.raises(NotFound):
        evaluate(str(made.run), str(tmp_path / "nowhere"))
    (made.run / "run.json").write_text('{"status": "running", "task": "imaging.pneumonia"}', "utf-8")
    with pytest.raises(Conflict):
        evaluate(str(made.run), str(made.source))


def test_without_the_library_of_the_baseline_it_is_left_out_and_said(
    workshop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    made = workshop()
    document = evaluate(str(made.run), str(made.source), split="test")
    assert document["baselines"] == {}
    assert any("pip install 'suwen[train]'" in warning for warning in document["warnings"])


def test_a_part_pooled_into_folds_keeps_its_out_of_fold_report(workshop: Callable[..., Any]) -> None:
    made = workshop("signals.gene_cancer")
    kept = (made.run / "reports" / "validation" / "report.json").read_bytes()
    found = evaluate(str(made.run), str(made.source))
    assert found["split"] == "validation"
    assert found["warnings"][0].startswith("Judged out-of-fold")
    assert found["metrics"] == read_json(made.run / "reports" / "validation" / "report.json")["metrics"]
    assert (made.run / "reports" / "validation" / "report.json").read_bytes() == kept
