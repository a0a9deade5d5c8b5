"""Subjects and pictures on two sides, pictures under two labels."""

from __future__ import annotations

import pytest

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.lifecycle.audit.leakage import label_conflicts, leakage, near_crossings, split_fingerprints
from suwen.lifecycle.splits import effective_splits


def labelled(*targets: str | None) -> list[Sample]:
    return [Sample(subject_id=f"s{i}", inputs={}, target=t) for i, t in enumerate(targets)]


def test_subjects_and_images_on_two_sides() -> None:
    splits = ("train", "train", "validation", "test", "test", None)
    found = leakage(
        splits, keys=["k1", "k2", "k1", "k1", "k4", "k2"], subjects=["a", "b", "c", "b", "b", "a"]
    )
    assert [(f.kind, f.between, f.count, f.examples) for f in found] == [
        ("subject", ("train", "test"), 1, ((1, 3),)),
        ("image", ("train", "validation"), 1, ((0, 2),)),
        ("image", ("train", "test"), 1, ((0, 3),)),
        ("image", ("validation", "test"), 1, ((2, 3),)),
    ]


def test_without_subjects_only_images_are_compared() -> None:
    assert leakage(("train", "test"), keys=["a", "b"], subjects=None) == ()


def test_five_examples_are_kept() -> None:
    n = 9
    (found,) = leakage(("train",) * n + ("test",) * n, keys=[f"k{i}" for i in range(n)] * 2, subjects=None)
    assert found.count == n
    assert len(found.examples) == 5


def test_near_duplicates_between_parts() -> None:
    splits = ("test", "train", "train", None)
    (found,) = near_crossings(splits, [(0, 1), (1, 2), (0, 2), (0, 3)])
    assert (found.kind, found.between, found.count) == ("near-duplicate", ("train", "test"), 2)


def test_one_picture_under_two_labels() -> None:
    samples = labelled("x", "y", "x", None, "y", "y")
    found = label_conflicts(samples, exact=[(0, 1), (2, 3)], near=[(2, 4), (4, 5)])
    assert [(f.kind, f.between, f.count, f.examples) for f in found] == [
        ("image", ("x", "y"), 1, ((0, 1),)),
        ("near-duplicate", ("x", "y"), 1, ((2, 4),)),
    ]


def test_an_unlabelled_sample_is_in_no_part() -> None:
    samples = [
        Sample(subject_id="a", inputs={}, target=None, split="train"),
        Sample(subject_id="a", inputs={}, target="x", split="test"),
    ]
    assert effective_splits(samples) == (None, "test")


def test_unknown_part() -> None:
    with pytest.raises(BadInput, match="no part is called 'dev'") as caught:
        effective_splits([Sample(subject_id="a", inputs={}, split="dev")])
    assert caught.value.code == "unknown-split"


def test_fingerprints_depend_on_content_and_labels_only() -> None:
    def prints(keys: list[str], targets: list[str], subject: str = "p") -> object:
        samples = [
            Sample(subject_id=f"{subject}{i}", inputs={}, target=t, split="train", source=f"{subject}{i}.png")
            for i, t in enumerate(targets)
        ]
        return split_fingerprints(keys, samples)

    base = prints(["k1", "k2"], ["x", "y"])
    assert set(base) == {"train"}  # type: ignore[call-overload]
    assert base == prints(["k2", "k1"], ["y", "x"], "q")
    assert base != prints(["k1", "k2"], ["y", "x"])
    assert base != prints(["k1", "k3"], ["x", "y"])
