"""One query: the cheapest path, with its bound; or the proof that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.search.ground import Corners, Ground, Voxel, kernel, number

BUCKET = 0.25
"""Width of a bucket as a share of the shortest move's least cost: finer sorts more, coarser expands more twice."""
LOOK_AFTER = 32
"""A search that has expanded one voxel in so many first asks whether the target can be reached at all."""
_CHUNKS = 64


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

    Raises
    ------
    BadInput
        ``outside-image``, ``start-in-wall``, ``target-in-wall``, ``bad-weight``, ``no-target``, and what
        :class:`Ground` refuses.
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
    mask = np.asarray(goal)
    several = mask.ndim == 3
    if several:
        if mask.shape != ground.shape:
            raise BadInput("the targets are no mask like the walls", fix="Give (I, J, K)", code="no-target")
        goals = ((mask != 0) & (ground.walls == 0)).view(np.uint8)
        marked = np.argwhere(goals)
        if not len(marked):
            raise BadInput("no target is free", fix="Give at least one outside the walls", code="no-target")
        box = np.stack([marked.min(0), marked.max(0)], 1).ravel()
        target = -1
    else:
        end = ground.checked(goal, "target")
        goals, target = np.zeros((1, 1, 1), np.uint8), number(end)
        box = np.repeat(np.array(end), 2)
    return _search(ground, begin, goals, several, target, box, float(weight))


def _search(
    ground: Ground, begin: Voxel, goals: Any, several: bool, target: int, box: Any, weight: float
) -> Found:
    compiled = kernel()
    query, start = ground.begin(), number(begin)
    control = np.zeros(8, np.int64)
    best = np.array([np.inf, 0.0])
    heads = np.full(4096, -1, np.int32)
    filled = np.full(4096, compiled.CHUNK, np.int32)
    following = np.empty(_CHUNKS, np.int32)
    at, given = np.empty(_CHUNKS * compiled.CHUNK, np.int64), np.empty(_CHUNKS * compiled.CHUNK)
    width = BUCKET * float(ground.spacing_mm.min()) * ground.least
    limit = max(ground.walls.size // LOOK_AFTER, 10_000)
    while True:
        status, heads, filled, following, at, given = compiled.search(
            ground.bits, ground.rows, ground.cost, ground.uniform, ground.state, ground.places, query, ground.needs,
            ground.lengths, ground.steps, box.astype(np.int64), goals, several, weight * ground.least, start,
            target, width, control, best, heads, filled, following, at, given, limit,
        )  # fmt: skip
        if status != compiled.PAUSED:
            break
        limit = 1 << 62
        if not connected(ground, begin, goals if several else None, target):
            break
    expanded = int(control[4])
    if status != compiled.FOUND:
        nothing = np.empty((0, 3), np.int32)
        return Found(reached=False, path=nothing, cost=np.inf, length_mm=np.inf, expanded=expanded, bound=1.0)
    path = compiled.trace(ground.state, ground.places, int(control[5]), start)
    cost, length = along(ground, path)
    return Found(
        reached=True, path=path, cost=cost, length_mm=length, expanded=expanded, bound=max(weight, 1.0)
    )


def along(ground: Ground, path: NDArray[np.int32]) -> tuple[float, float]:
    """Cost and length of a path of voxels (n, 3), summed in double precision."""
    steps = np.linalg.norm(np.diff(path, axis=0) * ground.spacing_mm, axis=1)
    length = float(steps.sum())
    if ground.per_mm is None:
        return length, length
    per_mm = ground.per_mm[tuple(path.T)].astype(np.float64)
    return float((steps * 0.5 * (per_mm[1:] + per_mm[:-1])).sum()), length


def connected(ground: Ground, start: Voxel, goals: Any, target: int) -> bool:
    """Whether any goal can be reached at all: one pass over the grid, however far the goal is.

    Parameters
    ----------
    ground
        The grid.
    start
        A free voxel.
    goals
        uint8 (I, J, K): not 0 at a goal; or ``None``.
    target
        The goal as one number, where there are no ``goals``.
    """
    from suwen.engines.search import _connected

    i, j, k = target >> 42, (target >> 21) & 0x1FFFFF, target & 0x1FFFFF
    columns = ground.shape[2]
    line = columns * ground.shape[1]
    flags = np.zeros(1, np.uint8) if goals is None else np.ascontiguousarray(goals).ravel()
    return bool(
        _connected.connected(
            np.ascontiguousarray(ground.walls).ravel(),
            line,
            columns,
            ground.corners == "allow",
            start[0] * line + start[1] * columns + start[2],
            i * line + j * columns + k if goals is None else -1,
            flags,
        )
    )
