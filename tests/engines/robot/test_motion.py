"""The claims: errors of the tip and of the entry, limits, stops and alarms, measured on whole motions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import Refused, SuwenError, UnknownSetting
from suwen.engines.robot import Motion, follow, joints
from suwen.engines.robot.arm import Tool
from suwen.engines.robot.control import Gains
from suwen.engines.robot.curve import to_polyline
from suwen.engines.robot.measure import to_path
from suwen.engines.robot.placement import Placement
from suwen.engines.robot.plant import DISTURBED, NOMINAL, Disturbance
from suwen.engines.robot.prepare import prepare
from suwen.engines.robot.simulate import Alarms
from suwen.engines.robot.timing import Pace

ENTRY = np.array([10.0, -80.0, 30.0])
DOWN = np.array([0.2, 1.0, 0.1]) / np.linalg.norm([0.2, 1.0, 0.1])
QUICK = Pace(insertion_mm_s=20.0)


def helix() -> np.ndarray:
    """Straight for 60 mm, then a turn and a half of 20 mm diameter and height, widening from the axis."""
    side = np.cross(DOWN, [1.0, 0, 0])
    side /= np.linalg.norm(side)
    share = np.linspace(0, 1, 300)[:, None]
    opened = np.clip(3 * share, 0, 1)
    radius = 10 * opened**3 * (10 - 15 * opened + 6 * opened**2)
    turn = 3 * np.pi * share
    spiral = radius * (np.cos(turn) * side + np.sin(turn) * np.cross(DOWN, side))
    return np.concatenate([ENTRY[None], ENTRY + (60 + 20 * share) * DOWN + spiral])


PATHS: dict[str, tuple[str, np.ndarray]] = {
    "insertion": ("needle", np.stack([ENTRY, ENTRY + 80 * DOWN])),
    "helix": ("pivoting", helix()),
}


def moved(path: str = "insertion", **settings: Any) -> Motion:
    shaft, points = PATHS[path]
    return follow(points, entry_lps_mm=ENTRY, **{"shaft": shaft, "pace": QUICK, **settings})


@pytest.fixture(scope="module", params=list(PATHS))
def pair(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """One path, run with a perfect model and disturbed."""
    pace = Pace(insertion_mm_s=20.0 if request.param == "insertion" else 10.0)
    nominal, disturbed = (
        moved(request.param, disturbance=unknown, pace=pace).document() for unknown in (NOMINAL, DISTURBED)
    )
    return nominal, disturbed


def worst(document: dict[str, Any]) -> float:
    return max(document["tip_error_mm"]["max"], document["taking_up_load"]["tip_error_mm"]["max"])


def test_the_tip_is_on_its_path_within_the_claim(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    nominal, disturbed = pair
    assert worst(nominal) <= 0.05
    assert 0.01 < worst(disturbed) <= 0.5
    for document in pair:
        assert document["path_error_mm"]["max"] <= document["tip_error_mm"]["max"] + 0.001
        assert document["completed"]
        assert document["settling"]["after_motion_s"] <= 0.1
        error = document["tip_error_mm"]
        assert error["rms"] <= error["p95"] <= error["max"] or error["p95"] <= error["rms"] <= error["max"]
    assert nominal["target_error_mm"] < 0.001
    assert disturbed["target_error_mm"] < 0.05


def test_the_shaft_stays_at_the_entry_within_the_claim(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    nominal, disturbed = pair
    assert nominal["rcm_drift_mm"]["max"] < 0.01
    assert 0.001 < disturbed["rcm_drift_mm"]["max"] <= 0.5


def test_no_limit_is_exceeded_and_the_arm_stands_still_in_ten_ms(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    for document in pair:
        assert document["limits"]["exceeded"] == []
        assert all(0 < share < 1 for share in document["limits"]["used"].values())
        assert document["limits"]["used"]["torque"] > 0.05
        stop = document["stop"]
        assert stop["tip_speed_before_mm_s"] > 9
        assert 0 < stop["standstill_after_ms"] <= 10
        assert stop["held_within_mm"] < 0.1


def test_the_document_is_plain_json_says_what_it_is_and_has_a_film(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    for document in pair:
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert document["simulated"] is True
        assert "not the accuracy of a device" in document["statement"]
        film = document["film"]
        assert 2 < len(film["frames"]) <= 400
        assert film["points"] == ["base", "shoulder", "elbow", "wrist", "flange", "tip"]
        last = film["frames"][-1]
        assert np.allclose(last["at"][-1], document["route"]["legs"][-1]["to"], atol=0.2)
        for frame in film["frames"]:
            joints = np.array(frame["at"])
            lengths = np.linalg.norm(np.diff(joints, axis=0), axis=1)
            assert lengths == pytest.approx([360, 420, 400, 126, 260], abs=0.05)
            assert np.linalg.norm(frame["axis"]) == pytest.approx(1, abs=1e-4)
        assert len(json.dumps(film)) < 200_000


def test_the_same_seed_gives_the_same_document_and_another_another() -> None:
    short = np.stack([ENTRY, ENTRY + 10 * DOWN])
    one, two, other = (
        follow(short, entry_lps_mm=ENTRY, pace=QUICK, disturbance=DISTURBED, seed=seed).document()
        for seed in (1, 1, 2)
    )
    assert one == two
    assert one["tip_error_mm"] != other["tip_error_mm"]
    assert one["settings"]["arm_sha256"] == other["settings"]["arm_sha256"] != one["settings"]["plant_sha256"]


def test_without_its_observer_the_arm_droops_under_the_load() -> None:
    short = np.stack([ENTRY, ENTRY + 10 * DOWN])
    load = Disturbance(payload_kg=0.5)
    blind, seeing = (
        follow(
            short, entry_lps_mm=ENTRY, pace=QUICK, disturbance=load, gains=gains, stop_check=False
        ).document()
        for gains in (Gains(load_rad_s=0.5), Gains())
    )
    assert blind["tip_error_mm"]["rms"] > 10 * seeing["tip_error_mm"]["rms"]


@pytest.mark.parametrize(
    "unknown",
    [
        replace(DISTURBED, inertia_error=0.15),
        replace(DISTURBED, friction_nm=1.0, damping_nms_rad=2.0),
        replace(DISTURBED, payload_kg=2.0),
        replace(DISTURBED, delay_ms=8),
        replace(DISTURBED, delay_ms=0, unknown_delay_ms=4),
    ],
    ids=["heavier", "friction", "payload", "delay", "unknown delay"],
)
def test_the_claim_holds_with_more_than_was_claimed(unknown: Disturbance) -> None:
    short = np.stack([ENTRY, ENTRY + 20 * DOWN])
    document = follow(short, entry_lps_mm=ENTRY, pace=QUICK, disturbance=unknown, stop_check=False).document()
    assert worst(document) <= 0.5
    assert document["rcm_drift_mm"]["max"] <= 0.5
    assert document["limits"]["exceeded"] == []


def test_a_commanded_stop_ends_the_run_on_the_path() -> None:
    motion = moved(disturbance=DISTURBED, stop_at_s=3.0)
    document = motion.document()
    assert not document["completed"]
    assert document["target_error_mm"] is None
    assert document["stop"]["why"] == "command"
    assert document["stop"]["asked_at_s"] == pytest.approx(3.0)
    assert document["stop"]["standstill_after_ms"] <= 10
    assert document["duration_s"] == pytest.approx(3.4)
    assert motion.found.path_error_mm[-1] < 0.05
    assert document["stop"]["tip_travel_mm"] < 0.2


def test_a_push_raises_the_alarm_and_the_arm_stops_and_holds() -> None:
    pushed = replace(DISTURBED, push_n=(80.0, 0.0, 0.0), push_at_s=2.5, push_for_s=0.03)
    document = moved(disturbance=pushed).document()
    assert document["stop"]["why"] in {"tip-error", "entry-drift"}
    assert 2.5 < document["stop"]["asked_at_s"] < 2.6
    assert document["stop"]["standstill_after_ms"] is not None
    assert document["stop"]["held_within_mm"] < 0.5


def test_the_tip_is_stopped_where_it_may_not_go_deeper() -> None:
    motion = moved(disturbance=DISTURBED, pace=Pace(), alarms=Alarms(deepest_mm=5.0))
    stop = motion.document()["stop"]
    assert stop["why"] == "too-deep"
    assert stop["standstill_after_ms"] <= 10
    depth = (motion.found.tip_lps_mm - ENTRY) @ DOWN
    assert 4.9 < depth.max() < 5.1


def test_a_steerable_instrument_is_fed_and_says_so() -> None:
    along = np.linspace(0, 1, 40)[:, None]
    curved = ENTRY + 30 * along * DOWN + 6 * along**2 * np.cross(DOWN, [0, 0, 1.0])
    with pytest.raises(Refused) as raised:
        follow(curved, entry_lps_mm=ENTRY)
    assert raised.value.code == "not-straight"
    document = follow(curved, entry_lps_mm=ENTRY, shaft="steerable", pace=QUICK, stop_check=False).document()
    assert document["completed"]
    assert "drive" in document["route"]["tip_means"]


UPRIGHT = np.stack([[0, 0, 1.0], [-1.0, 0, 0], [0, -1.0, 0]], axis=1)
"""Columns: the base's axes in LPS for a supine patient."""

WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "too far": (
        "unreachable",
        {"base": Placement(rotation=UPRIGHT, origin_lps_mm=ENTRY - np.array([0, 0, 2500.0]))},
    ),
    "from below": ("unreachable", {"path_lps_mm": np.stack([ENTRY, ENTRY - 80 * DOWN])}),
    "no such time": ("setting-out-of-range", {"stop_at_s": 1e6}),
    "negative seed": ("setting-out-of-range", {"seed": -1}),
    "shaft unknown": ("unknown-shaft", {"shaft": "straw"}),
    "position unknown": ("unknown-patient-position", {"patient_position": "upside-down"}),
    "loop unstable": ("unstable-gains", {"gains": Gains(bandwidth_rad_s=300), "disturbance": DISTURBED}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_before_anything_moves(case: str) -> None:
    code, settings = WRONG[case]
    with pytest.raises(SuwenError) as raised:
        follow(**{"path_lps_mm": PATHS["insertion"][1], "entry_lps_mm": ENTRY, "pace": QUICK, **settings})
    assert raised.value.code == code
    assert raised.value.where
    assert raised.value.fix


@pytest.mark.parametrize(
    ("distance_mm", "code"),
    [(800.0, None), (843.0, "near-singular"), (850.0, "unreachable"), (440.0, "unreachable")],
)
def test_a_base_further_and_further_away_is_refused_with_where_on_the_path(
    distance_mm: float, code: str | None
) -> None:
    base = Placement(rotation=UPRIGHT, origin_lps_mm=ENTRY + np.array([0, 100.0, -distance_mm]))
    if code is None:
        assert prepare(PATHS["insertion"][1], entry_lps_mm=ENTRY, base=base).choice.tried == 1
        return
    with pytest.raises(Refused) as raised:
        prepare(PATHS["insertion"][1], entry_lps_mm=ENTRY, base=base)
    assert raised.value.code == code
    assert "path" in str(raised.value.where)


def test_an_arm_that_would_touch_itself_is_refused() -> None:
    folded = np.array([2.56, 1.73, 1.38, -2.06, -0.34, 2.09, 0.14])
    leg = prepare(PATHS["insertion"][1], entry_lps_mm=ENTRY).legs[0]
    joints.apart([leg], Tool())
    with pytest.raises(Refused, match="capsule1 and shaft") as raised:
        joints.apart([replace(leg, spline=lambda _: folded)], Tool())
    assert raised.value.code == "self-collision"


def test_the_distance_to_a_path_is_that_of_every_edge_tried() -> None:
    path = helix()[1:]
    points = path[::7] + np.random.default_rng(0).normal(0, 0.05, (len(path[::7]), 3))
    assert np.abs(to_path(points, path) - to_polyline(points, path)[0]).max() < 1e-6


@pytest.mark.parametrize("wrong", [{"payload_kg": -1.0}, {"delay_ms": 3.5}, {"noise_urad": float("nan")}])
def test_a_disturbance_outside_its_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UnknownSetting) as raised:
        Disturbance(**wrong)  # type: ignore[arg-type]
    assert raised.value.code == "setting-out-of-range"


@pytest.mark.parametrize("seed", range(6))
def test_any_reachable_line_keeps_the_claim(seed: int) -> None:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3) + np.array([0, 1.5, 0])
    direction /= np.linalg.norm(direction)
    entry = rng.normal(0, 60, 3)
    document = follow(
        np.stack([entry, entry + 15 * direction]),
        entry_lps_mm=entry,
        pace=QUICK,
        disturbance=DISTURBED,
        seed=seed,
        stop_check=False,
    ).document()
    assert worst(document) <= 0.5
    assert document["rcm_drift_mm"]["max"] <= 0.5
    assert document["limits"]["exceeded"] == []
    assert document["base"]["least_manipulability"] > 0.05
