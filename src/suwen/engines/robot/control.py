"""Computed torque with a disturbance observer and a prediction over the known delay of the measurement.

Inverse dynamics turn every joint into the double integrator ``q'' = a + d``, where ``a`` is what is commanded and
``d`` is what the controller's model does not know: a payload, friction. An observer estimates ``q``, ``q'`` and ``d``
at the time of the delayed measurement; the commands sent since then carry the estimate to now. The law is::

    a = q''_wanted + w² (q_wanted - q) + 2 z w (q'_wanted - q') - d

so that a constant load leaves no error: the observer is the integral part. See :mod:`suwen.engines.robot.margins` for
how much delay and gain the loop bears.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.engines.robot.arm import JOINTS, STEP_S, Floats, Limits, mujoco_module, within


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Where the poles of the loop lie, rad/s.

    Attributes
    ----------
    bandwidth_rad_s, damping
        Of the position loop: ``w`` and ``z``; 70 rad/s is 11 Hz, critically damped.
    observer_rad_s
        Two poles of the observer: over four times the loop's, so that it does not slow it.
    load_rad_s
        Its third pole: a sudden load is known after three times its inverse, 0.12 s. Slower than the loop, or the
        phase margin is lost to the delay.
    """

    bandwidth_rad_s: float = 70.0
    damping: float = 1.0
    observer_rad_s: float = 300.0
    load_rad_s: float = 25.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("bandwidth_rad_s", 1, 500),
            ("damping", 0.2, 3),
            ("observer_rad_s", 5, 2000),
            ("load_rad_s", 0.5, 1000),
        ):
            within(f"gains.{name}", getattr(self, name), low, high)

    @property
    def feedback(self) -> Floats:
        """Array (3,): weights of position, velocity and disturbance."""
        return np.array([self.bandwidth_rad_s**2, 2 * self.damping * self.bandwidth_rad_s, 1.0])


def transition(step_s: float = STEP_S) -> tuple[Floats, Floats]:
    """How position, velocity and constant disturbance go on in one step: arrays (3, 3), and (3,) by the command."""
    return (
        np.array([[1, step_s, step_s**2 / 2], [0, 1, step_s], [0, 0, 1.0]]),
        np.array([step_s**2 / 2, step_s, 0.0]),
    )


def observer_gain(gains: Gains) -> Floats:
    """Array (3,): by how much a surprise in the position corrects position, velocity and disturbance.

    The error of the corrected estimate goes on with ``(1 - K C) A``; its characteristic polynomial is affine in
    ``K``, so the gain that places its roots is the solution of three linear equations.
    """
    matrix, _ = transition()
    fast, slow = np.exp(-STEP_S * gains.observer_rad_s), np.exp(-STEP_S * gains.load_rad_s)

    def polynomial(gain: Floats) -> Floats:
        return np.asarray(np.poly(matrix - np.outer(gain, matrix[0])))[1:]

    none = polynomial(np.zeros(3))
    slopes = np.stack([polynomial(unit) - none for unit in np.eye(3)], axis=1)
    wanted = np.poly(np.array([fast, fast, slow]))[1:]
    return np.asarray(np.linalg.solve(slopes, wanted - none))


class Controller:
    """One arm's controller; it knows the model without payload, and measurements that are some steps old.

    Parameters
    ----------
    model_xml
        MJCF of the arm as the controller believes it to be.
    gains
        Of the loop.
    delay_steps
        Age of every measurement.
    limits
        Torques are cut to them.
    """

    def __init__(self, model_xml: str, *, gains: Gains, delay_steps: int, limits: Limits) -> None:
        self._mujoco = mujoco_module()
        self.model = self._mujoco.MjModel.from_xml_string(model_xml)
        self.data = self._mujoco.MjData(self.model)
        self._tip = self.model.site("tip").id
        self.delay_steps, self._torque_limit = delay_steps, limits.torque_nm
        self._matrix, self._input = transition()
        self._gain, self._feedback = observer_gain(gains)[:, None], gains.feedback
        powers = [np.linalg.matrix_power(self._matrix, n) for n in range(delay_steps + 1)]
        self._ahead = powers[delay_steps]
        self._sent = np.stack(
            [powers[delay_steps - 1 - n] @ self._input for n in range(delay_steps)], axis=1
        ) if delay_steps else np.zeros((3, 0))  # fmt: skip
        self.reset(np.zeros(JOINTS))

    def reset(self, q_rad: Floats) -> None:
        """Begin at rest at angles (7,), knowing of no load."""
        self._state = np.zeros((3, JOINTS))
        self._state[0] = q_rad
        self._commands = np.zeros((self.delay_steps + 1, JOINTS))
        self.now = self._state.copy()
        self.torque_wanted, self.acceleration_wanted = np.zeros(JOINTS), np.zeros(JOINTS)

    def observe(self, measured_q_rad: Floats) -> Floats:
        """Take in a measurement (7,) that is :attr:`delay_steps` old; position, velocity, load now, (3, 7)."""
        state = self._matrix @ self._state + self._input[:, None] * self._commands[0]
        self._state = state + self._gain * (measured_q_rad - state[0])
        self.now = self._ahead @ self._state + self._sent @ self._commands[1:]
        return self.now

    def command(
        self, q_rad: Floats, qd_rad_s: Floats, qdd_rad_s2: Floats, residual_nm: Floats | None = None
    ) -> Floats:
        """Torques (7,) within their limits for wanted angles, speeds and accelerations (7,).

        Parameters
        ----------
        q_rad, qd_rad_s, qdd_rad_s2
            Wanted now.
        residual_nm
            Torques that somebody else adds, such as a learned policy; the observer takes them for a load.
        """
        position, velocity, load = self.now
        stiff, damp, _ = self._feedback
        wanted = qdd_rad_s2 + stiff * (q_rad - position) + damp * (qd_rad_s - velocity) - load
        torque = self.inverse(position, velocity, wanted)
        if residual_nm is not None:
            torque = torque + residual_nm
        self.torque_wanted, self.acceleration_wanted = torque, wanted
        given = np.clip(torque, -self._torque_limit, self._torque_limit)
        if (given != torque).any():
            wanted = wanted - self._reduced(torque - given)
        self._commands[:-1] = self._commands[1:]
        self._commands[-1] = wanted
        return given

    def inverse(self, q_rad: Floats, qd_rad_s: Floats, qdd_rad_s2: Floats) -> Floats:
        """Torques (7,) of the model for a motion: recursive Newton-Euler and the rotors, ``M q'' + C q' + g``."""
        mujoco, model, data = self._mujoco, self.model, self.data
        data.qpos[:], data.qvel[:], data.qacc[:] = q_rad, qd_rad_s, qdd_rad_s2
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        torque = np.empty(JOINTS)
        mujoco.mj_rne(model, data, 1, torque)
        return np.asarray(torque + model.dof_armature * qdd_rad_s2)

    @property
    def tip_base_m(self) -> Floats:
        """Array (3,): the tip where the last command believed it to be."""
        return np.asarray(self.data.site_xpos[self._tip])

    @property
    def axis(self) -> Floats:
        """Array (3,): the shaft's direction there."""
        return np.asarray(self.data.site_xmat[self._tip][2::3])

    def _reduced(self, missing_nm: Floats) -> Floats:
        """Acceleration (7,) that torques cut off would have given."""
        mujoco, model, data = self._mujoco, self.model, self.data
        full = np.zeros((JOINTS, JOINTS))
        mujoco.mj_makeM(model, data)
        mujoco.mj_fullM(model, data, full)
        return np.asarray(np.linalg.solve(full, missing_nm))
