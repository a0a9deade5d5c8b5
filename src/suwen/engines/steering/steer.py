"""One path of limited curvature: found at the coarsest resolution that holds one, or none at the finest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
LEVELS = ((10.0, 8, (0.0, 1.0)), (6.0, 12, (0.0, 1.0)), (4.0, 16, (0.0, 0.5, 1.0)))
"""Of each resolution: length of a piece in mm, bevel planes, curvatures as shares of the largest."""
NODES = 400_000
"""Poses at each resolution."""
CHORD_MM = 0.5
"""Distance of the returned points: off the arc by less than 0.001 mm from a radius of 50 mm on."""


@dataclass(frozen=True, kw_only=True)
class Steered:
    """A path that a needle of limited curvature can follow.

    Attributes
    ----------
    reached
        Whether there is one.
    path_mm
        Points (n, 3) along it, grid mm, close enough to stand for the arcs; empty where there is none.
    arcs
        Curvature (1/mm) and length (mm) of each piece.
    length_mm, cost
        Of the path; infinite where there is none.
    max_curvature_per_mm
        Largest curvature of its pieces.
    resolution
        At which resolution it was found, or up to which there is none, in words.
    """

    reached: bool
    path_mm: Floats
    arcs: tuple[tuple[float, float], ...]
    length_mm: float
    cost: float
    max_curvature_per_mm: float
    resolution: str


def steer(
    walls: NDArray[Any],
    *,
    spacing_mm: ArrayLike,
    entry_mm: ArrayLike,
    direction: ArrayLike,
    target_mm: ArrayLike,
    radius_min_mm: float,
    cost: NDArray[Any] | None = None,
    cone_deg: float = 30.0,
    level_max: int = len(LEVELS) - 1,
) -> Steered:
    """The cheapest path of straight pieces and arcs from an entry into a target.

    A search over motion primitives, refined while nothing is found (after Fu, Solovey, Salzman and Alterovitz,
    Robotics: Science and Systems 2021). From every pose the one arc that ends in the target is tried, so that the
    target is met exactly.

    Parameters
    ----------
    walls
        (I, J, K): not 0 where no path goes, margin and radius of the needle included.
    spacing_mm
        (3,).
    entry_mm, target_mm
        (3,), grid mm.
    direction
        (3,): into the body; the needle may start up to ``cone_deg`` off it.
    radius_min_mm
        Least radius of curvature.
    cost
        (I, J, K): cost per mm, above 0; ``None`` for 1 everywhere.
    level_max
        Finest resolution that is tried, an index into :data:`LEVELS`.

    Raises
    ------
    BadInput
        ``bad-radius``, ``bad-direction``, ``outside-image``, ``start-in-wall``, ``target-in-wall``, ``same-place``.
    """
    spacing = np.asarray(spacing_mm, np.float64)
    entry, target = np.asarray(entry_mm, np.float64), np.asarray(target_mm, np.float64)
    _check(walls, spacing, entry, target, radius_min_mm)
    starts = _starts(entry, target, np.asarray(direction, np.float64), cone_deg)
    from suwen.engines.steering import _arcs

    flags = walls.view(np.uint8) if walls.dtype == np.bool_ else walls
    costs = np.ones((1, 1, 1), np.float32) if cost is None else cost
    least, most = 1.0 if cost is None else float(cost.min()), 1.0 / radius_min_mm
    said = ""
    for level in range(min(level_max, len(LEVELS) - 1) + 1):
        step, planes, shares = LEVELS[level]
        angles = np.arange(planes) * (2 * np.pi / planes)
        _, parents, pieces, at, last, whole, spent = found = _arcs.search(
            flags, costs, cost is None, spacing, starts, target, most, np.array(shares) * most, angles, step, least,
            NODES,
        )  # fmt: skip
        said = f"pieces of {step:g} mm in {planes} planes"
        if at >= 0:
            chain = [np.asarray(last)]
            while parents[at] >= 0:
                chain.append(pieces[at])
                at = parents[at]
            return _made(found[0][at], chain[::-1], float(whole), said)
        said = f"none with {said}" + (", before poses ran out" if spent else "")
    return Steered(
        reached=False,
        path_mm=np.empty((0, 3)),
        arcs=(),
        length_mm=np.inf,
        cost=np.inf,
        max_curvature_per_mm=0.0,
        resolution=said,
    )


def _made(start: Floats, chain: list[Floats], cost: float, said: str) -> Steered:
    points, place, tangent = [start[:3]], start[:3].copy(), start[3:].copy()
    for bend, length, *given in chain:
        side = np.array(given)
        side = side - (side @ tangent) * tangent
        size = np.linalg.norm(side)
        side = side / size if size > 0 else side
        s = np.linspace(0, length, max(int(np.ceil(length / CHORD_MM)), 1) + 1)[1:]
        ahead = s if bend == 0 else np.sin(bend * s) / bend
        aside = np.zeros_like(s) if bend == 0 else (1 - np.cos(bend * s)) / bend
        points.extend(place + ahead[:, None] * tangent + aside[:, None] * side)
        place = points[-1].copy()
        tangent = np.cos(bend * length) * tangent + np.sin(bend * length) * side
        tangent /= np.linalg.norm(tangent)
    return Steered(
        reached=True,
        path_mm=np.array(points),
        arcs=tuple((float(piece[0]), float(piece[1])) for piece in chain),
        length_mm=float(sum(piece[1] for piece in chain)),
        cost=cost,
        max_curvature_per_mm=float(max(piece[0] for piece in chain)),
        resolution=said,
    )


def _starts(entry: Floats, target: Floats, direction: Floats, cone_deg: float) -> Floats:
    """Poses at the entry: the direction given, the one to the target, and rings within the cone."""
    size = np.linalg.norm(direction) if np.isfinite(direction).all() else 0.0
    if direction.shape != (3,) or size == 0:
        raise BadInput("the direction is none", where="direction", fix="Give a vector", code="bad-direction")
    axis = direction / size
    straight = (target - entry) / np.linalg.norm(target - entry)
    found = [axis]
    if np.degrees(np.arccos(np.clip(straight @ axis, -1, 1))) <= cone_deg:
        found.insert(0, straight)
    u = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    for share, count in ((0.5, 6), (1.0, 12)):
        off = np.radians(cone_deg) * share
        turns = np.arange(count) * 2 * np.pi / count
        found.extend(
            np.cos(off) * axis + np.sin(off) * (np.cos(turn) * u + np.sin(turn) * v) for turn in turns
        )
    return np.hstack([np.broadcast_to(entry, (len(found), 3)), np.array(found)])


IN_WALL = {"entry": "start-in-wall", "target": "target-in-wall"}


def _check(walls: NDArray[Any], spacing: Floats, entry: Floats, target: Floats, radius: float) -> None:
    if not np.isfinite(radius) or radius <= 0:
        raise BadInput(f"a radius of {radius} mm is none", where="radius", fix="Above 0", code="bad-radius")
    for name, point in (("entry", entry), ("target", target)):
        at = np.floor(point / spacing + 0.5) if point.shape == (3,) and np.isfinite(point).all() else -1
        if (np.asarray(at) < 0).any() or (at >= np.array(walls.shape)).any():
            raise BadInput(
                f"the {name} lies outside the image", where=name, fix="Check it", code="outside-image"
            )
        if walls[tuple(at.astype(int))]:  # type: ignore[union-attr]  # an array where it is inside
            raise BadInput(f"the {name} lies in a wall", where=name, fix="Choose another", code=IN_WALL[name])
    if np.linalg.norm(entry - target) < 1e-9:
        raise BadInput("entry and target are one place", where="entry", fix="Check them", code="same-place")
