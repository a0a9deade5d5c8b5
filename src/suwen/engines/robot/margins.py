"""How much the loop bears: its distance from instability with the delay, in gain, phase, delay and Nyquist's plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.core.errors import Refused
from suwen.engines.robot.arm import STEP_S, Floats
from suwen.engines.robot.control import Gains, observer_gain, transition

LEAST_MODULUS = 0.4
"""Below this distance from -1 gains are refused; 0.5 is the usual rule."""


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Of the linear loop of one joint, cut open where the command enters it.

    Attributes
    ----------
    modulus
        Least distance of the open loop's curve from -1; the sensitivity's peak is its inverse.
    phase_deg
        At the highest frequency where the gain is 1.
    gain_low, gain_high
        Factors on the joint's response (1 over its inertia) between which the loop stays stable.
    delay_ms
        Further delay, unknown to the controller, until it is not.
    crossover_rad_s
        Where the gain is 1.
    slowest_pole
        Largest modulus of the closed loop's poles, below 1 if stable.
    """

    modulus: float
    phase_deg: float
    gain_low: float
    gain_high: float
    delay_ms: float
    crossover_rad_s: float
    slowest_pole: float


def open_loop(gains: Gains, delay_steps: int, frequency_rad_s: Floats) -> Floats:
    """Frequency response (n,), complex, of plant, delay, observer, prediction and feedback in series."""
    matrix, enters = transition()
    gain, feedback = observer_gain(gains), gains.feedback
    powers = [np.linalg.matrix_power(matrix, n) for n in range(delay_steps + 1)]
    kept = np.eye(3) - np.outer(gain, np.eye(3)[0])
    found = np.empty(len(frequency_rad_s), complex)
    for at, frequency in enumerate(frequency_rad_s):
        z = np.exp(1j * frequency * STEP_S)
        settle = np.linalg.inv(np.eye(3) - kept @ matrix / z)
        by_command = powers[-1] @ settle @ kept @ enters * z ** (-delay_steps - 1)
        by_command = by_command + sum(
            (powers[delay_steps - 1 - n] @ enters * z ** (n - delay_steps) for n in range(delay_steps)),
            np.zeros(3),
        )
        by_measurement = powers[-1] @ settle @ gain
        controller = feedback @ by_measurement / (1 + feedback @ by_command)
        plant = STEP_S**2 / 2 * (z + 1) / (z - 1) ** 2 * z**-delay_steps
        found[at] = controller * plant
    return found


def closed_loop(gains: Gains, delay_steps: int, *, response: float = 1.0) -> Floats:
    """Matrix of the closed loop of one joint: true position and velocity, estimate, past commands and positions."""
    matrix, enters = transition()
    gain, feedback = observer_gain(gains), gains.feedback
    size = 2 + 3 + (delay_steps + 1) + delay_steps
    columns = []
    for unit in np.eye(size):
        true, estimate, sent, seen = np.split(unit, [2, 5, 6 + delay_steps])
        oldest = seen[0] if delay_steps else true[0]
        ahead = matrix @ estimate + enters * sent[0]
        ahead = ahead + gain * (oldest - ahead[0])
        now = np.linalg.matrix_power(matrix, delay_steps) @ ahead
        for n in range(delay_steps):
            now = now + np.linalg.matrix_power(matrix, delay_steps - 1 - n) @ enters * sent[1 + n]
        command = -feedback @ now
        moved = matrix[:2, :2] @ true + enters[:2] * command * response
        seen_next = np.concatenate([seen[1:], true[:1]]) if delay_steps else seen
        columns.append(np.concatenate([moved, ahead, sent[1:], [command], seen_next]))
    return np.stack(columns, axis=1)


def margins(gains: Gains, delay_steps: int) -> Margins:
    """Margins of the loop.

    Raises
    ------
    Refused
        ``unstable-gains``: the loop is unstable, or nearer to -1 than :data:`LEAST_MODULUS`.
    """
    frequency = np.geomspace(0.5, 0.98 * np.pi / STEP_S, 1500)
    curve = open_loop(gains, delay_steps, frequency)
    slowest = float(np.abs(np.linalg.eigvals(closed_loop(gains, delay_steps))).max())
    modulus = float(np.abs(1 + curve).min())
    if slowest >= 1 or modulus < LEAST_MODULUS:
        raise Refused(
            f"the control loop with {delay_steps} ms of delay is unstable or nearly so (modulus margin {modulus:.2f}, "
            f"{LEAST_MODULUS} asked; slowest pole {slowest:.4f})",
            where="gains",
            fix="Lower bandwidth_rad_s or load_rad_s",
            code="unstable-gains",
        )
    size = np.abs(curve)
    crossing = int(np.flatnonzero((size[:-1] > 1) & (size[1:] <= 1))[-1])
    phase = float(np.degrees(np.angle(-curve[crossing])))
    low, high = _range(gains, delay_steps)
    return Margins(
        modulus=modulus,
        phase_deg=phase,
        gain_low=low,
        gain_high=high,
        delay_ms=float(1000 * np.radians(phase) / frequency[crossing]),
        crossover_rad_s=float(frequency[crossing]),
        slowest_pole=slowest,
    )


def _range(gains: Gains, delay_steps: int) -> tuple[float, float]:
    """Factors on the response between which every pole stays inside the unit circle, to 1 %."""
    ends = []
    for factor in (1 / 1.01, 1.01):
        response = 1.0
        while 0.01 < response < 100:
            response *= factor
            if np.abs(np.linalg.eigvals(closed_loop(gains, delay_steps, response=response))).max() >= 1:
                break
        ends.append(response)
    return ends[0], ends[1]
