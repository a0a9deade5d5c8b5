"""Wrongly paired fiducials are noticed, the right pairs are named, and right ones are left as they are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from suwen.core.errors import BadInput, Refused
from suwen.engines.registration.pairing import check_pairing
from suwen.engines.registration.points import register_points
from suwen.engines.registration.rigid import Floats, turn


def layout(n: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    fixed = rng.uniform(-80, 80, (n, 3))
    return fixed, (fixed + rng.normal(size=(n, 3)) * 0.2) @ turn(rng.normal(size=3)) + 30


@pytest.mark.parametrize("n", [4, 5, 7, 9, 12])
def test_two_exchanged_fiducials_are_named(n: int) -> None:
    for seed in range(20):
        fixed, moving = layout(n, seed)
        i, j = np.random.default_rng(seed).choice(n, 2, replace=False)
        moving[[i, j]] = moving[[j, i]]
        found = check_pairing(fixed, moving)
        assert set(found.exchanged) == {(str(i + 1), str(j + 1)), (str(j + 1), str(i + 1))}
        assert found.clear
        assert found.fre_best_mm < 1 < found.fre_given_mm


def test_right_pairs_stand() -> None:
    for seed in range(50):
        fixed, moving = layout(6, seed)
        found = check_pairing(fixed, moving)
        assert found.exchanged == ()
        assert found.fre_best_mm == found.fre_given_mm == pytest.approx(register_points(fixed, moving).fre_mm)


def test_left_taken_for_right_looks_mirrored_and_is_explained() -> None:
    names = ["nasion", "left tragus", "right tragus", "left canthus", "right canthus", "vertex"]
    fixed = np.array(
        [[0, -95, 20], [70, 0, 0], [-70, 0, 0], [45, -75, 25], [-45, -75, 25], [0, 10, 120]], float
    )
    moving = fixed[[0, 2, 1, 4, 3, 5]] + np.random.default_rng(0).normal(size=(6, 3)) * 0.1
    with pytest.raises(Refused, match="left and right") as refused:
        register_points(fixed, moving, names=names)
    assert refused.value.code == "mirrored-frames"
    found = check_pairing(fixed, moving, names=names)
    assert ("left tragus", "right tragus") in found.exchanged
    assert ("nasion", "nasion") not in found.exchanged
    assert json.loads(json.dumps(found.as_dict()))["clear"] is True


def test_a_symmetric_layout_is_not_clear() -> None:
    square = np.array([[50, 50, 0], [-50, 50, 0], [-50, -50, 0], [50, -50, 0]], float)
    found = check_pairing(square, square)
    assert found.exchanged == ()
    assert not found.clear


def test_points_on_a_line_are_refused() -> None:
    line = np.outer(np.arange(4.0), [10, 0, 0])
    with pytest.raises(BadInput) as refused:
        check_pairing(line, line)
    assert refused.value.code == "collinear-fiducials"
