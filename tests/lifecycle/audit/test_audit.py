"""The whole audit: on planted defects, and on the real sets whose defects are known."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import dumps
from suwen.core.errors import Unreadable
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.task import Endpoint
from suwen.engines.image.views import views
from suwen.formats.sources import open_images, split_fingerprints
from suwen.lifecycle.audit import Audit, audit, summary_lines
from suwen.lifecycle.splits import groups, split_by_group

ENDPOINT = Endpoint(labels={"well": ("0",), "sick": ("1",)}, positive="sick", code=("", "", ""))
PNEUMONIA = Endpoint(
    labels={"normal": ("0", "no_finding"), "pneumonia": ("1",)}, positive="pneumonia", code=("", "", "")
)
BREAST = Endpoint(
    labels={"benign_or_normal": ("1", "benign", "normal"), "malignant": ("0",)},
    positive="malignant",
    code=("", "", ""),
)


def key(sample: Sample) -> str:
    return str(sample.inputs["image"].content_key())


def planted(n: int = 80) -> tuple[Samples, Any]:
    """Random vectors; 0 and 1 the same, 2 a near copy of 79, 3 unreadable, 4 unlabelled; file size leaks."""
    rng = np.random.default_rng(0)
    fine = rng.normal(size=(n, 128))
    fine[1] = fine[0]
    fine[2] = fine[n - 1] + 0.05 * rng.normal(size=128)
    fine -= fine.mean(axis=1, keepdims=True)
    fine /= np.linalg.norm(fine, axis=1, keepdims=True)
    target = ["well" if rng.random() < 0.5 else "sick" for _ in range(n)]
    target[0], target[1] = "well", "sick"
    members = tuple(
        Sample(
            subject_id=f"p{i}" if i != n - 2 else "p5",
            inputs={"row": i},
            target=None if i == 4 else target[i],
            source=f"secret-name-{i}",
            split="test" if i >= n // 2 or i == 1 else "train",
        )
        for i in range(n)
    )

    def view(sample: Sample) -> Mapping[str, Any]:
        i = sample.inputs["row"]
        if i == 3:
            raise Unreadable("cut short", code="truncated")
        return {"fine": fine[i].astype(np.float32), "file_size": 100.0 * (target[i] == "sick") + i % 7}

    gone = (Unusable(source="secret-other", code="empty-file", reason="empty"),)
    return Samples(samples=members, fingerprint="f" * 64, unusable=gone, notes=("A note.",)), view


def look(samples: Samples, view: Any, **options: Any) -> Audit:
    return audit(
        samples,
        views=view,
        content_key=lambda sample: f"k{max(1, sample.inputs['row'])}",
        endpoint=ENDPOINT,
        **options,
    )


def test_planted_defects_are_all_found() -> None:
    said: list[str] = []
    found = look(*planted(), progress=said.append)
    assert found.n == 79
    assert found.unlabelled == 1
    assert found.unusable == {"empty-file": ("secret-other",), "truncated": ("secret-name-3",)}
    assert found.exact_duplicates == ((0, 1),)
    assert found.near_duplicates == ((2, 79),)
    assert [(f.kind, f.between, f.examples) for f in found.leakage] == [
        ("subject", ("train", "test"), ((5, 78),)),
        ("image", ("train", "test"), ((0, 1),)),
    ]
    assert found.leaks
    assert found.near_crossings[0].examples == ((2, 79),)
    assert found.label_conflicts[0].between == ("sick", "well")
    assert found.label_conflicts[0].examples == ((1, 0),)
    assert found.shortcuts[0].name == "file_size"
    assert found.shortcuts[0].flagged
    assert found.shortcuts[0].auroc.value > 0.99
    assert set(found.split_fingerprints) == {"train", "test"}
    assert found.labelled["train"]["well"] + found.labelled["train"]["sick"] == 37
    assert said


def test_the_document_is_json_and_the_lines_name_nobody() -> None:
    found = look(*planted())
    document = json.loads(dumps(found.document()))
    assert document["leaks"] is True
    assert document["leakage"][0]["count"] == 1
    lines = "\n".join([*summary_lines(found), *found.warnings])
    assert "LEAKAGE" in lines
    assert "1 image is in both train and test" in lines
    assert "FLAGGED" in lines
    assert "A note." in lines
    assert "secret" not in lines


def test_a_clean_set_has_no_warnings() -> None:
    samples, view = planted()
    clean = [
        Sample(subject_id=s.subject_id, inputs=s.inputs, target=("well", "sick")[i % 2], split=s.split)
        for i, s in enumerate(samples)
        if i not in (1, 3, 4, 78, 79)
    ]
    trivial = {i: float(np.random.default_rng(i).random()) for i in range(80)}
    found = look(
        Samples(samples=tuple(clean), fingerprint="f"),
        lambda sample: {**view(sample), "file_size": trivial[sample.inputs["row"]]},
    )
    assert found.warnings == ()
    assert not found.leaks
    assert found.probe == "done"


def test_unknown_subjects_are_said_and_not_compared() -> None:
    samples, view = planted()
    unknown = Samples(samples=samples.samples, fingerprint="f", subjects_known=False)
    found = look(unknown, view, probe=False)
    assert [f.kind for f in found.leakage] == ["image"]
    assert any("Subjects are not known" in sentence for sentence in found.warnings)
    assert found.probe != "done"
    assert found.shortcuts == ()


def test_without_scikit_learn_the_audit_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    found = look(*planted())
    assert found.leaks
    assert found.shortcuts == ()
    assert "scikit-learn" in found.probe
    assert any("was not run" in sentence for sentence in found.warnings)


def test_an_empty_set() -> None:
    found = look(Samples(samples=(), fingerprint="f"), lambda _: {})
    assert found.n == 0
    assert summary_lines(found)[0].startswith("0 samples")


def test_full_size_radiographs_are_flagged_before_training(data_dir: Path) -> None:
    samples = open_images(data_dir / "imaging" / "cxr_nih", PNEUMONIA)
    found = audit(samples, views=views, content_key=key, endpoint=PNEUMONIA)
    flagged = {shortcut.name: shortcut.auroc.value for shortcut in found.shortcuts if shortcut.flagged}
    assert {"thumbnail", "subject_number", "file_size", "border"} <= set(flagged)
    assert flagged["thumbnail"] > 0.78
    assert flagged["subject_number"] > 0.75
    assert flagged["file_size"] > 0.72
    assert found.n_subjects == 478
    assert all(
        len({samples.samples[i].subject_id for i in cluster}) == 1 for cluster in found.near_duplicates
    )
    assert not found.leaks
    assert sum("Shortcut" in sentence for sentence in found.warnings) == len(flagged)
    parts = split_by_group(
        samples.samples,
        groups(samples.samples, found.clusters),
        fractions={"train": 0.7, "validation": 0.15, "test": 0.15},
        seed=0,
    )
    by_subject: dict[str, set[str | None]] = {}
    for sample, part in zip(samples, parts, strict=True):
        by_subject.setdefault(sample.subject_id, set()).add(part)
    assert all(len(seen) == 1 for seen in by_subject.values())


def test_small_radiographs_leak_eight_images(data_dir: Path) -> None:
    samples = open_images(data_dir / "imaging" / "pneumoniamnist.npz", PNEUMONIA)
    found = audit(samples, views=views, content_key=key, endpoint=PNEUMONIA)
    assert [(f.kind, f.between, f.count) for f in found.leakage] == [("image", ("train", "validation"), 8)]
    assert sum(len(group) - 1 for group in found.exact_duplicates) == 26
    # Children's chests at 28x28 all look alike; two of 13.5 million pairs are taken for copies.
    assert sum(f.count for f in found.near_crossings) <= 3
    assert len(found.near_duplicates) <= 3
    assert dict(found.split_fingerprints) == split_fingerprints(samples)
    assert [shortcut.name for shortcut in found.shortcuts if shortcut.flagged] == ["thumbnail", "border"]


def test_breast_ultrasound_shares_lesions_between_parts(data_dir: Path) -> None:
    samples = open_images(data_dir / "imaging" / "breastmnist.npz", BREAST)
    found = audit(samples, views=views, content_key=key, endpoint=BREAST)
    assert not found.leaks
    assert 30 <= sum(f.count for f in found.near_crossings) <= 45
    assert not any(shortcut.flagged for shortcut in found.shortcuts)
