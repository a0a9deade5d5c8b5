"""Everywhere at once: the cost from one voxel to all others; and the kernels made ready before they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.engines.search.find import find_path
from suwen.engines.search.ground import Corners, Ground
from suwen.engines.search.running import NOWHERE, Running

_EVER = 1 << 62


def distance_field(
    walls: NDArray[Any] | Ground,
    *,
    spacing_mm: ArrayLike = (1.0, 1.0, 1.0),
    start: ArrayLike,
    cost: NDArray[Any] | None = None,
    corners: Corners = "forbid",
) -> NDArray[np.float64]:
    """Least cost from a voxel to every other one (Dijkstra's search).

    Parameters
    ----------
    walls, spacing_mm, start, cost, corners
        See :func:`suwen.engines.search.find_path`.

    Returns
    -------
    ndarray
        (I, J, K), float64: mm where every voxel costs 1, right to 1e-9 of itself; infinite where no path goes.

    Raises
    ------
    BadInput
        ``bad-voxel``, ``outside-image``, ``start-in-wall``, and what :class:`Ground` refuses.
    MissingExtra
        Without numba.
    """
    ground = (
        walls
        if isinstance(walls, Ground)
        else Ground(walls, spacing_mm=spacing_mm, cost=cost, corners=corners)
    )
    running = Running(ground, ground.checked(start, "start"), NOWHERE, 0.0)
    running.go(_EVER)
    return running.field()


def warm() -> None:
    """Compile every kernel of the search, or load it from disk, so that the first query is as quick as the next.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    start, goal = (0, 0, 0), (3, 3, 3)
    walls = np.zeros((4, 4, 4), np.bool_)
    ground = Ground(walls, spacing_mm=(1, 1, 1), cost=np.ones(walls.shape, np.float32))
    find_path(ground, start=start, goal=goal)
    ground.regions_at([start, goal])
    distance_field(ground, start=start)
