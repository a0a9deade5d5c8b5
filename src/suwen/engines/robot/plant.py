"""The arm as it is, which its controller does not quite know: load, friction, noise, delay, and hands that push."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.engines.robot.arm import JOINTS, STEP_S, Floats, Tool, mjcf, mujoco_module, within


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """What the controller's model leaves out.

    Attributes
    ----------
    payload_kg
        On the flange, unknown.
    noise_urad
        Standard deviation of every joint encoder's reading, µrad.
    delay_ms
        Age of the readings; the controller knows it.
    unknown_delay_ms
        What they are older than the controller knows.
    damping_nms_rad, friction_nm
        Viscous and dry friction of every joint, unknown.
    inertia_error
        By how much every link and rotor is heavier than in the controller's model, as a share.
    push_n, push_at_s, push_for_s
        A force on the flange in the base's frame, N, from when, and for how long.
    """

    payload_kg: float = 0.0
    noise_urad: float = 0.0
    delay_ms: int = 0
    unknown_delay_ms: int = 0
    damping_nms_rad: float = 0.0
    friction_nm: float = 0.0
    inertia_error: float = 0.0
    push_n: tuple[float, float, float] = (0.0, 0.0, 0.0)
    push_at_s: float = 0.0
    push_for_s: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("payload_kg", 0, 14),
            ("noise_urad", 0, 10000),
            ("delay_ms", 0, 20),
            ("unknown_delay_ms", 0, 20),
            ("damping_nms_rad", 0, 50),
            ("friction_nm", 0, 20),
            ("inertia_error", -0.5, 0.5),
            ("push_at_s", 0, 3600),
            ("push_for_s", 0, 3600),
        ):
            within(f"disturbance.{name}", getattr(self, name), low, high)
        for force in self.push_n:
            within("disturbance.push_n", force, -1000, 1000)
        for name in ("delay_ms", "unknown_delay_ms"):
            whole = round(getattr(self, name))
            within(f"disturbance.{name}", getattr(self, name), whole, whole)

    @property
    def pushes(self) -> bool:
        """Whether anybody pushes."""
        return any(self.push_n) and self.push_for_s > 0


NOMINAL = Disturbance()
DISTURBED = Disturbance(payload_kg=0.5, noise_urad=20.0, delay_ms=4)
"""Unknown payload, encoder noise and measurement delay of the project's claim."""


class Plant:
    """A MuJoCo model of its own, stepped once per millisecond.

    Parameters
    ----------
    tool
        On the flange.
    disturbance
        What differs from the controller's model.
    seed
        Of the noise.
    rotors
        Whether joints feel their rotors; see :func:`suwen.engines.robot.arm.mjcf`.
    """

    def __init__(self, tool: Tool, disturbance: Disturbance, seed: int, *, rotors: bool = True) -> None:
        self._mujoco = mujoco_module()
        self.disturbance = disturbance
        self.xml = mjcf(
            tool,
            payload_kg=disturbance.payload_kg,
            damping_nms_rad=disturbance.damping_nms_rad,
            friction_nm=disturbance.friction_nm,
            inertia_scale=1 + disturbance.inertia_error,
            rotors=rotors,
        )
        self.model = self._mujoco.MjModel.from_xml_string(self.xml)
        self.model.opt.disableflags |= int(self._mujoco.mjtDisableBit.mjDSBL_LIMIT)
        self.data = self._mujoco.MjData(self.model)
        self._tool = self.model.body("tool").id
        self.reset(np.zeros(JOINTS), seed)

    def reset(self, q_rad: Floats, seed: int) -> None:
        """At rest at angles (7,), time 0."""
        self._noise = np.random.default_rng(seed)
        self._mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:] = q_rad
        self._readings = np.tile(
            q_rad, (self.disturbance.delay_ms + self.disturbance.unknown_delay_ms + 1, 1)
        )
        self.time_s = 0.0

    def measure(self) -> Floats:
        """Angles (7,) as the controller gets them now: late and noisy. Once per step."""
        self._readings[:-1] = self._readings[1:]
        self._readings[-1] = self.data.qpos
        if self.disturbance.noise_urad:
            self._readings[-1] += self._noise.normal(0.0, 1e-6 * self.disturbance.noise_urad, JOINTS)
        return np.array(self._readings[0])

    def advance(self, torque_nm: Floats) -> None:
        """One millisecond under torques (7,)."""
        self.data.ctrl[:] = torque_nm
        if self.disturbance.pushes:
            since = self.time_s - self.disturbance.push_at_s
            pushed = 0 <= since < self.disturbance.push_for_s
            self.data.xfrc_applied[self._tool, :3] = self.disturbance.push_n if pushed else 0.0
        self._mujoco.mj_step(self.model, self.data)
        self.time_s += STEP_S
