"""One query: the cheapest path, with its bound; or the proof that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.search.ground import Corners, Ground, kernel

BUCKET = 0.25
"""Width of a bucket as a share of the shortest move's least cost: finer sorts more, coarser expands more twice."""
LOOK_AFTER = 32
"""A search that has expanded one voxel in so many first asks whether the target can be reached at all."""
_POOL = 1 << 14


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
        padded = np.zeros(tuple(size + 2 for size in ground.shape), np.uint8)
        padded[1:-1, 1:-1, 1:-1] = mask != 0
        goals = padded.ravel()
        goals &= ground.walls == 0
        marked = np.argwhere(padded)
        if not goals.any():
            raise BadInput("no target is free", fix="Give at least one outside the walls", code="no-target")
        box = np.stack([marked.min(0), marked.max(0)], 1).ravel()
        target = -1
    else:
        end = ground.checked(goal, "target")
        goals, target = np.zeros(1, np.uint8), ground.flat(end)
        box = np.repeat(np.array(end) + 1, 2)
    return _search(ground, ground.flat(begin), goals, several, target, box, float(weight))


def _search(
    ground: Ground, start: int, goals: Any, several: bool, target: int, box: Any, weight: float
) -> Found:
    compiled = kernel()
    ground.queries += 1
    control = np.zeros(8, np.int64)
    control[5] = target
    best = np.array([np.inf, 0.0])
    heads = np.full(4096, -1, np.int32)
    following, at, given = np.empty(_POOL, np.int32), np.empty(_POOL, np.int64), np.empty(_POOL)
    width = BUCKET * float(ground.spacing_mm.min()) * ground.least
    limit = max(len(ground.walls) // LOOK_AFTER, 10_000)
    while True:
        status, heads, following, at, given = compiled.search(
            ground.walls, ground.cost, ground.uniform, ground.state, ground.queries, ground.moves, ground.needs,
            ground.lengths, ground.steps, box.astype(np.int64), goals, several, weight * ground.least, start,
            ground.rows, ground.columns, width, control, best, heads, following, at, given, limit,
        )  # fmt: skip
        if status != compiled.PAUSED:
            break
        limit = 1 << 62
        if not connected(ground, start, goals if several else None, target):
            break
    expanded = int(control[4])
    if status != compiled.FOUND:
        nothing = np.empty((0, 3), np.int32)
        return Found(reached=False, path=nothing, cost=np.inf, length_mm=np.inf, expanded=expanded, bound=1.0)
    flat = compiled.trace(ground.state, ground.moves, int(control[6]), start)
    return Found(
        reached=True,
        path=ground.voxels(flat),
        cost=float(compiled.along(flat, ground.cost, ground.uniform, ground.moves, ground.steps)),
        length_mm=float(compiled.along(flat, ground.cost, True, ground.moves, ground.steps)),
        expanded=expanded,
        bound=max(weight, 1.0),
    )


def connected(ground: Ground, start: int, goals: Any, target: int) -> bool:
    """Whether any goal can be reached at all: one pass over the grid, however far the goal is.

    Parameters
    ----------
    ground
        The grid.
    start, target
        Places in its padded, flat form; ``target`` is negative where ``goals`` count.
    goals
        uint8, flat: not 0 at a goal; or ``None``.
    """
    from suwen.engines.search import _connected

    flags = np.zeros(1, np.uint8) if goals is None else goals
    return bool(
        _connected.connected(
            ground.walls, ground.rows, ground.columns, ground.corners == "allow", start, target, flags
        )
    )
