"""Points inside a structure: how deep they lie is exact, the deep ones come, and the clearest where none has room."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.trajectory.targets import targets_in

SPACING = np.array([1.0, 2.0, 0.5])


def _brick() -> np.ndarray:
    labels = np.zeros((20, 20, 40), np.int16)
    labels[5:14, 6:13, 8:33] = 7
    return labels


def test_the_deepest_point_of_a_brick_is_in_its_middle() -> None:
    found = targets_in(_brick(), SPACING, 7, about=1)
    assert found.points_mm.tolist() == [[9.0, 18.0, 10.0]]
    assert found.depth_mm == pytest.approx([4.5])  # nine voxels of 1 mm; the other sides are farther
    assert found.label == 7


@pytest.mark.parametrize("about", [2, 5, 12, 40])
def test_depths_are_exact_and_points_spread(about: int) -> None:
    labels = _brick()
    found = targets_in(labels, SPACING, 7, about=about)
    assert len(found) == about
    low, high = np.array([4.5, 11.0, 3.75]), np.array([13.5, 25.0, 16.25])
    wanted = np.minimum(found.points_mm - low, high - found.points_mm).min(1)
    np.testing.assert_allclose(found.depth_mm, wanted, atol=1e-6)
    assert (found.depth_mm >= 0.5 * 4.5).all()
    assert len(np.unique(found.points_mm, axis=0)) == len(found)
    assert np.array_equal(
        targets_in(np.asfortranarray(labels), SPACING, 7, about=about).points_mm, found.points_mm
    )


def test_a_structure_at_the_images_border_ends_there() -> None:
    labels = np.full((5, 5, 5), 7, np.int16)
    found = targets_in(labels, np.ones(3), 7, about=1)
    assert found.points_mm.tolist() == [[2.0, 2.0, 2.0]]
    assert found.depth_mm == pytest.approx([2.5])


def test_room_decides_among_the_deep_and_the_shallow_come_where_there_is_none() -> None:
    labels = _brick()
    some = targets_in(labels, SPACING, 7, about=3, room_mm=lambda points: 20.0 - points[:, 2])
    deep = targets_in(labels, SPACING, 7, about=1)
    assert some.depth_mm[0] >= 0.5 * deep.depth_mm[0]
    assert some.points_mm[0, 2] == 6.0  # 2.25 mm from the lower side at 3.75
    none = targets_in(labels, SPACING, 7, about=1, room_mm=lambda points: -points[:, 2])
    assert none.points_mm[0, 2] == 4.0
    assert none.depth_mm[0] == pytest.approx(0.25)


def test_a_structure_that_is_not_there() -> None:
    with pytest.raises(BadInput) as refused:
        targets_in(_brick(), SPACING, 8)
    assert refused.value.code == "empty-structure"
