"""The loop: its observer, its prediction, its margins, and torques that stay within their limits."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from suwen.core.errors import Refused, UnknownSetting
from suwen.engines.robot.arm import Limits, Tool, mjcf
from suwen.engines.robot.control import Controller, Gains, observer_gain, transition
from suwen.engines.robot.margins import closed_loop, margins, open_loop
from suwen.engines.robot.placement import SEEDS_RAD

POSTURE = np.array(SEEDS_RAD[0])


def controller(delay_steps: int = 0) -> Controller:
    return Controller(mjcf(Tool()), gains=Gains(), delay_steps=delay_steps, limits=Limits())


def test_the_observers_poles_are_where_the_gains_put_them() -> None:
    gains = Gains(observer_rad_s=250, load_rad_s=20)
    matrix, _ = transition()
    gain = observer_gain(gains)
    poles = np.sort(np.linalg.eigvals((np.eye(3) - np.outer(gain, np.eye(3)[0])) @ matrix).real)
    assert poles == pytest.approx(np.exp([-0.25, -0.25, -0.02]), abs=1e-5)


@pytest.mark.parametrize("delay_steps", [0, 4])
def test_the_default_loop_is_stable_with_the_usual_margins(delay_steps: int) -> None:
    found = margins(Gains(), delay_steps)
    assert found.slowest_pole < 1
    assert found.modulus > 0.5
    assert found.phase_deg > 30
    assert found.gain_low < 0.3
    assert found.gain_high > 2
    assert found.delay_ms > 5


def test_the_frequency_response_and_the_poles_tell_the_same_story() -> None:
    found = margins(Gains(), 4)
    for response, stable in ((found.gain_high * 0.97, True), (found.gain_high * 1.03, False)):
        slowest = float(np.abs(np.linalg.eigvals(closed_loop(Gains(), 4, response=response))).max())
        assert (slowest < 1) is stable
    frequency = np.geomspace(20, 2000, 4000)
    curve = open_loop(Gains(), 4, frequency)
    negative = np.flatnonzero((np.diff(np.sign(curve.imag)) != 0) & (curve.real[:-1] < 0))
    ends = 1 / -curve.real[negative]
    for end in (found.gain_low, found.gain_high):
        assert np.abs(ends / end - 1).min() < 0.02


@pytest.mark.parametrize(
    "gains", [Gains(bandwidth_rad_s=400), Gains(load_rad_s=300), Gains(bandwidth_rad_s=200, damping=0.2)]
)
def test_gains_that_the_delay_does_not_bear_are_refused(gains: Gains) -> None:
    with pytest.raises(Refused) as raised:
        margins(gains, 4)
    assert raised.value.code == "unstable-gains"


def test_gains_outside_their_range_are_refused() -> None:
    with pytest.raises(UnknownSetting) as raised:
        Gains(bandwidth_rad_s=float("inf"))
    assert raised.value.code == "setting-out-of-range"


def test_torques_are_those_of_mujocos_inverse_dynamics() -> None:
    made, rng = controller(), np.random.default_rng(0)
    model = mujoco.MjModel.from_xml_string(mjcf(Tool()))
    data = mujoco.MjData(model)
    for _ in range(5):
        q, qd, qdd = rng.uniform(-1, 1, (3, 7))
        data.qpos[:], data.qvel[:], data.qacc[:] = q, qd, qdd
        mujoco.mj_inverse(model, data)
        assert np.abs(made.inverse(q, qd, qdd) - data.qfrc_inverse).max() < 1e-9


@pytest.mark.parametrize("delay_steps", [0, 3, 7])
def test_the_prediction_carries_an_old_measurement_to_now(delay_steps: int) -> None:
    made = controller(delay_steps)
    made.reset(POSTURE)
    matrix, enters = transition()
    true = np.stack([POSTURE, np.zeros(7), np.zeros(7)])
    past = [POSTURE] * (delay_steps + 1)
    for step in range(60):
        past = [*past[1:], true[0]]
        now = made.observe(past[0])
        assert np.abs(now - true).max() < 1e-9
        made.command(POSTURE + 1e-4 * np.sin(step / 9), np.zeros(7), np.zeros(7))
        true = matrix @ true + enters[:, None] * made.acceleration_wanted


def test_torques_are_cut_at_their_limits_and_the_cut_is_reported() -> None:
    made = controller()
    made.reset(POSTURE)
    made.observe(POSTURE)
    given = made.command(POSTURE + 1.0, np.zeros(7), np.zeros(7))
    assert (np.abs(given) <= Limits().torque_nm).all()
    assert (np.abs(made.torque_wanted) > Limits().torque_nm).any()


def test_a_constant_load_is_learned() -> None:
    made = controller(4)
    made.reset(POSTURE)
    matrix, enters = transition()
    true, load = np.stack([POSTURE, np.zeros(7)]), 0.8
    past = [POSTURE] * 5
    for _ in range(600):
        past = [*past[1:], true[0]]
        made.observe(past[0])
        made.command(POSTURE, np.zeros(7), np.zeros(7))
        true = matrix[:2, :2] @ true + enters[:2, None] * (made.acceleration_wanted + load)
    assert made.now[2] == pytest.approx(np.full(7, load), rel=1e-3)
    assert np.abs(true[0] - POSTURE).max() < 1e-6
