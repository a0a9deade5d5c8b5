"""Planning from a label volume: analytic heads, the whole order against brute force, and what cannot be planned."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.clearance.fields import risk_field
from suwen.engines.trajectory.entries import entries_on, outer_surface
from suwen.engines.trajectory.plan import Ranked, plan_trajectories
from suwen.engines.trajectory.score import Limits, Weights
from suwen.engines.trajectory.targets import target_points

SPACING = np.array([1.0, 1.25, 0.8])
SHAPE = (61, 49, 76)
GRID = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1) * SPACING
MIDDLE = np.array([30.0, 30.0, 30.4])
HEAD, WALL, NUCLEUS, VESSEL, BONE = 1, 2, 3, 4, 5
LIMITS = Limits(margin_mm=3.0, angle_deg=30.0, length_mm=40.0)


def _head() -> Any:
    """A ball of 26 mm."""
    return (np.linalg.norm(GRID - MIDDLE, axis=-1) < 26).astype(np.int16)


def _plan(labels: Any, **changed: Any) -> Ranked:
    asked = {
        "spacing_mm": SPACING, "targets": MIDDLE, "critical": {WALL: "wall"}, "limits": LIMITS, "radius_mm": 0.5,
        "about": 150,
    }  # fmt: skip
    return plan_trajectories(labels, **(asked | changed))


def test_a_wall_beside_a_ball_is_as_far_as_it_is() -> None:
    labels = _head()
    labels[40:][labels[40:] != 0] = WALL
    found = _plan(labels, targets=(20.0, 30.0, 30.4))
    entries = found.entries.points_mm
    far = np.maximum(entries[:, 0], 20.0)
    # The wall is a slab as wide as the head: where a way stays left of it, it is nearest at the rightmost end.
    left = (far < 38) & (np.abs(entries[:, 1:] - MIDDLE[1:]).max(1) < 12)
    assert left.sum() > 10
    np.testing.assert_allclose(found.scored.clearance_mm[left, 0], 39.5 - far[left] - 0.5, atol=1e-9)
    np.testing.assert_allclose(
        found.scored.length_mm, np.linalg.norm(entries - (20, 30, 30.4), axis=1), atol=1e-12
    )
    assert found.verdict.feasible == found.scored.feasible.sum() > 20
    best = found.candidate_document(int(found.scored.order[0]))
    assert best["feasible"]
    assert best["reasons"] == best["crossed"] == []
    assert best["nearest"] == "wall (2)"
    assert best["clearance_mm"]["wall (2)"] >= 3
    # A ball is entered along its radius: the surface's normal leads to the middle.
    straight = _plan(labels, critical={WALL: "wall"}, limits=Limits(margin_mm=0, length_mm=40))
    assert np.percentile(straight.scored.angle_deg, 95) < 6


def test_structures_that_a_way_crosses_are_named() -> None:
    labels = _head()
    labels[40:43][labels[40:43] != 0] = WALL
    found = _plan(labels, targets=(20.0, 30.0, 30.4))
    right = found.entries.points_mm[:, 0] > 44
    assert right.sum() > 5
    assert found.scored.missed[right, 1].all()
    crossed = found.candidate_document(int(np.flatnonzero(right)[0]))
    assert crossed["crossed"] == ["wall (2)"]
    assert crossed["reasons"][0] == "touches"
    assert not crossed["feasible"]


def test_the_angle_is_to_the_bone_and_not_to_the_skin() -> None:
    labels = np.ones((41, 41, 41), np.int16)
    labels[:, :, :4] = 0
    labels[:, :, 10:14] = BONE
    labels[0, 0, 40] = WALL
    entries = np.array([[20.0, 20, 4], [26, 20, 4], [34, 28, 4], [20, 3, 4]])
    target = np.array([20.0, 20, 34])
    for spacing in (np.ones(3), np.array([1.0, 0.7, 1.3])):
        found = plan_trajectories(
            labels, spacing_mm=spacing, targets=target * spacing, entries=entries * spacing, bone=[BONE],
            critical={WALL: "wall"}, limits=LIMITS, radius_mm=0.5,
        )  # fmt: skip
        way = (target - entries) * spacing
        wanted = np.degrees(np.arccos(way[:, 2] / np.linalg.norm(way, axis=1)))
        np.testing.assert_allclose(found.scored.angle_deg, wanted, atol=0.2)
    tilted = np.ones((61, 41, 61), np.int16)
    grid = np.indices(tilted.shape)
    depth = grid[0] * np.sin(np.radians(20)) + grid[2] * np.cos(np.radians(20))
    tilted[(depth > 24) & (depth < 29)] = BONE
    tilted[0, 0, 60] = WALL
    down = plan_trajectories(
        tilted, spacing_mm=np.ones(3), targets=(30, 20, 50), entries=[(30, 20, 2)], bone=[BONE],
        critical={WALL: "wall"}, limits=Limits(margin_mm=1, angle_deg=15), radius_mm=0.5,
    )  # fmt: skip
    assert down.scored.angle_deg[0] == pytest.approx(20, abs=1.0)
    assert down.scored.reasons(0) == ["angle"]


def test_a_vessel_is_as_far_as_two_lines_are() -> None:
    labels = _head()
    axis = np.hypot(GRID[..., 0] - 36, GRID[..., 1] - 33)
    labels[(axis < 2) & (labels != 0)] = VESSEL
    found = _plan(labels, critical={VESSEL: "vessel"}, targets=(20.0, 30.0, 30.4))
    half = 0.5 * float(np.linalg.norm(SPACING))
    for at in range(0, len(found), 7):
        a, b = (end[:2] for end in found.ends_mm(at))
        share = np.clip((np.array([36, 33]) - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        wanted = np.hypot(*(a + share * (b - a) - (36, 33))) - 2
        if abs(found.ends_mm(at)[0][2] - 30.4) < 12:  # beside the vessel and not above its end
            assert found.scored.clearance_mm[at, 0] + 0.5 == pytest.approx(max(wanted, 0), abs=half)


@pytest.mark.parametrize("seed", range(3))
def test_the_whole_order_is_that_of_brute_force(seed: int, exact_clearance: Any, exact_risk: Any) -> None:
    rng = np.random.default_rng(seed)
    labels = _head()
    for label in (WALL, VESSEL, NUCLEUS):
        for _ in range(3):
            place = MIDDLE + rng.normal(size=3) * 9
            labels[(np.linalg.norm(GRID - place, axis=-1) < rng.uniform(1.5, 4)) & (labels != 0)] = label
    critical = {WALL: "wall", VESSEL: "vessel"}
    limits, weights = Limits(margin_mm=2, angle_deg=40, length_mm=30), Weights(clearance=1, risk=2)
    found = _plan(
        labels, targets=NUCLEUS, critical=critical, limits=limits, weights=weights, margins_mm={VESSEL: 1.0},
        tissue_weights={HEAD: 0.2, WALL: 1.5}, risk_reach_mm=6.0, about=40, about_targets=4,
    )  # fmt: skip
    assert len(found.targets) > 1
    risk = risk_field(labels, SPACING, {HEAD: 0.2, WALL: 1.5, VESSEL: 1.0}, reach_mm=6.0)
    closed = labels == 0
    keys = []
    for at in range(len(found)):
        a, b = found.ends_mm(at)
        clear = [exact_clearance(a, b, labels, SPACING, label) - 0.5 for label in (WALL, VESSEL)]
        np.testing.assert_allclose(found.scored.clearance_mm[at], clear, atol=1e-9)
        slack = min(clear[0] - 2.0, clear[1] - 1.0)
        mean = exact_risk(a, b, closed, risk, SPACING)
        assert found.scored.risk[at] == pytest.approx(mean, abs=1e-9)
        length = float(np.linalg.norm(b - a))
        normal = found.entries.inward[at % len(found.entries)]
        angle = float(np.degrees(np.arccos((b - a) @ normal / length)))
        missed = [np.isinf(mean), min(clear) <= 0, slack < 0, angle > 40, length > 30]
        value = np.exp(-max(slack, 0) / 3) + 0.5 * angle / 40 + 0.5 * length / 30
        value += 2 * (1.0 if np.isinf(mean) else mean)
        keys.append((sum(missed), round(max(-slack, 0), 9), round(value, 9), at))
        assert found.scored.reasons(at) == [
            name
            for name, held in zip(("air", "touches", "margin", "angle", "length"), missed, strict=True)
            if held
        ]
    assert found.scored.order.tolist() == [key[-1] for key in sorted(keys)]
    assert 0 < found.verdict.feasible < len(found)


def test_a_target_beside_a_wall_says_what_can_be_had_and_relaxes_nothing() -> None:
    labels = _head()
    labels[33:][labels[33:] != 0] = WALL
    labels[30, 24, 38] = NUCLEUS
    found = _plan(labels, targets=NUCLEUS)
    # The nucleus is one voxel, its centre 2.5 mm from the wall's face; the needle takes 0.5 mm of that.
    assert found.verdict.feasible == 0
    assert not found.scored.feasible.any()
    assert found.verdict.best_clearance_mm == pytest.approx(2.0)
    assert found.verdict.ceiling_mm == pytest.approx(-1.0)
    assert found.verdict.said == (
        "infeasible: best achievable clearance 2.00 mm, at wall (2), where 3.00 mm are asked for; the target itself "
        "has 2.00 mm beside wall (2), so that no entry can do better"
    )
    assert found.document()["limits"]["margin_mm"] == {"wall (2)": 3.0}
    first = found.candidate_document(int(found.scored.order[0]))
    assert first["reasons"] == ["margin"]
    assert first["slack_mm"] == pytest.approx(-1.0)
    enough = _plan(labels, targets=NUCLEUS, limits=Limits(margin_mm=1.9, length_mm=40))
    assert enough.verdict.feasible > 0
    assert enough.verdict.ceiling_mm == pytest.approx(0.1)


def test_the_targets_own_structure_is_not_in_its_way() -> None:
    labels = _head()
    ball = (np.linalg.norm(GRID - MIDDLE, axis=-1) < 5) & (labels != 0)
    labels[ball] = NUCLEUS
    labels[50:][labels[50:] != 0] = WALL
    both = {WALL: "wall", NUCLEUS: "nucleus"}
    inside = _plan(labels, targets=NUCLEUS, critical=both)
    assert [label for label, _ in inside.structures] == [WALL]
    assert inside.verdict.feasible > 0
    assert (inside.targets.depth_mm >= 0.5 * inside.targets.depth_mm.max()).all()
    at = _plan(labels, targets=MIDDLE, critical=both)
    assert at.verdict.feasible == 0
    assert "nucleus (3)" in at.verdict.said


def test_other_limits_are_named_where_the_margin_is_not_what_is_missed() -> None:
    labels = _head()
    labels[52:][labels[52:] != 0] = WALL
    short = _plan(labels, limits=Limits(margin_mm=1, length_mm=20))
    assert short.verdict.feasible == 0
    assert short.verdict.said.startswith(
        "infeasible: the margin can be kept, but not with the other limits: of "
    )
    assert f"{len(short)} miss length" in short.verdict.said
    hollow = labels.copy()
    hollow[(np.linalg.norm(GRID - MIDDLE, axis=-1) < 22) & (np.linalg.norm(GRID - MIDDLE, axis=-1) > 5)] = 0
    surrounded = _plan(hollow, entries=MIDDLE + np.array([[0, 24, 0], [0, -24, 0]]))
    assert "leaves the body" in surrounded.verdict.said
    assert surrounded.verdict.best_clearance_mm is None
    assert json.loads(json.dumps(surrounded.document(), allow_nan=False))["ranked"][0]["mean_risk"] is None


def test_where_entries_may_be() -> None:
    labels = _head()
    labels[50:][labels[50:] != 0] = WALL
    upper = GRID[..., 2] > 40
    found = _plan(labels, allowed=upper, about=40)
    assert (found.entries.points_mm[:, 2] > 40).all()
    own = entries_on(outer_surface(labels != 0), labels != 0, SPACING, about=30, near_mm=MIDDLE, within_mm=99)
    assert np.array_equal(_plan(labels, entries=own).entries.voxels, own.voxels)
    given = _plan(labels, entries=MIDDLE + np.array([[0, 0, 25.2], [0.3, 0.2, -25.1]]))
    np.testing.assert_allclose(
        given.scored.length_mm, np.linalg.norm([[0, 0, 25.2], [0.3, 0.2, -25.1]], axis=1)
    )
    body = np.linalg.norm(GRID - MIDDLE, axis=-1) < 29
    skin = _plan(labels, body=body, about=40)
    assert (np.linalg.norm(skin.entries.points_mm - MIDDLE, axis=1) > 26).all()


def test_the_document_is_plain_and_the_same_again() -> None:
    labels = _head()
    labels[44:][labels[44:] != 0] = WALL
    points = np.array([MIDDLE, MIDDLE - 4])
    one, two = (_plan(labels, targets=points, about=50).document(shown=7) for _ in range(2))
    assert json.dumps(one, allow_nan=False) == json.dumps(two, allow_nan=False)
    assert one["targets"] == 2
    assert one["candidates"] == 2 * one["entries"]
    assert len(one["ranked"]) == 7
    assert one["ranked"][0]["target_depth_mm"] is None
    fortran = _plan(np.asfortranarray(labels), targets=points, about=50)
    assert json.dumps(fortran.document(shown=7)) == json.dumps(one)
    ready = target_points(points, labels.shape, SPACING)
    assert json.dumps(_plan(labels, targets=ready, about=50).document(shown=7)) == json.dumps(one)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"targets": (500.0, 0, 0)}, "outside-image"),
        ({"targets": (1.0, 1.0, 1.0)}, "target-outside-body"),
        ({"targets": (np.nan, 1.0, 1.0)}, "bad-point"),
        ({"targets": "nucleus"}, "bad-point"),
        ({"targets": np.empty((0, 3))}, "bad-point"),
        ({"targets": 99}, "empty-structure"),
        ({"critical": {}}, "critical-empty"),
        ({"critical": {77: "nerve"}}, "critical-absent"),
        ({"targets": WALL}, "critical-empty"),
        ({"spacing_mm": (1, 1, 0)}, "bad-spacing"),
        ({"radius_mm": -1}, "length-unusable"),
        ({"margins_mm": {HEAD: 1.0}}, "margin-missing"),
        ({"margins_mm": {WALL: -1.0}}, "length-unusable"),
        ({"body": np.ones((3, 3, 3))}, "mixed-grid"),
        ({"allowed": np.zeros(SHAPE)}, "no-entry"),
        ({"limits": Limits(margin_mm=1, length_mm=5)}, "no-entry"),
        ({"entries": [MIDDLE]}, "same-place"),
        ({"entries": [(np.inf, 0, 0)]}, "bad-point"),
        ({"tissue_weights": {HEAD: -1.0}}, "bad-weights"),
        ({"risk_reach_mm": 0.0}, "length-unusable"),
    ],
)
def test_what_cannot_be_planned_is_refused(changed: dict[str, Any], code: str) -> None:
    labels = _head()
    labels[44:][labels[44:] != 0] = WALL
    with pytest.raises(BadInput) as refused:
        _plan(labels, **changed)
    assert refused.value.code == code


def test_volumes_that_are_none_are_refused() -> None:
    for labels, code in (
        (np.zeros((4, 4)), "not-three-dimensional"),
        (np.full((4, 4, 4), 0.5), "not-labels"),
    ):
        with pytest.raises(BadInput) as refused:
            _plan(labels)
        assert refused.value.code == code
    for bad in ({"clearance": -1.0}, {"risk": float("nan")}):
        with pytest.raises(BadInput) as refused:
            Weights(**bad)
        assert refused.value.code == "bad-weights"
