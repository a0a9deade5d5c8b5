"""Queries of a published benchmark, answered and held against their published costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suwen.engines.search.find import find_path
from suwen.engines.search.ground import Corners, Ground
from suwen.formats.movingai.scenarios import GridMap, GridQuestion


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One query.

    Attributes
    ----------
    cost
        Of the path found, in voxels; 0 where start and goal are one, infinite where there is no path.
    optimal
        The published cost; ``None`` where none is published.
    off
        Difference of the two relative to the published cost, absolute below 1; ``None`` where none is published.
    expanded
        Voxels that were looked at.
    cpu_seconds
        Of the query alone; the map is made ready once.
    """

    cost: float
    optimal: float | None
    off: float | None
    expanded: int
    cpu_seconds: float


def evaluate_queries(
    grid: GridMap, queries: Sequence[GridQuestion], *, corners: Corners = "forbid"
) -> list[Answered]:
    """Answer queries of one map.

    Parameters
    ----------
    grid
        The map.
    queries
        Questions on it.
    corners
        ``forbid`` is the rule the published costs hold for.

    Raises
    ------
    BadInput
        ``start-in-wall``, ``target-in-wall``.
    """
    ground = Ground(grid.walls, spacing_mm=(1.0, 1.0, 1.0), corners=corners)
    return [_answered(ground, query) for query in queries]


def _answered(ground: Ground, query: GridQuestion) -> Answered:
    began = time.process_time()
    cost, expanded = 0.0, 0
    if query.start == query.goal:
        ground.checked(query.start, "start")
    else:
        found = find_path(ground, start=np.array(query.start), goal=np.array(query.goal))
        cost, expanded = found.cost, found.expanded
    seconds = time.process_time() - began
    off = None if query.optimal is None else abs(cost - query.optimal) / max(query.optimal, 1.0)
    return Answered(cost=cost, optimal=query.optimal, off=off, expanded=expanded, cpu_seconds=seconds)
