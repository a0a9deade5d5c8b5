"""A measure of distance that is slow and has nothing to hide, volumes to measure in, and the real head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Distances = Callable[[NDArray[Any], NDArray[Any], NDArray[Any], int], NDArray[np.float64]]


@pytest.fixture(scope="session")
def brute_force() -> Distances:
    """Distance from points (n, 3) in mm to the nearest of all boxes of a label, every box looked at."""

    def measure(
        points: NDArray[Any], labels: NDArray[Any], spacing: NDArray[Any], label: int
    ) -> NDArray[np.float64]:
        centres = np.argwhere(labels == label) * spacing
        out = np.empty(len(points))
        for begin in range(0, len(points), 256):
            apart = np.abs(points[begin : begin + 256, None] - centres[None]) - spacing / 2
            out[begin : begin + 256] = np.sqrt((np.maximum(apart, 0) ** 2).sum(axis=-1)).min(axis=1)
        return out

    return measure


@pytest.fixture
def volume_of() -> Callable[[int], tuple[NDArray[Any], NDArray[np.float64]]]:
    """A small random volume with the labels 5 and 9, of any type, memory order and spacing, by seed."""

    def make(seed: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        rng = np.random.default_rng(seed)
        shape = rng.integers(2, 13, 3)
        labels = rng.choice([0, 0, 0, 0, 0, 0, 0, 0, 5, 9], size=shape).astype(
            [np.uint8, np.int16, np.int32, np.uint16][seed % 4]
        )
        labels.flat[0], labels.flat[-1] = 5, 9
        ordered = [np.ascontiguousarray, np.asfortranarray, lambda a: a[::-1]][seed % 3](labels)
        return ordered, rng.uniform(0.3, 3, 3)

    return make


@pytest.fixture(scope="session")
def head(data_dir: Path) -> NDArray[np.int16]:
    """The label volume of the SPL head, 256³ at 1 mm."""
    import nrrd

    labels, _ = nrrd.read(str(data_dir / "surgery" / "anatomy" / "spl_head" / "hncma-atlas.nrrd"))
    return labels


@pytest.fixture(scope="session")
def deep() -> dict[int, str]:
    """Twenty deep structures of the head, the ventricles and basal nuclei of both sides."""
    names = {4: "lateral ventricle", 11: "caudate nucleus", 12: "putamen", 13: "external pallidum",
             17: "hippocampus", 25: "internal pallidum"}  # fmt: skip
    other = {43: 4, 50: 11, 51: 12, 52: 13, 53: 17, 83: 25}
    both = {label: f"left {name}" for label, name in names.items()}
    both |= {label: f"right {names[twin]}" for label, twin in other.items()}
    both |= {15: "fourth ventricle", 24: "third ventricle", 77: "left optic nerve", 78: "left optic tract"}
    return both | {85: "optic chiasm", 215: "right optic nerve", 216: "right optic tract", 5: "temporal horn"}
