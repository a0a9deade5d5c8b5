"""Walls that guarantee the certificate, and a risk that is the stated formula."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.clearance.checker import Checker
from suwen.engines.clearance.fields import box_squares, risk_field, wall_distance_mm, walls_for

NAMES = {5: "artery", 9: "nerve"}


def _centres(labels, spacing):
    return np.argwhere(np.ones(labels.shape, bool)) * spacing


def _moves(walls, spacing, corners):
    """Both ends in mm of every move between free neighbours that the corner rule allows."""
    begins, ends = [], []
    for step in product((-1, 0, 1), repeat=3):
        if step <= (0, 0, 0):
            continue
        for at in np.argwhere(~walls):
            to = at + step
            if (to < 0).any() or (to >= walls.shape).any() or walls[tuple(to)]:
                continue
            low, high = np.minimum(at, to), np.maximum(at, to) + 1
            block = walls[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
            if corners == "allow" or not block.any():
                begins.append(at * spacing)
                ends.append(to * spacing)
    return np.array(begins), np.array(ends)


@pytest.mark.parametrize("seed", range(24))
def test_the_field_is_the_distance_to_the_nearest_box(volume_of, brute_force, seed) -> None:
    labels, spacing = volume_of(seed)
    truth = brute_force(_centres(labels, spacing), labels, spacing, 5).reshape(labels.shape)
    for reach in (0.9, 4.0, 100.0):
        found = np.sqrt(box_squares(labels == 5, spacing, reach))
        inside = truth <= reach * (1 - 1e-6)
        np.testing.assert_allclose(found[inside], truth[inside], rtol=1e-5)
        assert (found[truth > reach] > reach * (1 - 1e-6)).all()


def test_it_is_an_ordinary_distance_transform_of_a_grid_twice_as_fine(volume_of) -> None:
    from scipy.ndimage import distance_transform_edt

    labels, spacing = volume_of(3)
    fine = np.zeros([2 * n + 1 for n in labels.shape], bool)
    for i, j, k in np.argwhere(labels == 5):
        fine[2 * i : 2 * i + 3, 2 * j : 2 * j + 3, 2 * k : 2 * k + 3] = True
    expected = distance_transform_edt(~fine, sampling=spacing / 2)[1::2, 1::2, 1::2]
    np.testing.assert_allclose(np.sqrt(box_squares(labels == 5, spacing, 1e3)), expected, rtol=1e-5)


@pytest.mark.parametrize("corners", ["forbid", "allow"])
@pytest.mark.parametrize("seed", range(12))
def test_every_move_between_free_voxels_keeps_the_margin(volume_of, seed, corners) -> None:
    labels, spacing = volume_of(seed)
    checker = Checker(labels, spacing, NAMES)
    # None, a little, the largest that needs no dilation without corners, and more.
    for clearance in (0.0, 0.1, float(spacing.min()) / 2, 0.8, 1.7):
        walls = walls_for(labels, spacing, NAMES, clearance, 0.0, corners=corners)
        begins, ends = _moves(walls, spacing, corners)
        if len(begins):
            least = checker.segment_clearances_mm(begins, ends, radius_mm=0.0).min()
            assert least >= clearance - 1e-9
            assert least > 0


@pytest.mark.parametrize("seed", range(12))
def test_every_curve_in_free_boxes_keeps_the_margin(volume_of, seed) -> None:
    labels, spacing = volume_of(seed)
    walls = walls_for(labels, spacing, NAMES, 0.4, 0.2, moves="anywhere")
    free = np.argwhere(~walls)
    if len(free):
        rng = np.random.default_rng(seed)
        corners = (free[:, None] + rng.choice([-0.5, 0.5], size=(len(free), 8, 3))) * spacing
        begins, ends = corners[:, :4].reshape(-1, 3), corners[:, 4:].reshape(-1, 3)
        clearances = Checker(labels, spacing, NAMES).segment_clearances_mm(begins, ends, radius_mm=0.2)
        assert clearances.min() >= 0.4 - 1e-9


def test_no_more_is_walled_off_than_one_move_needs() -> None:
    # A box whose corner is square to the middle of a diagonal move: a hair less distance would break the margin.
    half = np.sqrt(3) / 2
    assert wall_distance_mm([1, 1, 1], 2.0) == pytest.approx(np.sqrt(4 + 0.75))
    assert wall_distance_mm([1, 1, 1], 2.0, moves="anywhere") == pytest.approx(2 + half)
    assert wall_distance_mm([1, 2, 3], 0.5) == 0
    assert wall_distance_mm([1, 2, 3], 0.5, corners="allow") == pytest.approx(np.sqrt(0.25 + 14 / 4))
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[4, 4, 4] = 5
    walls = walls_for(labels, [1, 1, 1], NAMES, 2.0, 0.0)
    assert walls[4, 4, 6]  # 1.5 mm from its centre to the box
    assert not walls[4, 4, 7]  # 2.5 mm
    bare = walls_for(labels, [1, 1, 1], NAMES, 0.3, 0.2)
    np.testing.assert_array_equal(bare, labels == 5)


def test_each_structure_is_dilated_by_its_own_margin_and_the_radius(volume_of, brute_force) -> None:
    labels, spacing = volume_of(5)
    walls = walls_for(labels, spacing, NAMES, {5: 2.0, 9: 0.7}, 0.4, corners="allow")
    expected = np.zeros(labels.size, bool)
    for label, clearance in ((5, 2.4), (9, 1.1)):
        needed = wall_distance_mm(spacing, clearance, corners="allow")
        expected |= brute_force(_centres(labels, spacing), labels, spacing, label) <= needed
    np.testing.assert_array_equal(walls.ravel(), expected)


@pytest.mark.parametrize("seed", range(9))
def test_risk_is_its_formula(volume_of, brute_force, seed) -> None:
    labels, spacing = volume_of(seed)
    weights = {5: 3.0, 9: 0.5, 1: 8.0}
    expected = np.zeros(labels.size)
    for label in (5, 9):
        distance = brute_force(_centres(labels, spacing), labels, spacing, label)
        expected = np.maximum(expected, weights[label] * (1 - np.minimum(distance, 2.5) / 2.5) ** 2)
    risk = risk_field(labels, spacing, weights, reach_mm=2.5)
    np.testing.assert_allclose(risk.ravel(), expected, atol=3e-6)
    assert risk.dtype == np.float32
    assert risk[labels == 5].min() == 3.0


@pytest.mark.parametrize(
    ("weights", "reach", "code"),
    [
        ({5: -1.0}, 2.0, "bad-weights"),
        ({5: np.nan}, 2.0, "bad-weights"),
        ({5: 1.0}, 0.0, "length-unusable"),
        ({5: 1.0}, np.inf, "length-unusable"),
    ],
)
def test_a_risk_that_means_nothing_is_refused(weights, reach, code) -> None:
    with pytest.raises(BadInput) as refused:
        risk_field(np.ones((3, 3, 3), int), [1, 1, 1], weights, reach_mm=reach)
    assert refused.value.code == code


def test_no_walls_where_a_structure_is_absent() -> None:
    assert not walls_for(np.zeros((3, 3, 3), int), [1, 1, 1], NAMES, 1.0, 0.0).any()
    with pytest.raises(BadInput) as refused:
        walls_for(np.zeros((3, 3, 3), int), [1, 1, 1], {}, 1.0, 0.0)
    assert refused.value.code == "critical-empty"
