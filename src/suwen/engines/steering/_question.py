"""What can be asked of a steered path, and the directions a needle may start in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
IN_WALL = {"entry": "start-in-wall", "target": "target-in-wall"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """A question that can be answered: everything checked, in the types a kernel takes.

    Attributes
    ----------
    walls, cost
        uint8 (or another whole number) and float32, (I, J, K); one voxel of cost where it is 1 everywhere.
    uniform
        Whether it is.
    least
        Least cost per mm.
    spacing, entry, target, axis
        (3,): mm, grid mm, grid mm, unit vector.
    """

    walls: NDArray[Any]
    cost: NDArray[Any]
    uniform: bool
    least: float
    spacing: Floats
    entry: Floats
    target: Floats
    axis: Floats


def question(
    walls: NDArray[Any],
    cost: NDArray[Any] | None,
    spacing_mm: ArrayLike,
    ends_mm: tuple[ArrayLike, ArrayLike],
    direction: ArrayLike,
) -> Question:
    """Check the grid, both ends and the direction.

    Raises
    ------
    BadInput
        ``bad-walls``, ``bad-spacing``, ``bad-cost``, ``bad-direction``, ``outside-image``, ``start-in-wall``,
        ``target-in-wall``, ``same-place``.
    """
    if walls.ndim != 3 or 0 in walls.shape or walls.dtype.kind not in "biu":
        raise BadInput(
            "walls are no array of three dimensions", fix="Give (I, J, K), 0 is free", code="bad-walls"
        )
    spacing = np.asarray(spacing_mm, np.float64)
    if spacing.shape != (3,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise BadInput(
            f"the spacing cannot be {spacing_mm!r}", fix="Give three lengths, mm", code="bad-spacing"
        )
    least = _least(walls, cost)
    entry, target = (np.array(end, np.float64) for end in ends_mm)
    for name, place in (("entry", entry), ("target", target)):
        _check_end(walls, spacing, name, place)
    if np.linalg.norm(entry - target) < 1e-9:
        raise BadInput("entry and target are one place", where="entry", fix="Check them", code="same-place")
    axis = np.array(direction, np.float64)
    size = float(np.linalg.norm(axis)) if axis.shape == (3,) and np.isfinite(axis).all() else 0.0
    if not 0 < size < np.inf:
        raise BadInput("the direction is none", where="direction", fix="Give a vector", code="bad-direction")
    return Question(
        walls=walls.view(np.uint8) if walls.dtype == np.bool_ else walls,
        cost=np.ones((1, 1, 1), np.float32) if cost is None else cost,
        uniform=cost is None,
        least=least,
        spacing=spacing,
        entry=entry,
        target=target,
        axis=axis / size,
    )


def starts(asked: Question, cone_deg: float, rings: int) -> Floats:
    """Poses (n, 6) at the entry: straight to the target where that is allowed, the axis, and rings of the cone.

    ``rings`` of equal spacing out to ``cone_deg``, the n-th of them with 6 n directions, so that neighbours lie about
    equally far apart; more rings at a finer resolution.
    """
    axis = asked.axis
    straight = (asked.target - asked.entry) / np.linalg.norm(asked.target - asked.entry)
    found = [axis]
    if np.degrees(np.arccos(np.clip(straight @ axis, -1, 1))) <= cone_deg:
        found.insert(0, straight)
    u = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    for ring in range(1, rings + 1 if cone_deg > 0 else 1):
        off = np.radians(cone_deg) * ring / rings
        turns = np.arange(6 * ring) * (2 * np.pi / (6 * ring))
        found.extend(
            np.cos(off) * axis + np.sin(off) * (np.cos(turn) * u + np.sin(turn) * v) for turn in turns
        )
    return np.hstack([np.broadcast_to(asked.entry, (len(found), 3)), np.array(found)])


def _least(walls: NDArray[Any], cost: NDArray[Any] | None) -> float:
    if cost is None:
        return 1.0
    if cost.shape != walls.shape or cost.dtype.kind != "f":
        raise BadInput("costs are no array like the walls", fix="Give float32 (I, J, K)", code="bad-cost")
    least = float(cost.min())
    if not least > 0 or not np.isfinite(cost.max()):
        raise BadInput(
            "a cost per mm is not above 0 and finite",
            fix="Make walls of what may not be passed",
            code="bad-cost",
        )
    return least


def _check_end(walls: NDArray[Any], spacing: Floats, name: str, place: Floats) -> None:
    at = np.floor(place / spacing + 0.5) if place.shape == (3,) and np.isfinite(place).all() else None
    if at is None or (at < 0).any() or (at >= walls.shape).any():
        raise BadInput(f"the {name} lies outside the image", where=name, fix="Check it", code="outside-image")
    if walls[tuple(at.astype(int))]:
        raise BadInput(f"the {name} lies in a wall", where=name, fix="Choose another", code=IN_WALL[name])
