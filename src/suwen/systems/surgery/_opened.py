"""Why this path: its cost with and without each of the structures it comes near, as players of a Shapley game."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Players
from suwen.core.solution import Solution
from suwen.engines.search import find_path
from suwen.formats.movingai.scenarios import GridQuestion
from suwen.formats.surgical.case import Case
from suwen.systems.surgery._anatomy import anatomy_of
from suwen.systems.surgery._margin import budget_of
from suwen.systems.surgery._path_ground import ground_of

NEAREST = 4
"""Structures that are taken away: every set of them is planned anew, 16 times."""


def opened_path(case: Case, protocol: Mapping[str, float], solution: Solution) -> Players:
    """The structures that the path comes nearest to; the others stay where they are.

    The output is the cost of the cheapest path on the grid: mm, a mm near a critical structure counting more.
    """
    anatomy = anatomy_of(case)
    margin_mm = budget_of(case, protocol).margin_mm
    certificate = solution.document.get("certificate") or {"structures": []}
    told = {one["label"]: one for one in certificate["structures"]}
    order = [*told, *(label for label in anatomy.critical if label not in told)][:NEAREST]
    rest = [label for label in anatomy.critical if label not in order]
    fixed = _ends(solution, case)
    entry = anatomy.entry if anatomy.entry is not None else fixed

    def answer(present: NDArray[np.bool_]) -> NDArray[np.float64]:
        out = np.empty((len(present), 1))
        for row, chosen in enumerate(np.asarray(present, bool)):
            kept = [*rest, *(label for label, there in zip(order, chosen, strict=True) if there)]
            out[row, 0] = _cost(anatomy, kept, protocol, margin_mm, entry)
        return out

    return Players(
        variables=tuple(anatomy.critical[label] for label in order),
        periods=(None,) * len(order),
        shown=tuple(
            f"{told[label]['clearance_lower_bound_mm']:.2f} mm clear" if label in told else "in the way"
            for label in order
        ),
        answer=answer,
        outputs=("cost of the path",),
        unit="mm of cost: length, counted dearer near critical structures",
        headline=0,
    )


def opened_grid(question: GridQuestion, solution: Solution) -> Players:
    """A query has one thing in its way, all walls together."""
    empty = np.zeros((1, 1, 1), np.bool_)

    def answer(present: NDArray[np.bool_]) -> NDArray[np.float64]:
        free = find_path(
            np.broadcast_to(empty, question.grid.walls.shape), start=question.start, goal=question.goal
        )
        with_walls = find_path(question.grid.walls, start=question.start, goal=question.goal)
        return np.where(np.asarray(present, bool)[:, :1], with_walls.cost, free.cost)

    return Players(
        variables=("walls",),
        periods=(None,),
        shown=(f"{int(question.grid.walls.sum())} blocked voxels",),
        answer=answer,
        outputs=("cost of the path",),
        unit="voxels",
        headline=0,
    )


def _cost(
    anatomy: Any, kept: list[int], protocol: Mapping[str, float], margin_mm: float, entry: Any
) -> float:
    """Cost of the cheapest path where only these structures are there."""
    from dataclasses import replace

    some = replace(anatomy, critical={label: anatomy.critical[label] for label in kept}, entry=entry)
    ground = ground_of(some, protocol, margin_mm)
    if ground.walls[anatomy.target] or ground.walls[entry]:
        return UNREACHED
    found = find_path(
        ground.walls, spacing_mm=anatomy.spacing_mm, start=entry, goal=anatomy.target, cost=ground.cost
    )
    return found.cost if found.reached else UNREACHED


UNREACHED = 10_000.0
"""Cost that stands for no path at all, mm: more than any path through a body."""


def _ends(solution: Solution, case: Case) -> Any:
    """Voxel at which the path begins, where the entry was chosen with it."""
    path = solution.document.get("path_lps_mm")
    if not path:
        return None
    index = case.labels.to_index([path[0]])[0]
    return tuple(int(at) for at in np.floor(index + 0.5))
