"""A tracked tip in the image: the right place, and the error that repetition of the whole chain shows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.registration.localisation import estimate_fle
from suwen.engines.registration.points import register_points
from suwen.engines.registration.rigid import Rigid, turn
from suwen.engines.registration.tracking import Tracker, shown_tip

RNG = np.random.default_rng(4)
FIXED = RNG.uniform(-80, 80, (6, 3))
TRUE = Rigid(rotation=turn([0.3, -0.4, 0.9]), translation_mm=np.array([40.0, -20, 100]))
MOVING = TRUE.inverse().apply(FIXED)
REFERENCE = Rigid(rotation=turn([1.0, 0.2, -0.3]), translation_mm=np.array([200.0, -100, -1500]))
TOOL = Rigid(rotation=turn([-0.5, 0.8, 0.1]), translation_mm=np.array([230.0, -160, -1450]))
TIP = np.array([5.0, -3, 150])


def jittered(pose: Rigid, tracker: Tracker, rng: Any) -> Rigid:
    angle, shift = rng.normal(size=(2, 3)) / np.sqrt(3)
    return Rigid(
        rotation=turn(angle * np.radians(tracker.angle_rms_deg)) @ pose.rotation,
        translation_mm=pose.translation_mm + shift * tracker.position_rms_mm,
    )


def test_the_tip_is_where_the_chain_puts_it() -> None:
    registered = register_points(FIXED, MOVING, fle_mm=0.3)
    tracker = Tracker(position_rms_mm=0.25, angle_rms_deg=0.1)
    found = shown_tip(registered, tool=TOOL, reference=REFERENCE, tip_mm=TIP, tracker=tracker)
    by_hand = TRUE.matrix @ np.linalg.inv(REFERENCE.matrix) @ TOOL.matrix @ [*TIP, 1]
    assert np.allclose(found.tip_lps_mm, by_hand[:3])
    assert json.loads(json.dumps(found.as_dict()))["parts_rms_mm"]["tip"] == 0


def test_its_error_is_what_repetition_shows() -> None:
    tracker, rng, trials = Tracker(position_rms_mm=0.25, angle_rms_deg=0.15), np.random.default_rng(5), 3000
    calibrated = np.diag([0.04, 0.02, 0.01])
    exact = register_points(FIXED, MOVING)
    said = shown_tip(
        exact,
        tool=TOOL,
        reference=REFERENCE,
        tip_mm=TIP,
        tracker=tracker,
        tip_covariance_mm2=calibrated,
        fle=0.3,
    )
    errors = np.empty((trials, 3))
    for trial in range(trials):
        seen = register_points(FIXED + rng.normal(size=FIXED.shape) * 0.3 / np.sqrt(3), MOVING)
        tip = TIP + rng.normal(size=3) * np.sqrt(np.diag(calibrated))
        tool, reference = jittered(TOOL, tracker, rng), jittered(REFERENCE, tracker, rng)
        errors[trial] = seen.apply(reference.inverse().apply(tool.apply(tip))) - said.tip_lps_mm
    size = np.linalg.norm(errors, axis=1)
    assert said.rms_mm == pytest.approx(np.sqrt((size**2).mean()), rel=0.03)
    assert said.radius_mm == pytest.approx(np.quantile(size, 0.95), rel=0.04)
    assert np.abs(np.cov(errors.T) - said.covariance_mm2).max() < 0.06 * np.trace(said.covariance_mm2)
    whole = said.tracking_rms_mm**2 + said.parts_rms_mm["registration"] ** 2
    assert whole == pytest.approx(said.rms_mm**2)


def test_a_longer_tool_and_an_unknown_localisation_cost() -> None:
    tracker = Tracker(position_rms_mm=0.25, angle_rms_deg=0.15)
    noisy = register_points(FIXED + np.random.default_rng(1).normal(size=FIXED.shape) * 0.2, MOVING)
    short, long = (
        shown_tip(noisy, tool=TOOL, reference=REFERENCE, tip_mm=TIP * by, tracker=tracker, fle=0.3)
        for by in (1, 2)
    )
    assert long.parts_rms_mm["tool"] > short.parts_rms_mm["tool"]
    unknown, known = (
        shown_tip(noisy, tool=TOOL, reference=REFERENCE, tip_mm=TIP, tracker=tracker, fle=fle)
        for fle in (None, estimate_fle(noisy).fle_mm)
    )
    assert unknown.parts_rms_mm["registration"] > known.parts_rms_mm["registration"]
    assert unknown.parts_rms_mm["tool"] == known.parts_rms_mm["tool"]


def test_what_cannot_guide_is_refused() -> None:
    exact = register_points(FIXED, MOVING)
    good: dict[str, Any] = {
        "tool": TOOL,
        "reference": REFERENCE,
        "tracker": Tracker(position_rms_mm=0.2, angle_rms_deg=0.1),
    }
    for ask, expected in (
        (lambda: Tracker(position_rms_mm=-1, angle_rms_deg=0), "bad-tracker"),
        (lambda: Tracker(position_rms_mm=0.2, angle_rms_deg=float("nan")), "bad-tracker"),
        (lambda: shown_tip(exact, tip_mm=[1, 2], fle=0.3, **good), "bad-points"),
        (lambda: shown_tip(exact, tip_mm=[1, 2, np.nan], fle=0.3, **good), "not-finite"),
        (
            lambda: shown_tip(exact, tip_mm=TIP, fle=0.3, tip_covariance_mm2=-np.eye(3), **good),
            "bad-covariance",
        ),
    ):
        with pytest.raises(BadInput) as refused:
            ask()
        assert refused.value.code == expected
