"""One path of limited curvature: found at the coarsest resolution that holds one, or none at the finest."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, pi
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.steering._question import Floats, Question, question, starts


class Level(NamedTuple):
    """A resolution.

    Attributes
    ----------
    piece_mm
        Length of a piece, less where that would be more than an eighth of a turn.
    planes
        Bevel planes about a tangent.
    shares
        Curvatures, in parts of the largest.
    rings
        Of directions in the cone at the entry.
    cell
        Sides of the cells whose poses count as the same: mm, and parts of a unit tangent.
    """

    piece_mm: float
    planes: int
    shares: tuple[float, ...]
    rings: int
    cell: tuple[float, float]


LEVELS = (
    Level(piece_mm=10.0, planes=8, shares=(0.0, 1.0), rings=2, cell=(2.5, 0.12)),
    Level(piece_mm=6.0, planes=12, shares=(0.0, 1.0), rings=3, cell=(1.5, 0.08)),
    Level(piece_mm=4.0, planes=16, shares=(0.0, 0.5, 1.0), rings=4, cell=(1.0, 0.05)),
)
"""Resolutions from coarse to fine."""
NODES = 400_000
"""Poses at each resolution."""
TOLERANCE_MM = 0.25
"""How far from the target a path may end where no arc hits it."""


@dataclass(frozen=True, kw_only=True)
class Steered:
    """A path that a needle of limited curvature can follow.

    Attributes
    ----------
    reached
        Whether there is one.
    path_mm
        Points (n, 3) along it, grid mm, the entry first: the ends of chords that lie within 0.001 mm of the arcs and
        that touch no wall; empty where there is none.
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
    length_max_mm: float | None = None,
    tolerance_mm: float = TOLERANCE_MM,
    level_max: int = len(LEVELS) - 1,
) -> Steered:
    """The cheapest path of straight pieces and arcs from an entry into a target, at the first resolution with one.

    A best-first search over poses joined by motion primitives, refined while nothing is found (after Fu, Solovey,
    Salzman and Alterovitz, Robotics: Science and Systems 2021). From every pose the one arc that ends in the target
    is tried, so that the target is met exactly. It always ends: each resolution has :data:`NODES` poses at most.

    Parameters
    ----------
    walls
        (I, J, K): not 0 where no path goes, margin and radius of the needle included. They must keep the margin for
        any curve through free boxes (``walls_for(..., moves="anywhere")``).
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
    cone_deg
        0 to 90.
    length_max_mm
        Longest path; by default ``pi / 2`` times the distance, half a circle on both ends.
    tolerance_mm
        How far from the target the path may end where no arc hits it.
    level_max
        Finest resolution that is tried, an index into :data:`LEVELS`.

    Raises
    ------
    BadInput
        ``bad-radius``, ``bad-direction``, ``bad-cone``, ``bad-tolerance``, ``bad-length``, ``bad-level``,
        ``outside-image``, ``start-in-wall``, ``target-in-wall``, ``same-place``, ``bad-walls``, ``bad-spacing``,
        ``bad-cost``.
    MissingExtra
        Without numba.
    """
    _check_numbers(radius_min_mm, cone_deg, tolerance_mm, length_max_mm, level_max)
    asked = question(walls, cost, spacing_mm, (entry_mm, target_mm), direction)
    from suwen.engines.steering import _poses

    most, said = 1.0 / radius_min_mm, ""
    longest = pi / 2 * float(np.linalg.norm(asked.target - asked.entry))
    if length_max_mm is not None:
        longest = float(length_max_mm)
    for level in LEVELS[: level_max + 1]:
        piece = min(level.piece_mm, radius_min_mm * pi / 4)
        begin = starts(asked, cone_deg, level.rings)
        poses, parents, pieces, at, last, whole, spent = _poses.search(
            asked.walls, asked.cost, asked.uniform, asked.spacing, begin, asked.target, float(tolerance_mm), most,
            np.array(level.shares) * most, np.arange(level.planes) * (2 * pi / level.planes), piece,
            np.array((level.cell[0] * piece / level.piece_mm, level.cell[1])), asked.least, longest, NODES,
        )  # fmt: skip
        said = f"pieces of {piece:.3g} mm in {level.planes} bevel planes"
        if at >= 0:
            chain = [last] if last[1] > 0 else []
            while parents[at] >= 0:
                chain.append(pieces[at])
                at = parents[at]
            said += f", the best of {NODES} poses" if spent else ""
            return _made(asked, poses[at], chain[::-1], float(whole), said)
        said = f"none with {said}, up to {longest:.0f} mm long"
        said += f", and not all were tried within {NODES} poses" if spent else ""
    return Steered(
        reached=False,
        path_mm=np.empty((0, 3)),
        arcs=(),
        length_mm=inf,
        cost=inf,
        max_curvature_per_mm=0.0,
        resolution=said,
    )


def _made(asked: Question, start: Floats, chain: list[Floats], cost: float, said: str) -> Steered:
    """The pieces as points: the very ones that were held against the walls."""
    from suwen.engines.steering import _arcs

    line, pose = [start[None, :3]], start.copy()
    for piece in chain:
        bend, length, side = float(piece[0]), float(piece[1]), piece[2:].copy()
        line.append(_arcs.points(asked.spacing, pose, side, bend, length)[1:])
        after = np.empty(6)
        _arcs.end(pose, side, bend, length, after)
        pose = after
    path = np.concatenate(line)
    if np.linalg.norm(path[-1] - asked.target) < 1e-9:
        path[-1] = asked.target  # all but the rounding of the last arc
    return Steered(
        reached=True,
        path_mm=path,
        arcs=tuple((float(piece[0]), float(piece[1])) for piece in chain),
        length_mm=float(sum(piece[1] for piece in chain)),
        cost=cost,
        max_curvature_per_mm=float(max(piece[0] for piece in chain)),
        resolution=said,
    )


def _check_numbers(
    radius: float, cone_deg: float, tolerance: float, length_max: float | None, level_max: int
) -> None:
    if not isfinite(radius) or radius <= 0:
        raise BadInput(f"a radius of {radius} mm is none", where="radius", fix="Above 0", code="bad-radius")
    if not 0 <= cone_deg <= 90:
        raise BadInput(f"a cone of {cone_deg} degrees is none", where="cone", fix="0 to 90", code="bad-cone")
    if not 0 <= tolerance < inf:
        raise BadInput(
            f"a tolerance of {tolerance} mm is none", where="tolerance", fix="0 or more", code="bad-tolerance"
        )
    if length_max is not None and not 0 < length_max < inf:
        raise BadInput(
            f"a length of {length_max} mm is none", where="length", fix="Above 0", code="bad-length"
        )
    if level_max not in range(len(LEVELS)):
        raise BadInput(
            f"there is no resolution {level_max}",
            where="level_max",
            fix=f"0 to {len(LEVELS) - 1}",
            code="bad-level",
        )
