"""Surface, bone and lines: what is outside, which way is in, and the first box that a line touches."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.engines.trajectory import _lines
from suwen.engines.trajectory.entries import outer_surface
from suwen.engines.trajectory.normals import bone_normals, enclosed, inward_normals

SPACING = np.array([1.0, 1.3, 0.7])


def test_only_air_that_reaches_the_border_is_outside() -> None:
    body = np.zeros((12, 12, 12), bool)
    body[2:10, 2:10, :8] = True  # the image cuts it below
    body[5, 5, 4] = False  # a closed sinus
    body[7, 7, 6:8] = False  # an open one
    found = outer_surface(body)
    assert not (found & ~body).any()
    for inner in ((4, 5, 4), (5, 5, 3), (5, 5, 0), (3, 3, 3)):
        assert not found[inner]
    for outer in ((2, 5, 3), (9, 9, 0), (5, 5, 7), (7, 7, 5), (6, 7, 6)):
        assert found[outer]
    assert not outer_surface(np.ones((4, 4, 4), bool)).any()


def test_a_skull_that_is_open_is_still_filled() -> None:
    grid = np.indices((50, 50, 50)) - 24.5
    off = np.sqrt((grid**2).sum(0))
    skull = (off < 22) & (off > 19) & (grid[2] > -12)
    skull &= ~((np.abs(grid[0]) < 4) & (grid[1] > 10) & (np.abs(grid[2]) < 4))  # an orbit
    filled = enclosed(skull)
    assert filled[24, 24, 30]
    assert filled[20, 24, 20]
    assert not filled[24, 24, 5]
    assert not (filled & (off >= 22)).any()


def test_normals_of_a_plane_and_of_an_image_of_one_plane() -> None:
    grid = np.indices((30, 30, 30)).transpose(1, 2, 3, 0) * SPACING
    normal = np.array([2.0, -1.0, 3.0]) / np.sqrt(14)
    depth = (grid - grid[15, 15, 15]) @ normal
    at = np.argwhere((np.abs(depth) < 0.6) & (np.abs(grid - grid[15, 15, 15]) < 2).all(-1))
    found = inward_normals(depth > 0, at, SPACING)
    assert np.degrees(np.arccos(np.clip(found @ normal, -1, 1))).max() < 2
    flat = inward_normals(
        np.arange(30)[:, None, None] > np.full((1, 30, 1), 14), np.array([[14, 15, 0]]), SPACING
    )
    np.testing.assert_allclose(flat, [[1, 0, 0]], atol=1e-6)


def test_what_one_way_meets_does_not_depend_on_the_others() -> None:
    rng = np.random.default_rng(3)
    bone = np.zeros((40, 40, 40), bool)
    bone[:, :, 12:17] = True
    entries = np.column_stack([rng.uniform(5, 45, (20, 2)), np.ones(20)]) * (1, 1, 0.7)
    targets = np.column_stack([rng.uniform(5, 30, (20, 2)), np.full(20, 26.0)])
    met, together = bone_normals(bone, entries, targets, SPACING)
    assert met.any()
    for row in range(20):
        alone, one = bone_normals(bone, entries[row : row + 1], targets[row : row + 1], SPACING)
        assert alone[0] == met[row]
        np.testing.assert_allclose(one[0], together[row], atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_no_box_is_stepped_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((14, 11, 9)) < 0.02).astype(np.uint8)
    begins, ends = rng.uniform(-3, 15, (2, 80, 3))
    found = _lines.first_hits(mask, begins, ends)
    share = np.linspace(0, 1, 20_001)[:, None]
    hits = 0
    for line in range(80):
        at = np.floor(begins[line] + share * (ends[line] - begins[line]) + 0.5).astype(int)
        inside = ((at >= 0) & (at < mask.shape)).all(1)
        held = np.zeros(len(at), bool)
        held[inside] = mask[tuple(at[inside].T)] != 0
        if held.any():
            assert found[line].tolist() == at[held][0].tolist()
            hits += 1
        else:
            assert found[line].tolist() == [-1, -1, -1]
    assert hits > 3


def test_a_line_through_an_edge_touches_all_boxes_that_meet_there() -> None:
    mask = np.zeros((5, 5, 5), np.uint8)
    mask[1, 0, 0] = 1
    diagonal = _lines.first_hits(mask, np.zeros((1, 3)), np.array([[4.0, 4.0, 0.0]]))
    assert diagonal.tolist() == [[1, 0, 0]]
    mask[:] = 0
    mask[2, 1, 2] = 1
    corner = _lines.first_hits(mask, np.zeros((1, 3)), np.array([[4.0, 4.0, 4.0]]))
    assert corner.tolist() == [[2, 1, 2]]
    mask[:] = 0
    mask[3, 3, 3] = 1
    ends = np.array([[4.0, 4.0, 4.0], [2.5, 2.5, 2.5], [2.4, 2.4, 2.4], [0.0, 0.0, 0.0]])
    found = _lines.first_hits(mask, np.zeros((4, 3)), ends)
    assert (found[:, 0] >= 0).tolist() == [True, True, False, False]
