"""Where the tool is for given joint angles, how it moves with them, and which angles put it where it must be.

Everything works on many poses at once: angles are arrays (..., 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.engines.robot.arm import ALPHA_RAD, D_M, JOINTS, Floats, Limits

LEVER_M = 0.4
"""Length that makes metres of the tip and radians of the shaft comparable: about half the arm's reach."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Places of the arm in its base's frame.

    Attributes
    ----------
    frames
        Array (..., 8, 4, 4): the frame each joint turns in (its z is the joint's axis), and the flange.
    tip_base_m
        Array (..., 3).
    axis
        Array (..., 3): unit vector along the shaft, towards the tip.
    """

    frames: Floats
    tip_base_m: Floats
    axis: Floats


def forward(q_rad: Floats, tip_m: float) -> Pose:
    """Forward kinematics by the Denavit-Hartenberg table.

    Parameters
    ----------
    q_rad
        Array (..., 7).
    tip_m
        From the flange to the tip along the flange's z axis.
    """
    shape = q_rad.shape[:-1]
    frames = np.zeros((*shape, JOINTS + 1, 4, 4))
    here = np.broadcast_to(np.eye(4), (*shape, 4, 4))
    frames[..., 0, :, :] = here
    for joint in range(JOINTS):
        step = np.zeros((*shape, 4, 4))
        cos, sin = np.cos(q_rad[..., joint]), np.sin(q_rad[..., joint])
        ca, sa = np.cos(ALPHA_RAD[joint]), np.sin(ALPHA_RAD[joint])
        step[..., 0, 0], step[..., 0, 1], step[..., 0, 2] = cos, -sin * ca, sin * sa
        step[..., 1, 0], step[..., 1, 1], step[..., 1, 2] = sin, cos * ca, -cos * sa
        step[..., 2, 1], step[..., 2, 2], step[..., 2, 3] = sa, ca, D_M[joint]
        step[..., 3, 3] = 1
        here = here @ step
        frames[..., joint + 1, :, :] = here
    axis = here[..., :3, 2]
    return Pose(frames=frames, tip_base_m=here[..., :3, 3] + tip_m * axis, axis=axis)


def jacobian(pose: Pose) -> Floats:
    """Geometric Jacobian at the tip, array (..., 6, 7): velocity in m/s, then angular velocity in rad/s."""
    axes = pose.frames[..., :JOINTS, :3, 2]
    arms = pose.tip_base_m[..., None, :] - pose.frames[..., :JOINTS, :3, 3]
    return np.concatenate([np.swapaxes(np.cross(axes, arms), -1, -2), np.swapaxes(axes, -1, -2)], axis=-2)


def task(pose: Pose, tip_base_m: Floats, axis: Floats) -> tuple[Floats, Floats]:
    """What is still missing from tip and shaft, and how the joints change it: 5 rows for 7 joints.

    Three rows move the tip (divided by :data:`LEVER_M`), two turn the shaft (radians, about the tool's own x and y).
    With the tip on its path and the shaft along the line from the entry to it, the remote centre of motion holds;
    unlike a constraint on the distance to the entry, this stays regular where the tip passes the entry.

    Parameters
    ----------
    pose
        Where the tool is.
    tip_base_m, axis
        Where tip and shaft must be, arrays (..., 3).

    Returns
    -------
    tuple of (array (..., 5), array (..., 5, 7))
        Residual and its Jacobian, both without unit.
    """
    full = jacobian(pose)
    cross = pose.frames[..., JOINTS, :3, :2]
    turn = np.cross(pose.axis, axis)
    residual = np.concatenate(
        [(tip_base_m - pose.tip_base_m) / LEVER_M, np.einsum("...ik,...i->...k", cross, turn)], axis=-1
    )
    rows = np.concatenate(
        [full[..., :3, :] / LEVER_M, np.einsum("...ik,...ij->...kj", cross, full[..., 3:, :])], axis=-2
    )
    return residual, rows


def manipulability(rows: Floats) -> Floats:
    """Smallest singular value of the task's Jacobian, array (...): 0 where a direction of the task is lost."""
    return np.asarray(np.linalg.svd(rows, compute_uv=False)[..., -1])


def preference(q_rad: Floats, pose: Pose, limits: Limits) -> Floats:
    """Direction, array (..., 7), in which joints leave their limits and the elbow rises.

    The limits' part is the gradient of ``sum 1/(1 - x²)`` with ``x`` the angle over its limit (after Chan and Dubey,
    IEEE Transactions on Robotics and Automation 11:286, 1995).
    """
    x = np.clip(q_rad / limits.position_rad, -0.98, 0.98)
    away = -2 * x / (1 - x**2) ** 2 / limits.position_rad
    axes = pose.frames[..., :3, :3, 2]
    arms = pose.frames[..., 3, :3, 3][..., None, :] - pose.frames[..., :3, :3, 3]
    elbow = np.zeros_like(away)
    elbow[..., :3] = np.cross(axes, arms)[..., 2]
    return away + elbow


def solve(
    q_rad: Floats,
    tip_base_m: Floats,
    axis: Floats,
    *,
    tip_m: float,
    limits: Limits,
    rounds: int = 80,
    comfort: float = 0.02,
    damping: float = 0.02,
) -> tuple[Floats, Floats]:
    """Inverse kinematics by damped least squares, joint limits as hard bounds, many poses at once.

    Damping shrinks with the residual, so that the end is as quick as Newton's method (after Sugihara, IEEE
    Transactions on Robotics 27:984, 2011); the last rounds leave the null space alone.

    Parameters
    ----------
    q_rad
        Array (..., 7): where the search begins.
    tip_base_m, axis
        Arrays (..., 3): where tip and shaft must be.
    tip_m
        From the flange to the tip.
    limits
        Of the joints.
    rounds
        Steps at most.
    comfort
        Length of the steps in the null space; 0 for none.
    damping
        Of the least squares far from the solution.

    Returns
    -------
    tuple of (array (..., 7), array (...))
        Angles within the limits, and what remains of the task (1 is 400 mm or 1 rad).
    """
    q = np.clip(q_rad, -limits.position_rad, limits.position_rad)
    eye5, eye7 = np.eye(5), np.eye(JOINTS)
    for number in range(rounds):
        pose = forward(q, tip_m)
        residual, rows = task(pose, tip_base_m, axis)
        size = np.linalg.norm(residual, axis=-1)
        resting = number >= rounds - 12 or not comfort
        if resting and float(size.max()) < 1e-12:
            break
        shrink = np.minimum(1.0, 0.3 / np.maximum(size, 1e-9))[..., None]
        squared = rows @ np.swapaxes(rows, -1, -2)
        soft = (damping**2 * np.minimum(1.0, size) ** 2 + 1e-12)[..., None, None]
        inverse = np.swapaxes(rows, -1, -2) @ np.linalg.inv(squared + soft * eye5)
        step = np.einsum("...ij,...j->...i", inverse, residual * shrink)
        if not resting:
            free = eye7 - inverse @ rows
            step = step + comfort * np.einsum("...ij,...j->...i", free, preference(q, pose, limits))
        q = np.clip(q + step, -limits.position_rad, limits.position_rad)
    residual, _ = task(forward(q, tip_m), tip_base_m, axis)
    return q, np.linalg.norm(residual, axis=-1)
