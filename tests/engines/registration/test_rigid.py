"""Rigid moves: rotations from vectors and back, composition, and what is no rigid move."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.registration.rigid import Rigid, rotation_vector, skew, turn


def test_a_rotation_comes_back_from_its_vector_at_every_angle() -> None:
    rng = np.random.default_rng(0)
    for angle in (0, 1e-12, 1e-9, 1e-6, 0.01, 1.0, 3.0, np.pi - 1e-7, np.pi):
        axis = rng.normal(size=3)
        vector = axis / np.linalg.norm(axis) * angle
        again = turn(rotation_vector(turn(vector)))
        assert np.abs(again - turn(vector)).max() < 1e-12
        assert np.linalg.norm(rotation_vector(turn(vector))) == pytest.approx(angle, abs=1e-9)


def test_rotations_agree_with_scipy() -> None:
    from scipy.spatial.transform import Rotation

    for vector in np.random.default_rng(1).normal(size=(20, 3)):
        assert np.allclose(turn(vector), Rotation.from_rotvec(vector).as_matrix(), atol=1e-13)


def test_moves_are_undone_and_joined() -> None:
    rng = np.random.default_rng(2)
    first, second = (
        Rigid(rotation=turn(rng.normal(size=3)), translation_mm=rng.normal(size=3)) for _ in "ab"
    )
    points = rng.normal(size=(4, 5, 3)) * 100
    assert np.allclose(first.inverse().apply(first.apply(points)), points)
    assert np.allclose(second.after(first).apply(points), second.apply(first.apply(points)))
    assert np.allclose(second.after(first).matrix, second.matrix @ first.matrix)
    assert np.allclose(Rigid.from_matrix(first.matrix).matrix, first.matrix)
    assert Rigid(
        rotation=turn([0, 0, np.radians(30)]), translation_mm=np.zeros(3)
    ).angle_deg == pytest.approx(30)
    assert Rigid.identity().angle_deg == 0


@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([1, 1, -1, 1]),
        np.diag([2, 2, 2, 1]),
        np.full((4, 4), np.nan),
        np.eye(3),
        np.eye(4) + np.eye(4)[:, ::-1],
    ],
)
def test_what_is_no_rigid_move_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(BadInput) as refused:
        Rigid.from_matrix(matrix)
    assert refused.value.code == "not-rigid"


def test_skew_is_the_cross_product() -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 6, 3))
    assert np.allclose(np.einsum("nij,nj->ni", skew(a), b), np.cross(a, b))
