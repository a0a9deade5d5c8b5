"""Paired points: the right move comes back, and every registration that would look well and be wrong is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, Refused, SuwenError
from suwen.engines.registration.points import register_points
from suwen.engines.registration.rigid import Floats, Rigid, turn

HEAD = np.array(
    [[0, -95, 20], [70, -20, 30], [-68, -25, 28], [60, 60, 60], [-55, 65, 55], [5, 10, 110]], dtype=float
)
MOVE = Rigid(rotation=turn([0.4, -0.8, 1.1]), translation_mm=np.array([210.0, -35.0, 900.0]))


def seen(points: Floats, noise_mm: float = 0.0, seed: int = 0) -> Floats:
    """Fiducials as the tracker sees them."""
    noise = np.random.default_rng(seed).normal(size=points.shape) * noise_mm / np.sqrt(3)
    return MOVE.inverse().apply(points) + noise


def code(error: type[SuwenError], *given: Any, **settings: Any) -> str:
    with pytest.raises(error) as refused:
        register_points(*given, **settings)
    assert refused.value.fix
    assert not refused.value.what.endswith(".")
    return refused.value.code


def test_the_true_move_comes_back() -> None:
    found = register_points(HEAD, seen(HEAD))
    assert np.allclose(found.matrix, MOVE.matrix, atol=1e-9)
    assert found.fre_mm < 1e-9
    assert found.scale == pytest.approx(1)
    assert found.handedness == "confirmed"
    assert found.remarks == ()
    assert np.allclose(found.inverse().apply(found.apply([[1, 2, 3]])), [[1, 2, 3]])


def test_residuals_and_their_mean_square() -> None:
    found = register_points(HEAD, seen(HEAD, 0.5), names=list("abcdef"))
    by_hand = np.linalg.norm(HEAD - found.apply(seen(HEAD, 0.5)), axis=1)
    assert np.allclose(found.residuals_mm, by_hand)
    assert found.fre_mm == pytest.approx(np.sqrt((by_hand**2).mean()))
    assert found.as_dict()["residuals_mm"]["c"] == pytest.approx(by_hand[2])


def test_the_fit_is_the_least_one() -> None:
    found = register_points(HEAD, seen(HEAD, 2.0))
    rng = np.random.default_rng(5)
    for _ in range(50):
        near = Rigid(rotation=turn(rng.normal(size=3) * 1e-3), translation_mm=rng.normal(size=3) * 0.1).after(
            found.transform
        )
        worse = np.sqrt((np.linalg.norm(HEAD - near.apply(seen(HEAD, 2.0)), axis=1) ** 2).mean())
        assert worse > found.fre_mm


def test_it_agrees_with_scipy_with_weights() -> None:
    from scipy.spatial.transform import Rotation

    weights, moving = np.array([1.0, 4, 1, 0.25, 1, 2]), seen(HEAD, 1.0)
    found = register_points(HEAD, moving, weights=weights)
    share = weights / weights.sum()
    f, m = HEAD - share @ HEAD, moving - share @ moving
    peer = Rotation.align_vectors(f, m, weights=weights)[0].as_matrix()
    assert np.allclose(found.rotation, peer, atol=1e-10)


def test_weights_are_relative_and_draw_the_fit() -> None:
    moving = seen(HEAD)
    moving[0] += 3
    plain = register_points(HEAD, moving)
    light = register_points(HEAD, moving, weights=[1e-3, 1, 1, 1, 1, 1])
    again = register_points(HEAD, moving, weights=[1e-2, 10, 10, 10, 10, 10])
    assert light.residuals_mm[1:].max() < plain.residuals_mm[1:].max() / 50
    assert np.allclose(light.matrix, again.matrix)


def test_points_are_paired_by_name() -> None:
    fixed = {str(at): point for at, point in enumerate(HEAD)}
    moving = dict(reversed([(str(at), point) for at, point in enumerate(seen(HEAD))]))
    assert np.allclose(register_points(fixed, moving).matrix, MOVE.matrix, atol=1e-9)


def test_excluding_is_the_callers_word() -> None:
    moving = seen(HEAD)
    moving[2] += 5
    found = register_points(HEAD, moving, exclude="3")
    assert found.fre_mm < 1e-9
    assert found.excluded == ("3",)
    assert found.names == ("1", "2", "4", "5", "6")
    assert code(BadInput, HEAD, moving, exclude=["7"]) == "unknown-fiducial"


@pytest.mark.parametrize(
    ("fixed", "moving", "settings", "expected"),
    [
        (HEAD[:2], HEAD[:2], {}, "too-few-fiducials"),
        (HEAD[:0], HEAD[:0], {"fle_mm": 0.3}, "too-few-fiducials"),
        (HEAD, HEAD[:5], {}, "unpaired-fiducials"),
        (HEAD, HEAD, {"names": ["a"]}, "fiducial-names"),
        (HEAD, HEAD, {"names": list("aabcde")}, "fiducial-names"),
        ({"a": HEAD[0]}, {"b": HEAD[0]}, {}, "fiducial-names"),
        ({"a": HEAD[0]}, HEAD, {}, "fiducial-names"),
        (HEAD, np.where(HEAD == 110, np.nan, HEAD), {}, "not-finite"),
        (HEAD[:, :2], HEAD[:, :2], {}, "bad-points"),
        ("fiducials", HEAD, {}, "not-numbers"),
        (HEAD, HEAD, {"weights": [1, 1, 1, 1, 1, 0]}, "bad-weights"),
        (HEAD, HEAD, {"weights": [1, 1]}, "bad-weights"),
        (HEAD, HEAD, {"fle_mm": -1}, "bad-fle"),
        (HEAD, HEAD, {"fle_mm": float("nan")}, "bad-fle"),
        (HEAD * 0 + 7, HEAD, {}, "coincident-fiducials"),
        (
            np.outer(np.arange(5), [10, 20, 30.0]),
            np.outer(np.arange(5), [10, 20, 30.0]),
            {},
            "collinear-fiducials",
        ),
        (HEAD[[0, 1, 2, 3, 4, 0]], HEAD[[0, 1, 2, 3, 4, 0]], {}, "repeated-fiducial"),
        (HEAD / 30, HEAD / 30, {"fle_mm": 1.5}, "coincident-fiducials"),
    ],
)
def test_bad_fiducials_are_refused(fixed: Any, moving: Any, settings: dict[str, Any], expected: str) -> None:
    assert code(BadInput, fixed, moving, **settings) == expected


def test_a_line_is_judged_by_what_localisation_leaves_of_the_rotation_about_it() -> None:
    nearly = np.array([[0, 0, 0], [50, 2.5, 0], [100, 0, 0], [150, -2.5, 0]], float)
    assert register_points(nearly, nearly, fle_mm=0.3).fre_mm < 1e-9
    assert code(BadInput, nearly, nearly, fle_mm=1.0) == "collinear-fiducials"


@pytest.mark.parametrize(
    ("factor", "named"),
    [(1000, "metres"), (0.001, "metres"), (10, "centimetres"), (0.1, "centimetres"), (25.4, "inches")],
)
def test_other_units_are_named_and_never_rescaled(factor: float, named: str) -> None:
    with pytest.raises(Refused, match=named) as refused:
        register_points(HEAD, seen(HEAD, 0.5) * factor)
    assert refused.value.code == "wrong-units"


def test_units_that_are_wrong_on_both_sides_are_no_patients_size() -> None:
    assert code(Refused, HEAD / 1000, seen(HEAD) / 1000) == "wrong-units"
    assert code(Refused, HEAD * 1000, seen(HEAD) * 1000) == "wrong-units"


def test_a_stretched_side_is_refused() -> None:
    assert code(Refused, HEAD, seen(HEAD) * 1.3) == "scale-mismatch"


def test_a_mirrored_frame_is_refused_even_with_noise() -> None:
    for seed in range(50):
        mirrored = seen(HEAD, 0.5, seed) * [-1, 1, 1]
        assert code(Refused, HEAD, mirrored) == "mirrored-frames"
        assert code(Refused, HEAD, mirrored, fle_mm=0.5) == "mirrored-frames"


def test_a_flat_configuration_cannot_tell_a_mirror_and_says_so() -> None:
    flat = HEAD * [1, 1, 0]
    for seed in range(200):
        found = register_points(flat, seen(flat, 0.5, seed), fle_mm=0.5)
        assert found.handedness == "undetermined"
        assert "mirrored" in found.remarks[0]
    assert register_points(HEAD[:3], seen(HEAD[:3])).handedness == "undetermined"


def test_half_a_turn_about_z_is_remarked_on() -> None:
    ras = HEAD * [-1, -1, 1]
    assert any("RAS" in remark for remark in register_points(HEAD, ras).remarks)
    assert not any("RAS" in remark for remark in register_points(HEAD, seen(HEAD)).remarks)


def test_far_from_the_origin_nothing_is_lost() -> None:
    away = HEAD + np.array([1e6, -2e6, 5e5])
    assert register_points(away, seen(HEAD)).fre_mm < 1e-8
