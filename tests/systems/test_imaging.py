"""The two tasks of the imaging room on their real data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from suwen.formats.sources import split_fingerprints
from suwen.systems.imaging.breast import task as breast
from suwen.systems.imaging.pneumonia import task as pneumonia


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        (pneumonia, {("train", "normal"): 1214, ("train", "pneumonia"): 3494,
                     ("validation", "normal"): 135, ("validation", "pneumonia"): 389}),
        (breast, {("train", "malignant"): 146, ("train", "benign or normal"): 399,
                  ("validation", "malignant"): 21, ("validation", "benign or normal"): 57}),
    ],
    ids=["pneumonia", "breast"],
)  # fmt: skip
def test_the_labels_mean_what_the_source_says(
    task: object, counts: dict[tuple[str, str], int], data_dir: Path
) -> None:
    samples = task.collect(str(data_dir / task.extra["demo"]))  # type: ignore[attr-defined]
    assert Counter((sample.split, sample.target) for sample in samples) == counts


def test_the_reviewed_defect_is_that_of_the_file_at_hand(data_dir: Path) -> None:
    samples = pneumonia.collect(str(data_dir / "imaging" / "pneumoniamnist.npz"))
    prints = split_fingerprints(samples)
    assert f"{prints['train']}+{prints['validation']}" in pneumonia.reviewed_leakage


def test_adults_and_children_are_read_by_the_same_task(data_dir: Path) -> None:
    samples = pneumonia.collect(str(data_dir / "imaging" / "cxr_nih"))
    assert Counter(sample.target for sample in samples) == {"normal": 362, "pneumonia": 341}
    assert len({sample.subject_id for sample in samples}) == 478
