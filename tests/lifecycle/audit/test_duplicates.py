"""Exact and near duplicates, on made and on real pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suwen.core.task import Endpoint
from suwen.engines.image.views import views
from suwen.formats.sources import open_images
from suwen.lifecycle.audit import duplicates


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_exact() -> None:
    assert duplicates.exact(["a", "b", "a", "c", "b", "a"]) == ((0, 2, 5), (1, 4))
    assert duplicates.exact([]) == ()


def test_clusters() -> None:
    assert duplicates.clusters(7, [(1, 5), (5, 3), (0, 6)]) == ((0, 6), (1, 3, 5))


def test_planted_copies_are_found_across_blocks_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 64)
    monkeypatch.setattr(duplicates, "PROBED", 100)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 256))
    rows[10] = rows[290] + 0.1 * rng.normal(size=256)
    rows[70] = rows[71] + 0.1 * rng.normal(size=256)
    rows[200] = 0
    rows[201] = 0
    fine = unit(np.where(rows == 0, 1e-9 * rng.normal(size=256), rows))
    fine[200:202] = 0
    assert duplicates.near(fine) == [(10, 290), (70, 71)]


def test_the_bar_rises_where_strangers_are_alike() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=256)
    alike = unit(common + 0.4 * rng.normal(size=(200, 256)))
    different = unit(rng.normal(size=(200, 256)))
    assert float(np.median(np.triu(alike @ alike.T, 1)[np.triu_indices(200, 1)])) > 0.8
    assert duplicates.near(alike) == []
    assert duplicates.near(different) == []


def test_film_frames_do_not_fill_the_memory() -> None:
    rng = np.random.default_rng(0)
    frames = unit(rng.normal(size=256) + 0.01 * rng.normal(size=(500, 256)))
    pairs = duplicates.near(frames)
    assert len(pairs) <= duplicates.MOST_LINKS * 500
    assert duplicates.clusters(500, pairs) == (tuple(range(500)),)


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_compare(n: int) -> None:
    assert duplicates.near(np.zeros((n, 4), np.float32)) == []


def test_known_near_duplicates_of_breast_ultrasound(data_dir: Path) -> None:
    endpoint = Endpoint(
        labels={"benign": (), "malignant": (), "normal": ()}, positive="malignant", code=("", "", "")
    )
    samples = open_images(data_dir / "imaging" / "busi", endpoint).samples
    cluster = [sample.subject_id for sample in samples]  # the table's group_id is the known cluster
    pairs = duplicates.near(np.stack([views(sample)["fine"] for sample in samples]))
    right = sum(cluster[a] == cluster[b] for a, b in pairs)
    size = np.unique(cluster, return_counts=True)[1]
    known = int((size * (size - 1) // 2).sum())
    # The few pairs outside the known clusters show the same lesion too: they are gaps of the reference.
    assert right / len(pairs) >= 0.96
    assert right / known >= 0.84
