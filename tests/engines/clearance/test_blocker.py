"""No path: the structures named are the fewest there are, every set being tried, and the widest way is the widest."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from scipy.ndimage import label as components

from suwen.core.errors import BadInput
from suwen.engines.clearance.blocker import blocked_by
from suwen.engines.clearance.fields import walls_for
from suwen.engines.clearance.widest import widest_clearance_mm

NAMES = {1: "artery", 2: "nerve", 3: "sinus", 4: "ventricle"}
ONE_MM = [1, 1, 1]


def _connected(free, start, goal, corners="forbid") -> bool:
    if not (free[start] and free[goal]):
        return False
    of, _ = components(free, structure=np.ones((3, 3, 3)) if corners == "allow" else None)
    return bool(of[start] == of[goal])


def _shells(*radii: tuple[int, float, float], size: int = 41) -> np.ndarray:
    """Hollow balls around the middle: label, inner and outer radius in voxels."""
    apart = np.linalg.norm(np.indices((size,) * 3).transpose(1, 2, 3, 0) - size // 2, axis=-1)
    labels = np.zeros((size,) * 3, np.int16)
    for label, inner, outer in radii:
        labels[(apart >= inner) & (apart < outer)] = label
    return labels


def _asked(labels, **change):
    given = {"critical": NAMES, "margin_mm": 0.0, "radius_mm": 0.0, "start": (1, 1, 1), "goal": (20, 20, 20)}
    return blocked_by(labels, ONE_MM, **(given | change))


def _case(seed):
    """A random volume with something in nearly every way, margins, radius, ends and corner rule."""
    rng = np.random.default_rng(seed)
    shape, spacing = rng.integers(4, 9, 3), rng.uniform(0.5, 2, 3)
    labels = rng.choice([0] * int(rng.integers(2, 40)) + [1, 2, 3, 4], size=shape).astype(np.int16)
    plane = rng.integers(1, shape[0] - 1)
    labels[plane] = rng.choice([1, 2, 3, 4], size=1 if seed % 3 else shape[1:])
    margins = {label: float(rng.choice([0, 0.3, 0.9])) for label in NAMES}
    start, goal = (
        (0, *map(int, rng.integers(0, shape[1:]))),
        (int(shape[0]) - 1, *map(int, rng.integers(0, shape[1:]))),
    )
    if seed % 2:
        labels[start], labels[goal] = 0, 0
    return labels, spacing, margins, float(rng.choice([0, 0.4])), start, goal, ("forbid", "allow")[seed % 2]


@pytest.mark.parametrize("seed", range(120))
def test_the_fewest_structures_are_named(seed) -> None:
    labels, spacing, margins, radius, start, goal, corners = _case(seed)
    wall = {
        label: walls_for(labels, spacing, {label: ""}, margins[label], radius, corners=corners)
        for label in NAMES
    }

    def opened(chosen) -> bool:
        shut = [wall[label] for label in NAMES if label not in chosen] + [np.zeros(labels.shape, bool)]
        return _connected(~np.logical_or.reduce(shut), start, goal, corners)

    found = blocked_by(
        labels,
        spacing,
        critical=NAMES,
        margin_mm=margins,
        radius_mm=radius,
        start=start,
        goal=goal,
        corners=corners,
    )
    if opened(()):
        assert found is None
        return
    fewest = next(n for n in range(1, 5) if any(opened(chosen) for chosen in combinations(NAMES, n)))
    assert found is not None
    assert len(found.structures) == fewest
    assert opened(found.structures)
    assert found.fewest_proven


@pytest.mark.parametrize("seed", range(80))
def test_the_widest_way_is_left_and_no_wider_one(seed) -> None:
    labels, spacing, _, _, start, goal, corners = _case(seed)
    labels[seed % 3 + 1 :: 4] = 0

    def passes(clearance) -> bool:
        walls = walls_for(labels, spacing, NAMES, clearance, 0.0, corners=corners)
        return _connected(~walls, start, goal, corners)

    widest = widest_clearance_mm(labels, spacing, NAMES, start=start, goal=goal, corners=corners)
    if widest is None:
        assert not passes(0.0)
    elif np.isfinite(widest):
        assert passes(widest)
        assert not passes(widest * 1.0001 + 1e-6)
    else:
        assert not labels.any()


def test_a_shell_is_named_and_what_it_encloses() -> None:
    labels = _shells((1, 6, 8))
    found = _asked(labels)
    assert (found.structures, found.situation, found.cause, found.enclosed) == (
        (1,),
        "enclosed",
        "structure",
        "target",
    )
    inside, _ = components(labels == 0)
    assert found.enclosed_voxels == (inside == inside[20, 20, 20]).sum()
    at = tuple(int(x) for x in found.at_grid_mm)
    assert labels[at] == 1
    assert np.linalg.norm(np.array(at) - 20) == pytest.approx(6)
    assert "artery (1) closes off the target" in found.sentence
    assert found.widest_clearance_mm is None
    json.dumps(found.as_dict(), allow_nan=False)
    back = _asked(labels, start=(20, 20, 20), goal=(1, 1, 1))
    assert (back.structures, back.enclosed) == ((1,), "entry")


def test_structures_are_in_order_from_the_target() -> None:
    found = _asked(_shells((3, 4, 6), (1, 8, 10), (2, 12, 14)))
    assert found.structures == (3, 1, 2)
    assert "sinus (3), artery (1) and nerve (2) close off the target" in found.sentence


def test_the_way_round_is_through_fewer_structures_and_not_through_thinner_ones() -> None:
    # Half of the shell is one thick structure, the other half two thin ones.
    labels = _shells((1, 5, 12))
    labels[:20][_shells((2, 5, 6), (3, 11, 12))[:20] > 0] = 0
    thin = _shells((2, 5, 7), (3, 10, 12))
    labels[:20] = thin[:20]
    assert _asked(labels).structures == (1,)


def test_a_structure_met_twice_is_opened_once() -> None:
    # Three shells, the inner and the outer in halves: through 1, 2 and 1, two are opened and not three.
    labels = _shells((1, 4, 6), (2, 8, 10), (1, 12, 14))
    other = _shells((3, 4, 6), (2, 8, 10), (4, 12, 14))
    labels[:20] = other[:20]
    found = _asked(labels)
    assert sorted(found.structures) == [1, 2]
    assert found.fewest_proven


def test_it_is_the_margin_that_blocks() -> None:
    # A wall with a hole three voxels wide: its middle is 1 mm from the boxes, its neighbours are closer.
    labels = np.zeros((11, 11, 11), np.int16)
    labels[5] = 1
    labels[5, 4:7, 4:7] = 0
    ends = {"start": (0, 5, 5), "goal": (10, 5, 5)}
    assert _asked(labels, **ends, margin_mm=0.5) is None
    found = _asked(labels, **ends, margin_mm=2.0, radius_mm=0.3)
    assert (found.structures, found.cause, found.situation) == ((1,), "margin", "enclosed")
    # The middle is 1.5 mm from the nearest boxes, beside it: sqrt(1.5² - 0.75) is kept by any move.
    assert found.widest_clearance_mm == pytest.approx(np.sqrt(1.5), rel=1e-5)
    assert "a margin of up to 0.92 mm would leave a path" in found.sentence
    thick = _asked(labels, **ends, margin_mm=1.0, radius_mm=2.0)
    assert thick.cause == "instrument"
    assert "an instrument of up to 1.22 mm radius would still pass" in thick.sentence


def test_two_free_voxels_that_meet_at_an_edge_are_connected_only_where_corners_may_be_cut() -> None:
    labels = np.ones((2, 2, 3), np.int16)
    labels[0, 0], labels[1, 1] = 0, 0
    ends = {"start": (0, 0, 0), "goal": (1, 1, 2)}
    assert _asked(labels, **ends).structures == (1,)
    touching = _asked(labels, **ends, corners="allow")
    # Cutting the corner touches the wall, so not even a clearance of nothing is kept.
    assert touching is not None
    assert touching.cause == "structure"


def test_an_end_in_a_structure_is_named_as_such() -> None:
    labels = _shells((1, 0, 3), (2, 8, 10))
    target = _asked(labels)
    assert (target.structures, target.situation, target.enclosed_voxels) == ((1, 2), "target-in-structure", 0)
    assert "the target lies in artery (1), and nerve (2) would have to be opened too" in target.sentence
    assert target.at_grid_mm == (20, 20, 20)
    entry = _asked(labels, start=(20, 20, 20), goal=(1, 1, 1))
    assert entry.situation == "entry-in-structure"
    assert entry.structures == (2, 1)


def test_a_target_in_a_margin_says_which_margin_would_do() -> None:
    labels = np.zeros((21, 21, 21), np.int16)
    labels[10, 10, 10] = 4
    found = _asked(labels, goal=(10, 10, 12), margin_mm=2.0)
    assert (found.structures, found.situation, found.cause) == ((4,), "target-in-margin", "margin")
    assert "closer to ventricle (4) than a margin of 2 mm allows" in found.sentence
    again = _asked(labels, goal=(10, 10, 12), margin_mm=found.widest_clearance_mm)
    assert again is None


def test_what_is_closed_is_never_opened() -> None:
    labels = _shells((1, 6, 8))
    closed = _shells((1, 10, 12)) > 0
    found = _asked(labels, closed=closed)
    assert (found.structures, found.cause) == ((), "closed")
    assert "closed to any path" in found.sentence
    closed[20:] = False
    assert _asked(labels, closed=closed).structures == (1,)


def test_one_end_for_both_is_a_path_unless_it_is_in_a_wall() -> None:
    labels = _shells((1, 6, 8))
    assert _asked(labels, start=(20, 20, 20)) is None
    assert _asked(labels, start=(20, 20, 13), goal=(20, 20, 13)).structures == (1,)


@pytest.mark.parametrize(
    "point", [(0, 0, 41), (-1, 0, 0), (1.5, 0, 0), (1, 2), (np.nan, 0, 0), ((1, 2), 3), None]
)
def test_an_end_outside_is_refused(point) -> None:
    for end in ("start", "goal"):
        with pytest.raises(BadInput) as refused:
            _asked(_shells((1, 6, 8)), **{end: point})
        assert refused.value.code == "outside-image"


def test_closed_voxels_of_another_volume_are_refused() -> None:
    with pytest.raises(BadInput) as refused:
        _asked(_shells((1, 6, 8)), closed=np.zeros((2, 2, 2), bool))
    assert refused.value.code == "size-mismatch"


def test_in_the_real_head_a_planted_shell_is_found(head, deep) -> None:
    labels = head.copy()
    i, j, k = 128, 141, 122  # in the subthalamic nucleus
    apart = np.linalg.norm(np.indices((41, 41, 41)).transpose(1, 2, 3, 0) - 20, axis=-1)
    part = labels[i - 20 : i + 21, j - 20 : j + 21, k - 20 : k + 21]
    part[(apart > 12) & (apart < 14)] = 999
    found = blocked_by(
        labels, ONE_MM, critical=deep | {999: "planted shell"}, margin_mm=0.2, radius_mm=0.3, start=(128, 5, 128),
        goal=(i, j, k),
    )  # fmt: skip
    assert found.structures == (999,)
    assert "planted shell (999) closes off the target" in found.sentence
    assert (
        blocked_by(
            labels, ONE_MM, critical=deep, margin_mm=0.2, radius_mm=0.3, start=(128, 5, 128), goal=(i, j, k)
        )
        is None
    )
