"""One query: the cheapest path, with its bound; or the proof that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput, Refused
from suwen.engines.search.ground import Corners, Ground
from suwen.engines.search.running import Running, aim_at

LOOK_AFTER = 64
"""A search that has expanded one voxel in so many first asks whether the target can be reached at all."""
_EVER = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Found:
    """The answer to one query.

    Attributes
    ----------
    reached
        Whether there is a path.
    path
        Voxels from start to target, (n, 3), int32; (0, 3) where there is none.
    cost
        Its cost: mm where every voxel costs 1; infinite where there is no path. Summed in double precision.
    length_mm
        Its length.
    expanded
        Voxels that were looked at.
    bound
        The cost is at most so many times the least possible: 1 of A*, the weight of weighted A*.
    """

    reached: bool
    path: NDArray[np.int32]
    cost: float
    length_mm: float
    expanded: int
    bound: float


def find_path(
    walls: NDArray[Any] | Ground,
    *,
    spacing_mm: ArrayLike = (1.0, 1.0, 1.0),
    start: ArrayLike,
    goal: ArrayLike | NDArray[np.bool_],
    cost: NDArray[Any] | None = None,
    weight: float = 1.0,
    corners: Corners = "forbid",
    expand_limit: int | None = None,
) -> Found:
    """The cheapest path of 26-neighbour moves.

    Parameters
    ----------
    walls
        Array (I, J, K), not 0 where no path goes; or a grid made ready, whose own spacing, costs and corner rule
        then count.
    spacing_mm, cost, corners
        See :class:`Ground`.
    start
        Voxel (3,).
    goal
        Voxel (3,); or a mask (I, J, K): any of its voxels will do. Goals in walls do not count.
    weight
        1 is A*; above, the heuristic is weighted and the answer at most so many times too dear (Pohl 1970);
        0 is Dijkstra's search.
    expand_limit
        Voxels after which to give up; ``None`` for never.

    Raises
    ------
    BadInput
        ``outside-image``, ``start-in-wall``, ``target-in-wall``, ``same-place``, ``bad-weight``, ``no-target``,
        and what :class:`Ground` refuses.
    Refused
        ``search-limit``: neither a path nor the proof that there is none.
    MissingExtra
        Without numba.
    """
    ground = (
        walls
        if isinstance(walls, Ground)
        else Ground(walls, spacing_mm=spacing_mm, cost=cost, corners=corners)
    )
    if not np.isfinite(weight) or weight < 0:
        raise BadInput(f"the weight cannot be {weight}", fix="0, 1 or more", code="bad-weight")
    begin = ground.checked(start, "start")
    aim = aim_at(ground, goal)
    if not aim.several and tuple(aim.voxels[0]) == begin:
        raise BadInput(
            "start and target are one voxel", where="target", fix="Choose another", code="same-place"
        )
    running = Running(ground, begin, aim, float(weight))
    answer(running, _EVER if expand_limit is None else expand_limit)
    return found_by(running, float(weight))


def answer(running: Running, most: int) -> None:
    """Go on until there is a path or the proof that there is none.

    Which voxels are connected is known after one pass over the walls, however far the search would have to go to
    find out; but most searches are shorter than that pass, so it is made when one turns out to be long.
    """
    ground = running.ground
    soon = min(most, max(ground.walls.size // LOOK_AFTER, 10_000))
    if "runs" not in ground.__dict__ and running.go(soon):
        return
    regions = ground.regions_at(np.vstack([running.start, running.aim.voxels]))
    if (regions[1:] == regions[0]).any() and not running.go(most):
        raise Refused(
            f"the search was stopped after {most} voxels", fix="Raise expand_limit", code="search-limit"
        )


def found_by(running: Running, weight: float) -> Found:
    """What a search that has ended found."""
    path = running.path()
    if not len(path):
        return Found(
            reached=False,
            path=path,
            cost=np.inf,
            length_mm=np.inf,
            expanded=running.expanded,
            bound=1.0,
        )
    cost, length = along(running.ground, path)
    return Found(
        reached=True,
        path=path,
        cost=cost,
        length_mm=length,
        expanded=running.expanded,
        bound=max(weight, 1.0),
    )


def along(ground: Ground, path: NDArray[np.int32]) -> tuple[float, float]:
    """Cost and length of a path of voxels (n, 3), summed in double precision."""
    steps = np.linalg.norm(np.diff(path, axis=0) * ground.spacing_mm, axis=1)
    length = float(steps.sum())
    if ground.per_mm is None:
        return length, length
    per_mm = ground.per_mm[tuple(path.T)].astype(np.float64)
    return float((steps * 0.5 * (per_mm[1:] + per_mm[:-1])).sum()), length
