"""Pieces of a steered path: exact against walls, and never shorter than their lower bound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from suwen.engines.steering import _arcs

FREE = np.zeros((40, 40, 40), np.uint8)
ONES = np.ones((1, 1, 1), np.float32)


def pose(place: tuple[float, float, float], tangent: tuple[float, float, float]) -> np.ndarray:
    return np.array([*place, *(np.array(tangent) / np.linalg.norm(tangent))])


def test_the_last_arc_touches_the_tangent_and_ends_in_the_target() -> None:
    draw = np.random.default_rng(5)
    hit = 0
    for _ in range(3000):
        start = pose(tuple(draw.uniform(10, 30, 3)), tuple(draw.normal(size=3)))
        target, side, after = draw.uniform(0, 40, 3), np.zeros(3), np.empty(6)
        bend, length = _arcs.last(start, target, 1 / 20, side)
        if length == 0:
            continue
        hit += 1
        assert 0 <= bend <= 1 / 20
        assert bend * length <= np.pi * (1 + 1e-12), "no more than half a turn"
        assert abs(side @ start[3:]) < 1e-12
        _arcs.end(start, side, bend, length, after)
        assert np.allclose(after[:3], target, atol=1e-9)
        line = _arcs.points(np.ones(3), start, side, bend, length)
        assert np.allclose(line[-1], target, atol=1e-9)
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() <= 0.25 + 1e-12
    assert hit > 200


def test_nothing_behind_or_inside_the_turning_circle_is_hit() -> None:
    side, start = np.zeros(3), pose((20, 20, 20), (1, 0, 0))
    for target in ((19, 21, 20), (20, 22, 20), (22, 25, 20)):
        assert _arcs.last(start, np.array(target, float), 1 / 20, side) == (0.0, 0.0)
        assert _arcs.shortest(start, np.array(target, float), 1 / 20) >= np.pi * 20 * (1 - 1e-12)


def test_no_curve_is_shorter_than_the_bound() -> None:
    """Curves of random pieces, bent as much as they may or less, in random planes; and the bound is met."""
    draw = np.random.default_rng(8)
    most, side = 1 / 30, np.zeros(3)
    tightest = np.inf
    for _ in range(3000):
        start = pose((0, 0, 0), tuple(draw.normal(size=3)))
        here, after, total = start.copy(), np.empty(6), 0.0
        for _ in range(draw.integers(1, 6)):
            bend, length = draw.choice([0.0, most, most * draw.random()]), draw.uniform(0.1, 40)
            _arcs.square_to(here[3:], draw.uniform(0, 2 * np.pi), side)
            _arcs.end(here, side, bend, length, after)
            here, total = after.copy(), total + length
            bound = _arcs.shortest(start, here[:3], most)
            assert np.linalg.norm(here[:3] - start[:3]) - 1e-9 <= bound <= total + 1e-6
            tightest = min(tightest, total - bound)
    assert tightest < 1e-6


def test_a_little_more_than_half_a_circle_leads_behind() -> None:
    start, side, after = pose((0, 0, 0), (1, 0, 0)), np.array([0.0, 1.0, 0.0]), np.empty(6)
    _arcs.end(start, side, 1 / 30, 1.01 * np.pi * 30, after)
    assert after[0] < 0
    assert np.pi * 30 <= _arcs.shortest(start, after[:3], 1 / 30) <= 1.01 * np.pi * 30


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.6, 1.7, 1.1)])
def test_no_box_that_a_chord_touches_is_missed(spacing: tuple[float, float, float]) -> None:
    """Against points every 0.002 mm of each chord: a box that one of them lies in is always found."""
    draw, step = np.random.default_rng(4), np.array(spacing)
    side, found = np.zeros(3), 0
    for _ in range(60):
        start = pose(tuple(draw.uniform(12, 20, 3) * step), tuple(draw.normal(size=3)))
        _arcs.square_to(start[3:], draw.uniform(0, 2 * np.pi), side)
        line = _arcs.points(step, start, side, 1 / 30, 8.0)
        fine = np.concatenate([np.linspace(a, b, 150) for a, b in pairwise(line)])
        boxes = np.unique(np.floor(fine / step + 0.5).astype(int), axis=0)
        assert np.isfinite(_arcs.along(FREE, ONES, True, step, start, side, 1 / 30, 8.0))
        for box in boxes:
            walls = FREE.copy()
            walls[tuple(box)] = 1
            assert np.isinf(_arcs.along(walls, ONES, True, step, start, side, 1 / 30, 8.0))
            found += 1
    assert found > 400


def test_the_grid_is_never_left() -> None:
    side = np.array([0.0, 1.0, 0.0])
    for place, tangent in (((35, 20, 20), (1, 0, 0)), ((3, 20, 20), (-1, 0, 0)), ((20, 20, 36), (0, 0, 1))):
        start = pose(place, tangent)
        assert np.isinf(_arcs.along(FREE, ONES, True, np.ones(3), start, side, 0.0, 6.0))
        assert np.isfinite(_arcs.along(FREE, ONES, True, np.ones(3), start, side, 0.0, 3.0))


def test_cost_is_the_integral_along_the_piece() -> None:
    cost = np.ones((40, 40, 40), np.float32)
    cost[20:] = 3
    start, side = pose((10, 20, 20), (1, 0, 0)), np.array([0.0, 1.0, 0.0])
    assert _arcs.along(FREE, cost, False, np.ones(3), start, side, 0.0, 20.0) == pytest.approx(
        9.5 + 3 * 10.5, abs=0.3
    )
