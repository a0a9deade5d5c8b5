"""The environment follows gymnasium's interface, repeats itself by seed, and its baseline reaches the target."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from suwen.core.errors import UnknownSetting
from suwen.engines.robot import environment

SHALLOW = {"depth_mm": (5.0, 8.0)}


@pytest.mark.parametrize("action", environment.ACTIONS)
def test_gymnasiums_own_checker_is_content(action: str) -> None:
    environment.register()
    check_env(gymnasium.make(environment.NAME, action=action, **SHALLOW).unwrapped)


@pytest.mark.parametrize("action", environment.ACTIONS)
def test_the_baseline_reaches_the_target(action: str) -> None:
    env = environment.make(action=action, **SHALLOW)
    found = environment.score(env, environment.baseline(action), episodes=2, seed=7)
    assert (found["reached"], found["breached"]) == (2, 0)
    assert found["tip_error_mm"]["max"] < 0.5
    assert found["rcm_drift_mm"]["max"] < 0.5
    assert min(found["returns"]) > 0


def test_a_bad_policy_breaches_and_pays_for_it() -> None:
    env = environment.make(action="torque", breach_mm=0.4, **SHALLOW)
    found = environment.score(env, lambda seen: np.ones(7, np.float32), episodes=1)
    assert found["breached"] == 1
    assert found["returns"][0] < -50


def test_a_seed_decides_an_episode() -> None:
    env = environment.make(action="velocity", **SHALLOW)
    seen, told = zip(*(env.reset(seed=seed) for seed in (3, 3, 4)), strict=True)
    assert np.array_equal(seen[0], seen[1])
    assert told[0] == told[1] != told[2]


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(UnknownSetting) as raised:
        environment.make(action="force")
    assert raised.value.code == "unknown-action"


def test_nothing_heavy_is_loaded_until_it_is_needed() -> None:
    program = (
        "import sys, suwen.engines.robot, suwen.engines.robot.environment\n"
        "print(sorted({'mujoco', 'ruckig', 'scipy', 'gymnasium'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
