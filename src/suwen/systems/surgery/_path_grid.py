"""A query of a published grid benchmark: the cheapest path against the published optimum."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from suwen.core.errors import BadInput
from suwen.core.solution import Solution
from suwen.engines.search import Found, Ground, find_path
from suwen.formats.movingai.scenarios import GridMap, GridQuestion

WITHIN = 1e-3
"""A cost within so much of the published one, relative to it (absolute below 1), is optimal: files round."""


def solve_grid(question: GridQuestion) -> Solution:
    """The cheapest path without cutting corners."""
    ground = ground_of(question.grid)
    began = time.process_time()
    found = _found(ground, question)
    seconds = time.process_time() - began
    figures = {
        "found": float(found.reached),
        "certified": float(_walkable(question.grid, found)),
        "length_voxels": found.length_mm,
        "expanded": float(found.expanded),
        "cpu_seconds": seconds,
    }
    if question.optimal is not None:
        off = abs(found.cost - question.optimal)
        figures["optimal"] = float(off <= WITHIN * max(question.optimal, 1.0))
        if question.optimal > 0 and found.reached:
            figures["cost_ratio"] = found.cost / question.optimal
    holds = bool(figures["certified"])
    said = f"cost {found.cost:.6f} voxels, {found.expanded} expanded" if found.reached else "no path"
    return Solution(
        kind="path",
        found=found.reached,
        holds=holds,
        said=said,
        figures=figures,
        units={"cpu_seconds": "s"},
        document={"path_voxels": found.path.tolist(), "cost_voxels": found.cost if found.reached else None},
    )


def straight_grid(question: GridQuestion) -> Mapping[str, float]:
    """The baseline: the shortest way of an empty grid, which fails where something is in the way."""
    began = time.process_time()
    path = _empty_way(np.array(question.start), np.array(question.goal))
    found = Found(reached=True, path=path, cost=np.nan, length_mm=np.nan, expanded=0, bound=1.0)
    clear = _walkable(question.grid, found)
    figures = {"found": float(clear), "cpu_seconds": time.process_time() - began}
    if question.optimal is not None:
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        off = abs(float(steps.sum()) - question.optimal)
        figures["optimal"] = float(clear and off <= WITHIN * max(question.optimal, 1.0))
    return figures


@lru_cache(maxsize=1)
def ground_of(grid: GridMap) -> Ground:
    """A map made ready; kept for all of its queries."""
    return Ground(grid.walls, spacing_mm=(1.0, 1.0, 1.0), corners="forbid")


def _found(ground: Ground, question: GridQuestion) -> Found:
    if question.start != question.goal:
        return find_path(ground, start=question.start, goal=question.goal)
    if question.grid.walls[question.start]:
        raise BadInput("the query begins in a wall", fix="Check the scenario", code="start-in-wall")
    path = np.array([question.start], np.int32)
    return Found(reached=True, path=path, cost=0.0, length_mm=0.0, expanded=0, bound=1.0)


def _walkable(grid: GridMap, found: Found) -> bool:
    """The check by other code: every voxel of the block of every move is free, and moves are of one voxel."""
    if not found.reached:
        return False
    path = found.path
    moves = np.diff(path, axis=0)
    if len(moves) and (np.abs(moves).max() > 1 or not moves.any(1).all()):
        return False
    for corner in np.ndindex(2, 2, 2):
        between = path[:-1] + moves * np.array(corner) if len(moves) else path
        if grid.walls[tuple(between.T)].any():
            return False
    return True


def _empty_way(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Voxels of a shortest way where nothing is in between: diagonal moves first."""
    path = [start]
    while (path[-1] != goal).any():
        path.append(path[-1] + np.sign(goal - path[-1]))
    return np.array(path)
