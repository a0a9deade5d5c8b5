"""``SurgicalArmEnv``. Loads gymnasium, so import it through :mod:`suwen.engines.robot.environment`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from suwen.core.errors import Refused
from suwen.engines.robot.arm import JOINTS, STEP_S, TORQUE_NM, Floats, Tool, mjcf, within
from suwen.engines.robot.control import Controller, Gains
from suwen.engines.robot.environment import FASTEST_MM_S, SEEN_DEPTH_MM, SEEN_MM, check_action
from suwen.engines.robot.kinematics import LEVER_M, forward, task
from suwen.engines.robot.plant import Disturbance, Plant
from suwen.engines.robot.prepare import Planned, prepare
from suwen.engines.robot.timing import Pace

STEPS = 10
"""Milliseconds of control within one step of the environment."""
RESIDUAL = 0.05
"""A torque action of 1 is this share of the joint's limit."""
QUICKEST_MM_S2 = 400.0
"""A velocity action is followed with at most this acceleration."""
REACHED_MM, REACHED_MM_S = 0.3, 1.0
TRIES = 20


class SurgicalArmEnv(gymnasium.Env):  # type: ignore[misc]
    """Insert a needle along a straight line through the entry; every episode draws line, depth, payload and noise.

    An observation has 20 numbers, by what the controller knows (late, noisy): angles and speeds over their limits
    (7 + 7); the tip's error across the line and along it in mm (3; along it only with torques, where time decides);
    the remaining way in 100 mm; the shaft's distance from the entry in mm; the wanted speed over the greatest one.

    Parameters
    ----------
    action
        ``torque``: seven torques, added to those of the computed-torque controller, 1 is 5 % of the joint's limit.
        ``velocity``: of the tip, twice across the line and along it, 1 is 20 mm/s; the shaft is kept through the entry.
    payload_kg
        The unknown payload is drawn from 0 to this.
    noise_urad, delay_ms
        Of the measurement.
    breach_mm
        The episode ends where the tip (from its line) or the shaft (from the entry) is further off.
    cone_deg, depth_mm
        Lines are drawn from this cone around straight down, depths from this range.

    Notes
    -----
    A step is 10 ms. Reward: minus tip error and entry drift in mm, minus a hundredth of the squared action, each
    step; 10 more when the target is reached, 100 less at a breach. Truncated two seconds after twice the planned time.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (gymnasium's own form)

    def __init__(
        self,
        action: str = "torque",
        *,
        payload_kg: float = 0.5,
        noise_urad: float = 20.0,
        delay_ms: int = 4,
        breach_mm: float = 2.0,
        cone_deg: float = 10.0,
        depth_mm: tuple[float, float] = (20.0, 40.0),
    ) -> None:
        check_action(action)
        within("breach_mm", breach_mm, 0.05, 50)
        within("cone_deg", cone_deg, 0, 45)
        for depth in depth_mm:
            within("depth_mm", depth, 2, 150)
        self.render_mode = None
        self.action, self.payload_kg, self.breach_mm = action, payload_kg, breach_mm
        self.noise_urad, self.delay_ms = noise_urad, delay_ms
        self.cone_deg, self.depth_mm = cone_deg, depth_mm
        size = JOINTS if action == "torque" else 3
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (size,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-10.0, 10.0, (20,), np.float32)
        self._tool, self._pace = Tool(), Pace(insertion_mm_s=20.0, settle_s=0.2, hold_s=0.2)
        self._base = prepare(
            self._line(0.0, 0.0, 30.0), entry_lps_mm=np.zeros(3), pace=self._pace
        ).choice.placement

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Draw an episode; see gymnasium."""
        super().reset(seed=seed)
        self._planned = self._draw()
        payload = float(self.np_random.uniform(0, self.payload_kg)) if self.payload_kg else 0.0
        unknown = Disturbance(payload_kg=payload, noise_urad=self.noise_urad, delay_ms=self.delay_ms)
        begin = self._planned.timed.q_rad[0]
        self._plant = Plant(self._tool, unknown, 0)
        self._plant.reset(begin, int(self.np_random.integers(2**31)))
        self._controller = Controller(
            mjcf(self._tool), gains=Gains(), delay_steps=self.delay_ms, limits=self._planned.limits
        )
        self._controller.reset(begin)
        self._row, self._q, self._qd, self._speed = 0, begin.copy(), np.zeros(JOINTS), np.zeros(3)
        route = self._planned.route
        self._axis = self._base.rotation.T @ route.direction_lps
        self._entry = self._base.to_base(route.entry_lps_mm)
        self._target = self._entry + self._axis * route.depth_mm / 1000
        side = np.cross(self._axis, np.eye(3)[np.abs(self._axis).argmin()])
        side /= np.linalg.norm(side)
        self._frame = np.stack([side, np.cross(self._axis, side), self._axis])
        self._controller.observe(self._plant.measure())
        return self._seen(), {"payload_kg": payload, "depth_mm": route.depth_mm}

    def step(self, action: Floats) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Ten milliseconds; see gymnasium."""
        asked = np.clip(np.asarray(action, float), -1, 1)
        residual = asked * RESIDUAL * np.array(TORQUE_NM) if self.action == "torque" else None
        change = self._steer(asked) if self.action == "velocity" else np.zeros(JOINTS)
        for _ in range(STEPS):
            if self.action == "torque":
                timed, row = self._planned.timed, min(self._row, len(self._planned.timed.q_rad) - 1)
                wanted = timed.q_rad[row], timed.qd_rad_s[row], timed.qdd_rad_s2[row]
            else:
                wanted = self._q.copy(), self._qd.copy(), change
                self._q += STEP_S * self._qd + STEP_S**2 / 2 * change
                self._qd += STEP_S * change
            self._plant.advance(self._controller.command(*wanted, residual))
            self._row += 1
            self._controller.observe(self._plant.measure())
        tip, drift, left = self._true()
        ended, cut, how = False, False, ""
        reward = -tip - drift - 0.01 * float(asked @ asked)
        if max(tip, drift) > self.breach_mm:
            ended, how, reward = True, "breach", reward - 100
        elif self._arrived(left):
            ended, how, reward = True, "reached", reward + 10
        elif self._row * STEP_S > 2 * self._planned.timed.duration_s + 2:
            cut, how = True, "time"
        told = {"tip_error_mm": tip, "rcm_drift_mm": drift, "remaining_mm": left, "ended": how}
        return self._seen(), reward, ended, cut, told

    def _line(self, lean_rad: float, bearing_rad: float, depth_mm: float) -> Floats:
        """Entry and target for a line that leans from straight down (a supine patient's posterior)."""
        sine = np.sin(lean_rad)
        down = np.array([sine * np.cos(bearing_rad), np.cos(lean_rad), sine * np.sin(bearing_rad)])
        return np.stack([np.zeros(3), depth_mm * down])

    def _draw(self) -> Planned:
        for _ in range(TRIES):
            lean = np.radians(self.cone_deg) * np.sqrt(self.np_random.uniform())
            bearing, depth = self.np_random.uniform(0, 2 * np.pi), self.np_random.uniform(*self.depth_mm)
            try:
                return prepare(
                    self._line(lean, bearing, depth),
                    entry_lps_mm=np.zeros(3),
                    pace=self._pace,
                    base=self._base,
                    approach_mm=5.0,
                )
            except Refused:
                continue
        raise Refused(
            f"{TRIES} lines were drawn and the arm reaches none",
            where="cone_deg, depth_mm",
            fix="Draw from a narrower cone or smaller depths",
            code="unreachable",
        )

    def _steer(self, asked: Floats) -> Floats:
        """Joint acceleration (7,) that takes the tip to the asked velocity and draws the shaft to the entry."""
        change = asked * FASTEST_MM_S - self._speed
        most = QUICKEST_MM_S2 * STEPS * STEP_S
        self._speed = self._speed + change * min(1.0, most / max(float(np.linalg.norm(change)), 1e-9))
        pose = forward(self._q, self._tool.tip_m)
        to_entry = self._entry - pose.tip_base_m
        outside = (
            float(to_entry @ self._axis) > -0.005
        )  # near the entry the line itself says where the shaft points
        axis = self._axis if outside else -to_entry / np.linalg.norm(to_entry)
        missing, rows = task(pose, pose.tip_base_m, axis)
        missing[:3] = self._speed @ self._frame / 1000 / LEVER_M
        missing[3:] *= 10.0
        if not outside:  # the axis turns as the tip goes sideways
            across = self._speed @ self._frame / 1000
            across = across - axis * (across @ axis)
            turn = np.cross(axis, across) / np.linalg.norm(to_entry)
            missing[3:] += pose.frames[JOINTS, :3, :2].T @ turn
        speed = rows.T @ np.linalg.solve(rows @ rows.T + 1e-9 * np.eye(5), missing)
        return np.asarray((speed - self._qd) / (STEPS * STEP_S))

    def _off(self, q_rad: Floats) -> tuple[Floats, float, float]:
        """Error (3,) in the line's frame and drift, mm, and the remaining way, mm, at angles."""
        pose = forward(q_rad, self._tool.tip_m)
        wanted = self._target
        if self.action == "torque":
            timed = self._planned.timed
            wanted = self._base.to_base(timed.tip_lps_mm[min(self._row, len(timed.tip_lps_mm) - 1)])
        off = 1000 * self._frame @ (pose.tip_base_m - wanted)
        left = 1000 * float((self._target - pose.tip_base_m) @ self._axis)
        if self.action == "velocity":
            off[2] = 0.0
        drift = 1000 * float(np.linalg.norm(np.cross(self._entry - pose.tip_base_m, pose.axis)))
        return off, drift, left

    def _true(self) -> tuple[float, float, float]:
        off, drift, left = self._off(np.array(self._plant.data.qpos))
        return float(np.linalg.norm(off)), drift, left

    def _arrived(self, left_mm: float) -> bool:
        if self.action == "torque":
            return self._row >= len(self._planned.timed.q_rad)
        return abs(left_mm) < REACHED_MM and float(np.linalg.norm(self._speed)) < REACHED_MM_S

    def _seen(self) -> Floats:
        position, velocity, _ = self._controller.now
        off, drift, left = self._off(position)
        limits, timed = self._planned.limits, self._planned.timed
        row = min(self._row, len(timed.speed_mm_s) - 1)
        speed = timed.speed_mm_s[row] if self.action == "torque" else self._speed[2]
        seen = np.concatenate(
            [
                position / limits.position_rad,
                velocity / limits.velocity_rad_s,
                off / SEEN_MM,
                [left / SEEN_DEPTH_MM, drift / SEEN_MM, speed / FASTEST_MM_S],
            ]
        )
        return np.asarray(np.clip(seen, -10, 10), np.float32)
