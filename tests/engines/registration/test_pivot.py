"""Pivot calibration: the tip comes back with the error it says, and poses that leave it open are refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, Refused, SuwenError
from suwen.engines.registration.pivot import calibrate_pivot
from suwen.engines.registration.rigid import Floats, turn

TIP, HELD = np.array([3.0, -8.0, 160.0]), np.array([100.0, -50.0, -1200.0])


def poses(
    n: int = 200, tilt_deg: float = 40, noise_mm: float = 0.0, seed: int = 0, *, one_axis: bool = False
) -> Floats:
    """A tool turned about its tip, tracked with noise in position."""
    rng, made = np.random.default_rng(seed), np.tile(np.eye(4), (n, 1, 1))
    for one in made:
        axis = np.array([1.0, 0, 0]) if one_axis else rng.normal(size=3)
        one[:3, :3] = turn(axis / np.linalg.norm(axis) * np.radians(rng.uniform(-tilt_deg, tilt_deg))) @ turn(
            [0.5, 1, 2]
        )
        one[:3, 3] = HELD - one[:3, :3] @ TIP + rng.normal(size=3) * noise_mm
    return made


def test_the_tip_comes_back_exactly() -> None:
    found = calibrate_pivot(poses())
    assert np.allclose(found.tip_mm, TIP, atol=1e-9)
    assert np.allclose(found.pivot_mm, HELD, atol=1e-9)
    assert found.rmse_mm < 1e-9
    assert 40 < found.swing_deg <= 80
    assert json.loads(json.dumps(found.as_dict()))["poses"] == 200


def test_the_radius_holds_the_tip_and_the_covariance_is_right() -> None:
    found = [calibrate_pivot(poses(60, 40, 0.3, seed)) for seed in range(200)]
    off = np.array([one.tip_mm - TIP for one in found])
    held = [np.linalg.norm(one) <= by.tip_radius_mm for one, by in zip(off, found, strict=True)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.04)
    predicted = np.mean([np.trace(one.tip_covariance_mm2) for one in found])
    assert np.sqrt(predicted) == pytest.approx(np.sqrt((off**2).sum(axis=1).mean()), rel=0.1)
    assert np.mean([one.rmse_mm for one in found]) == pytest.approx(0.3 * np.sqrt(3), rel=0.03)


def test_more_tilt_is_a_better_tip() -> None:
    narrow, wide = (calibrate_pivot(poses(100, tilt, 0.3)) for tilt in (20, 60))
    assert wide.condition > narrow.condition
    assert wide.tip_radius_mm < narrow.tip_radius_mm


@pytest.mark.parametrize(
    ("error", "given", "expected"),
    [
        (BadInput, poses(5), "too-few-poses"),
        (BadInput, poses()[:, :3], "too-few-poses"),
        (BadInput, poses() * np.nan, "not-finite"),
        (BadInput, poses() * 2, "not-rigid"),
        (BadInput, poses(200, 5), "too-little-rotation"),
        (BadInput, poses(200, 60, one_axis=True), "too-little-rotation"),
        (Refused, poses(200, 40, 5.0), "pivot-unsteady"),
        (Refused, np.where(np.arange(4) == 3, poses() * [1, 1, 1, 1e3], poses()), "wrong-units"),
    ],
)
def test_bad_poses_are_refused(error: type[SuwenError], given: Any, expected: str) -> None:
    if expected == "wrong-units":
        given[:, 3, 3] = 1
    with pytest.raises(error) as refused:
        calibrate_pivot(given)
    assert refused.value.code == expected
    assert refused.value.fix
