"""Timing: jerk-limited along the path, and no joint beyond its limits at any step."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import Refused, UnknownSetting
from suwen.engines.robot.arm import STEP_S, Limits
from suwen.engines.robot.prepare import Planned, prepare
from suwen.engines.robot.timing import Pace, schedule

ENTRY = np.array([10.0, -80.0, 30.0])
DOWN = np.array([0.0, 1.0, 0.0])
PATH = np.stack([ENTRY, ENTRY + 60 * DOWN])


@pytest.fixture(scope="module")
def planned() -> Planned:
    return prepare(PATH, entry_lps_mm=ENTRY, pace=Pace(insertion_mm_s=20))


def test_speeds_along_the_path_are_those_asked_for(planned: Planned) -> None:
    timed = planned.timed
    speed = np.linalg.norm(np.diff(timed.tip_lps_mm, axis=0), axis=1) / STEP_S
    assert speed.max() == pytest.approx(20, rel=1e-3)
    assert timed.tip_lps_mm[-1] == pytest.approx(PATH[-1])
    assert timed.tip_lps_mm[0] == pytest.approx(ENTRY - 20 * DOWN)
    jerk = np.diff(timed.speed_mm_s, 2) / STEP_S**2
    assert np.abs(jerk).max() < 2000 * 1.01
    at_entry = np.linalg.norm(timed.tip_lps_mm - ENTRY, axis=1).argmin()
    assert timed.speed_mm_s[at_entry] == pytest.approx(0, abs=0.05)


def test_angles_speeds_and_accelerations_belong_together(planned: Planned) -> None:
    timed = planned.timed
    middle = (timed.q_rad[2:] - timed.q_rad[:-2]) / (2 * STEP_S)
    assert np.abs(middle - timed.qd_rad_s[1:-1]).max() < 2e-6
    change = (timed.qd_rad_s[2:] - timed.qd_rad_s[:-2]) / (2 * STEP_S)
    assert np.abs(change - timed.qdd_rad_s2[1:-1]).max() < 0.02
    assert not timed.qd_rad_s[[0, -1]].any()


@pytest.mark.parametrize("kind", ["velocity_rad_s", "acceleration_rad_s2", "jerk_rad_s3"])
def test_a_tighter_joint_limit_slows_the_path_until_it_holds(planned: Planned, kind: str) -> None:
    reached = planned.timed.peak[kind.partition("_")[0]]
    tight = Limits(**{kind: getattr(Limits(), kind) * reached / 3})
    slowed = schedule(planned.legs, Pace(insertion_mm_s=20), tight)
    assert slowed.peak[kind.partition("_")[0]] <= 1
    assert slowed.peak[kind.partition("_")[0]] > 0.6
    assert slowed.duration_s > planned.timed.duration_s
    assert slowed.scaled < 1


def test_a_joint_that_hardly_moves_is_refused(planned: Planned) -> None:
    with pytest.raises(Refused) as raised:
        schedule(planned.legs, Pace(), Limits(velocity_rad_s=np.full(7, 1e-6)))
    assert raised.value.code == "no-timing"


@pytest.mark.parametrize("wrong", [{"insertion_mm_s": 0.0}, {"jerk_mm_s3": float("nan")}, {"settle_s": -1.0}])
def test_a_pace_outside_its_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UnknownSetting) as raised:
        Pace(**wrong)
    assert raised.value.code == "setting-out-of-range"


def test_the_default_insertion_is_slow_as_tissue_asks() -> None:
    assert Pace().insertion_mm_s == 5.0
    made = prepare(np.stack([ENTRY, ENTRY + 5 * DOWN]), entry_lps_mm=ENTRY)
    assert made.timed.speed_mm_s[made.timed.inside].max() == pytest.approx(5.0, rel=1e-6)
