"""Regions are those of an ordinary labelling, and what is connected is what a walk of moves can reach."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from suwen.engines.clearance.regions import regions_of

STEPS = [step for step in product((-1, 0, 1), repeat=3) if step != (0, 0, 0)]


def _volume(seed):
    rng = np.random.default_rng(seed)
    values = rng.choice([0, 0, 1, 2], size=rng.integers(1, 8, 3)).astype(np.uint16)
    return np.asfortranarray(values) if seed % 2 else values


def _region_of_each(regions, values):
    flat = [regions.at(tuple(map(int, at))) for at in np.argwhere(np.ones(values.shape, bool))]
    return np.array(flat).reshape(values.shape)


def _reached(values, start, corners):
    """Voxels that a walk of the 26 moves reaches among those of one value; corner rule as it is written down."""
    seen, front = {start}, [start]
    while front:
        at = np.array(front.pop())
        for step in STEPS:
            to = at + step
            if (to < 0).any() or (to >= values.shape).any():
                continue
            low, high = np.minimum(at, to), np.maximum(at, to) + 1
            block = values[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
            whole = (block == values[start]).all()
            if (whole if not corners else values[tuple(to)] == values[start]) and tuple(
                to.tolist()
            ) not in seen:
                seen.add(tuple(to.tolist()))
                front.append(tuple(to.tolist()))
    return seen


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_a_region_is_what_moves_can_reach(seed, corners) -> None:
    values = _volume(seed)
    regions = regions_of(values, corners=corners)
    each = _region_of_each(regions, values)
    np.testing.assert_array_equal(regions.value[each], values)
    for region in range(len(regions.value)):
        mine = {tuple(at) for at in np.argwhere(each == region).tolist()}
        assert _reached(values, min(mine), corners) == mine
        assert regions.voxels(region) == len(mine)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_neighbours_touch_and_the_nearest_contact_is_found(seed, corners) -> None:
    values = _volume(100 + seed)
    regions = regions_of(values, corners=corners)
    each = _region_of_each(regions, values)
    touching: dict[tuple[int, int], set[tuple[int, ...]]] = {}
    for step in STEPS:
        if not corners and sum(map(abs, step)) > 1:
            continue
        for at in np.argwhere(np.ones(values.shape, bool)):
            to = at + step
            if (to >= 0).all() and (to < values.shape).all() and each[tuple(at)] != each[tuple(to)]:
                pair = (int(each[tuple(at)]), int(each[tuple(to)]))
                touching.setdefault(pair, set()).add(tuple(to.tolist()))
    begins, lists = regions.neighbours
    found = {
        (one, int(two)) for one in range(len(regions.value)) for two in lists[begins[one] : begins[one + 1]]
    }
    assert found == set(touching)
    rng = np.random.default_rng(seed)
    spacing = rng.uniform(0.5, 2, 3)
    for (inner, outer), voxels in touching.items():
        near = tuple(int(n) for n in rng.integers(0, values.shape))
        contact = regions.contact(inner, outer, near, spacing)
        assert contact in voxels
        apart = {voxel: np.linalg.norm((np.array(voxel) - near) * spacing) for voxel in voxels}
        assert apart[contact] == pytest.approx(min(apart.values()))
