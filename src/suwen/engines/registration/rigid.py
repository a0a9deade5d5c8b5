"""A rigid move of space: a rotation, then a translation in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput, MissingExtra

Floats = NDArray[np.float64]
RIGID = 1e-6
"""Largest departure of a rotation from orthogonality that passes as rounding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rigid:
    """A rigid move ``x -> rotation @ x + translation_mm``.

    Attributes
    ----------
    rotation
        Array (3, 3), orthogonal, determinant 1.
    translation_mm
        Array (3,).

    Raises
    ------
    BadInput
        ``not-rigid``: stretched, sheared, mirrored or not finite.
    """

    rotation: Floats
    translation_mm: Floats

    def __post_init__(self) -> None:
        turn, shift = np.array(self.rotation, float), np.array(self.translation_mm, float)
        good = turn.shape == (3, 3) and shift.shape == (3,)
        good = good and bool(np.isfinite(turn).all() and np.isfinite(shift).all())
        if not good or np.abs(turn @ turn.T - np.eye(3)).max() > RIGID or np.linalg.det(turn) < 0:
            raise BadInput(
                "the move is not rigid",
                fix="Give a rotation (3, 3) with determinant 1 and a translation (3,) in mm",
                code="not-rigid",
            )
        object.__setattr__(self, "rotation", turn)
        object.__setattr__(self, "translation_mm", shift)

    @classmethod
    def identity(cls) -> Rigid:
        """The move that leaves everything where it is."""
        return cls(rotation=np.eye(3), translation_mm=np.zeros(3))

    @classmethod
    def from_matrix(cls, matrix: ArrayLike) -> Rigid:
        """From a homogeneous matrix (4, 4), mm.

        Raises
        ------
        BadInput
            ``not-rigid``.
        """
        given = np.asarray(matrix, float)
        if given.shape != (4, 4) or not np.array_equal(given[3], [0, 0, 0, 1]):
            raise BadInput(
                "the move is not a homogeneous matrix",
                fix="Give (4, 4) with the last row 0 0 0 1",
                code="not-rigid",
            )
        return cls(rotation=given[:3, :3], translation_mm=given[:3, 3])

    @property
    def matrix(self) -> Floats:
        """Homogeneous matrix (4, 4), mm."""
        made = np.eye(4)
        made[:3, :3], made[:3, 3] = self.rotation, self.translation_mm
        return made

    @property
    def angle_deg(self) -> float:
        """Angle of the rotation about its own axis, 0 to 180 degrees."""
        return float(np.degrees(np.linalg.norm(rotation_vector(self.rotation))))

    def apply(self, points_mm: ArrayLike) -> Floats:
        """Points (..., 3), mm, after the move."""
        return np.asarray(np.asarray(points_mm, float) @ self.rotation.T + self.translation_mm)

    def inverse(self) -> Rigid:
        """The move back."""
        return Rigid(rotation=self.rotation.T, translation_mm=-self.rotation.T @ self.translation_mm)

    def after(self, first: Rigid) -> Rigid:
        """The move that is ``first``, then this one."""
        return Rigid(
            rotation=self.rotation @ first.rotation,
            translation_mm=self.rotation @ first.translation_mm + self.translation_mm,
        )


def turn(vector_rad: ArrayLike) -> Floats:
    """Rotation (3, 3) about an axis by its length in radians (Rodrigues' formula)."""
    vector = np.asarray(vector_rad, float)
    angle = float(np.linalg.norm(vector))
    cross = skew(vector)
    if angle < 1e-8:
        return np.asarray(np.eye(3) + cross + cross @ cross / 2)
    return np.asarray(
        np.eye(3) + np.sin(angle) / angle * cross + (1 - np.cos(angle)) / angle**2 * cross @ cross
    )


def rotation_vector(rotation: Floats) -> Floats:
    """Axis times angle (3,), rad, of a rotation: the inverse of :func:`turn`, angles 0 to pi."""
    # By the quaternion of largest component, which is exact to rounding near pi as well (Shepperd 1978).
    r = rotation
    squares = np.array([np.trace(r), r[0, 0], r[1, 1], r[2, 2]])
    at = int(np.argmax(squares))
    if at == 0:
        real = 1 + squares[0]
        part = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    else:
        i, j, k = at - 1, at % 3, (at + 1) % 3
        real = r[k, j] - r[j, k]
        part = np.empty(3)
        part[i] = 1 + 2 * r[i, i] - np.trace(r)
        part[j], part[k] = r[i, j] + r[j, i], r[i, k] + r[k, i]
    length = float(np.linalg.norm(part))
    if length == 0:
        return np.zeros(3)
    angle = 2 * np.arctan2(length, abs(real))
    return np.asarray(part / length * angle * (-1 if real < 0 else 1))


def skew(vectors: ArrayLike) -> Floats:
    """Matrices (..., 3, 3) whose product with a vector is the cross product with ``vectors`` (..., 3)."""
    v = np.asarray(vectors, float)
    made = np.zeros((*v.shape, 3))
    made[..., 0, 1], made[..., 0, 2], made[..., 1, 2] = -v[..., 2], v[..., 1], -v[..., 0]
    made[..., 1, 0], made[..., 2, 0], made[..., 2, 1] = v[..., 2], -v[..., 1], v[..., 0]
    return made


def scipy_module(name: str, purpose: str) -> Any:
    """A module of scipy, imported when it is needed.

    Raises
    ------
    MissingExtra
        scipy is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"scipy.{name}")
    except ImportError:
        raise MissingExtra("scipy", "surgery", purpose) from None
