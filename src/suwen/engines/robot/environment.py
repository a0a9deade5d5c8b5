"""The simulated arm as an environment of gymnasium, for controllers that learn, and a baseline to beat.

``SurgicalArmEnv`` lives in a module of its own, since gymnasium is loaded only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import MissingExtra, UnknownSetting, nearest
from suwen.engines.robot.arm import Floats
from suwen.engines.robot.measure import spread

if TYPE_CHECKING:
    from suwen.engines.robot._environment import SurgicalArmEnv

NAME = "suwen/SurgicalArm-v0"
"""Under which :func:`register` makes the environment known to ``gymnasium.make``."""
ACTIONS = ("torque", "velocity")

Policy = Callable[[Floats], Floats]


def make(**settings: Any) -> SurgicalArmEnv:
    """A ``SurgicalArmEnv``; see :class:`suwen.engines.robot._environment.SurgicalArmEnv` for the settings.

    Raises
    ------
    MissingExtra
        gymnasium or mujoco is not installed.
    UnknownSetting
        ``unknown-action``, ``setting-out-of-range``.
    """
    try:
        from suwen.engines.robot._environment import SurgicalArmEnv
    except ImportError:
        raise MissingExtra("gymnasium", "surgery", "A learning environment") from None
    return SurgicalArmEnv(**settings)


def register() -> None:
    """Make :data:`NAME` known to ``gymnasium.make``; once is enough."""
    try:
        import gymnasium
    except ImportError:
        raise MissingExtra("gymnasium", "surgery", "A learning environment") from None
    if NAME not in gymnasium.registry:
        gymnasium.register(id=NAME, entry_point="suwen.engines.robot._environment:SurgicalArmEnv")


def baseline(action: str) -> Policy:
    """The policy to beat.

    For ``torque`` nothing is added to the computed-torque controller. For ``velocity`` the tip goes straight on at
    the wanted speed, slows over the last millimetres, and what it is off sideways is drawn back.

    Parameters
    ----------
    action
        One of :data:`ACTIONS`.
    """
    check_action(action)
    if action == "torque":
        return lambda _: np.zeros(7, np.float32)

    def straight_on(seen: Floats) -> Floats:
        sideways, left_mm = seen[14:16] * SEEN_MM, float(seen[17]) * SEEN_DEPTH_MM
        forward = np.clip(2.0 * left_mm, -5.0, 10.0)
        return np.clip(np.array([*(-5.0 * sideways), forward]) / FASTEST_MM_S, -1, 1).astype(np.float32)

    return straight_on


FASTEST_MM_S = 20.0
"""An action of 1 is this speed."""
SEEN_MM, SEEN_DEPTH_MM = 1.0, 100.0
"""Units of errors and of the remaining way in an observation."""


def check_action(action: str) -> None:
    """Raise :class:`UnknownSetting` with code ``unknown-action`` unless an action's kind is known."""
    if action not in ACTIONS:
        raise UnknownSetting(
            f"the action '{action}' is not known",
            where="action",
            fix=nearest(action, ACTIONS),
            code="unknown-action",
        )


def score(env: SurgicalArmEnv, policy: Policy, *, episodes: int = 3, seed: int = 0) -> dict[str, Any]:
    """Run a policy and say what it reached, with the errors of the true state.

    Parameters
    ----------
    env
        The environment.
    policy
        From observation to action.
    episodes
        How many, with seeds from ``seed`` on.
    seed
        Of the first one.

    Returns
    -------
    dict
        ``returns`` of each episode, ``reached`` and ``breached`` (how many ended so), ``tip_error_mm`` and
        ``rcm_drift_mm`` over all steps.
    """
    returns, ends, tips, drifts = [], [], [], []
    for episode in range(episodes):
        seen, _ = env.reset(seed=seed + episode)
        total, over = 0.0, False
        told: dict[str, Any] = {}
        while not over:
            seen, reward, ended, cut, told = env.step(policy(seen))
            total, over = total + float(reward), ended or cut
            tips.append(told["tip_error_mm"])
            drifts.append(told["rcm_drift_mm"])
        returns.append(total)
        ends.append(told["ended"])
    return {
        "episodes": episodes,
        "returns": returns,
        "reached": ends.count("reached"),
        "breached": ends.count("breach"),
        "tip_error_mm": spread(np.array(tips)),
        "rcm_drift_mm": spread(np.array(drifts)),
    }


def __getattr__(name: str) -> Any:
    """``SurgicalArmEnv``, loaded when it is asked for."""
    if name == "SurgicalArmEnv":
        from suwen.engines.robot._environment import SurgicalArmEnv

        return SurgicalArmEnv
    raise AttributeError(name)
