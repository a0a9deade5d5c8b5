"""Inverse kinematics: exact where it can be, within hard limits always, and the null space is used."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput, UnknownSetting
from suwen.engines.robot.arm import Limits
from suwen.engines.robot.kinematics import forward, manipulability, preference, solve, task
from suwen.engines.robot.placement import SEEDS_RAD, UP_LPS, Placement, candidates, up_of

TIP_M = 0.26
LIMITS = Limits()


def targets(count: int) -> tuple[np.ndarray, np.ndarray]:
    pose = forward(np.random.default_rng(5).uniform(-1, 1, (count, 7)), TIP_M)
    return pose.tip_base_m, pose.axis


def test_reachable_tips_and_shafts_are_reached_within_the_limits() -> None:
    tips, axes = targets(200)
    begin = np.broadcast_to(np.array(SEEDS_RAD[0]), (200, 7))
    q, rest = solve(begin, tips, axes, tip_m=TIP_M, limits=LIMITS)
    assert (rest < 1e-9).mean() > 0.95
    assert (np.abs(q) <= LIMITS.position_rad + 1e-12).all()
    good = rest < 1e-9
    pose = forward(q, TIP_M)
    assert np.abs(pose.tip_base_m - tips)[good].max() < 1e-8
    assert np.abs(pose.axis - axes)[good].max() < 1e-8


def test_limits_are_hard_even_where_the_target_asks_for_more() -> None:
    narrow = Limits(position_rad=np.full(7, 0.3))
    tips, axes = targets(50)
    q, rest = solve(np.zeros((50, 7)), tips, axes, tip_m=TIP_M, limits=narrow)
    assert (np.abs(q) <= 0.3 + 1e-12).all()
    assert (rest > 1e-3).any()


def test_the_null_space_leaves_the_task_alone_and_improves_the_posture() -> None:
    tips, axes = targets(60)
    begin = np.broadcast_to(np.array(SEEDS_RAD[0]), (60, 7))
    stiff, rest = solve(begin, tips, axes, tip_m=TIP_M, limits=LIMITS, comfort=0.0)
    eased, rest_eased = solve(stiff, tips, axes, tip_m=TIP_M, limits=LIMITS, rounds=200)
    both = (rest < 1e-9) & (rest_eased < 1e-9)
    assert both.sum() > 40

    def spare(q: np.ndarray) -> np.ndarray:
        x = np.clip(q / LIMITS.position_rad, -0.98, 0.98)
        return np.sum(1 / (1 - x**2), axis=-1) - forward(q, TIP_M).frames[..., 3, 2, 3]

    better = spare(eased)[both] <= spare(stiff)[both] + 1e-9
    assert better.mean() > 0.95
    assert preference(np.zeros(7), forward(np.zeros(7), TIP_M), LIMITS).shape == (7,)


def test_manipulability_vanishes_where_the_wrist_is_straight_and_arm_stretched() -> None:
    stretched = forward(np.zeros(7), TIP_M)
    bent = forward(np.array(SEEDS_RAD[0]), TIP_M)
    values = [float(manipulability(task(pose, pose.tip_base_m, pose.axis)[1])) for pose in (stretched, bent)]
    assert values[0] < 1e-9
    assert values[1] > 0.1


def test_a_placement_goes_there_and_back_and_stands_upright() -> None:
    entry = np.array([12.0, -40.0, 900.0])
    for position in UP_LPS:
        up = up_of(position)
        for one in candidates(entry, up):
            assert np.allclose(one.rotation[:, 2], up)
            assert np.allclose(one.to_lps(one.to_base(entry)), entry)
            assert one.to_base(entry)[1] == pytest.approx(0, abs=1e-9)
            assert 0.4 < one.to_base(entry)[0] < 0.7


@pytest.mark.parametrize(
    "rotation", [np.diag([1.0, 1.0, -1.0]), np.eye(3) * 1000, np.eye(4), np.full((3, 3), np.nan)]
)
def test_a_base_that_is_not_rigid_is_refused(rotation: np.ndarray) -> None:
    with pytest.raises(BadInput) as raised:
        Placement(rotation=rotation, origin_lps_mm=np.zeros(3))
    assert raised.value.code == "not-rigid"


def test_an_unknown_patient_position_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownSetting, match="prone") as raised:
        up_of("prome")
    assert raised.value.code == "unknown-patient-position"
