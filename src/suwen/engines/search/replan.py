"""Planning again when the anatomy changes: at once where the old path provably stays the best, else anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.search.find import Found, find_path
from suwen.engines.search.ground import IN_WALL, Ground, Voxel

EPSILON = 1e-9
"""Costs that differ by less are equal: a way through a changed voxel must be cheaper by more to matter."""


@dataclass(frozen=True, kw_only=True)
class Replanned:
    """What became of a path.

    Attributes
    ----------
    found
        The best path now.
    kept
        Whether it is the old one, proven to be the best still; nothing was searched then.
    why
        In words.
    """

    found: Found
    kept: bool
    why: str


class Replanner:
    """One query, answered anew whenever voxels change.

    A change can matter in two ways. It can spoil the path: a wall on it (or in the block of one of its diagonal
    moves), or a higher cost. Or it can open a better one, and then that one passes a voxel that became free or
    cheaper, or cuts a corner that was closed by one: it costs at least the way over empty space from the start
    to that voxel's neighbourhood and on to the goal. Where no change does either, the old path is the best, and
    that is known without a search.

    Parameters
    ----------
    ground
        The grid; changed by :meth:`change`.
    start, goal
        Voxels.
    """

    def __init__(self, ground: Ground, start: ArrayLike, goal: ArrayLike) -> None:
        self.ground = ground
        self.start: Voxel = ground.checked(start, "start")
        self.goal: Voxel = ground.checked(goal, "target")
        self.found = find_path(ground, start=self.start, goal=self.goal)

    def change(
        self,
        voxels: ArrayLike,
        *,
        walls: ArrayLike | None = None,
        cost: ArrayLike | None = None,
    ) -> Replanned:
        """Change some voxels, and answer again. What is refused changes nothing.

        Parameters
        ----------
        voxels
            (m, 3); of one that is named twice, what is said last counts.
        walls
            (m,), whether each is a wall now; ``None`` leaves them.
        cost
            (m,), cost per mm of each now; ``None`` leaves them. Never below the grid's least, which the
            heuristic stands on.

        Raises
        ------
        BadInput
            ``bad-voxel`` for voxels outside, or where walls or costs are not one for each of them; ``bad-cost`` for
            costs below the least or of a grid without costs; ``start-in-wall``, ``target-in-wall``.
        """
        where = np.asarray(voxels)
        if where.ndim != 2 or where.shape[1:] != (3,) or where.dtype.kind not in "iu":
            raise BadInput("the changed voxels are none", fix="Give (m, 3)", code="bad-voxel")
        if ((where < 0) | (where >= self.ground.shape)).any():
            raise BadInput("a changed voxel lies outside the grid", fix="Leave it out", code="bad-voxel")
        closed = None if walls is None else _one_each(walls, len(where), np.bool_)
        per_mm = None if cost is None else self._allowed(_one_each(cost, len(where), np.float32))
        if closed is not None:
            self._ends_stay_free(where, closed)
        shut, opened = self._walls(where, closed)
        dearer, cheaper = self._costs(where, per_mm)
        if len(shut) and self._blocks(shut):
            return self._again("the path is blocked")
        if len(dearer) and self._on_path(dearer):
            return self._again("the path has become dearer")
        better = np.concatenate([opened, cheaper])
        if len(better) and self._may_improve(better):
            return self._again("a better path may have opened")
        return Replanned(found=self.found, kept=True, why="no change can matter: the path stays the best")

    def retarget(self, goal: ArrayLike) -> Replanned:
        """Answer for another target."""
        self.goal = self.ground.checked(goal, "target")
        return self._again("the target has moved")

    def _again(self, why: str) -> Replanned:
        self.found = find_path(self.ground, start=self.start, goal=self.goal)
        return Replanned(found=self.found, kept=False, why=why)

    def _allowed(self, cost: NDArray[np.float32]) -> NDArray[np.float32]:
        """Costs that the grid can take."""
        if self.ground.per_mm is None:
            raise BadInput(
                "the grid has no costs that could change", fix="Make it with costs", code="bad-cost"
            )
        if not (np.isfinite(cost).all() and (cost >= self.ground.least).all()):
            raise BadInput(
                f"a cost is below the grid's least, {self.ground.least:g}",
                fix="Make a new grid",
                code="bad-cost",
            )
        return cost

    def _ends_stay_free(self, where: NDArray[np.int64], closed: NDArray[np.bool_]) -> None:
        for what, end in (("start", self.start), ("target", self.goal)):
            said = closed[(where == end).all(1)]
            if len(said) and said[-1]:
                raise BadInput(
                    f"the {what} would become a wall",
                    where=what,
                    fix="Leave it free, or plan from another",
                    code=IN_WALL[what],
                )

    def _walls(
        self, where: NDArray[np.int64], closed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        none = np.empty((0, 3), np.int64)
        if closed is None:
            return none, none
        before = self.ground.walls[tuple(where.T)] != 0
        self.ground.set_walls(where, closed)
        now = self.ground.walls[tuple(where.T)] != 0
        return where[now & ~before], where[~now & before]

    def _costs(
        self, where: NDArray[np.int64], cost: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        none = np.empty((0, 3), np.int64)
        if cost is None or self.ground.per_mm is None:
            return none, none
        before = self.ground.per_mm[tuple(where.T)]
        self.ground.set_cost(where, cost)
        now = self.ground.per_mm[tuple(where.T)]
        return where[now > before], where[now < before]

    def _blocks(self, shut: NDArray[np.int64]) -> bool:
        """Whether a new wall is on the path, or in the block of one of its diagonal moves."""
        if not self.found.reached:
            return False
        walls = {tuple(one) for one in shut.tolist()}
        path = self.found.path.astype(np.int64)
        if any(tuple(one) in walls for one in path.tolist()):
            return True
        if self.ground.corners == "allow":
            return False
        moves = np.diff(path, axis=0)
        for corner in np.ndindex(2, 2, 2):
            between = path[:-1] + moves * np.array(corner)
            if any(tuple(one) in walls for one in between.tolist()):
                return True
        return False

    def _on_path(self, changed: NDArray[np.int64]) -> bool:
        path = {tuple(one) for one in self.found.path.tolist()}
        return self.found.reached and any(tuple(one) in path for one in changed.tolist())

    def _may_improve(self, better: NDArray[np.int64]) -> bool:
        """Whether a way past any of these voxels could be cheaper than the path: by its length in empty space.

        A voxel that opens also opens moves between its neighbours, so ways are counted to within one voxel of it.
        """
        if not self.found.reached:
            return True
        off = np.stack([np.maximum(np.abs(better - np.array(end)) - 1, 0) for end in (self.start, self.goal)])
        bound = self.ground.least * self._empty(off).sum(0)
        return bool((bound < self.found.cost - EPSILON).any())

    def _empty(self, off: NDArray[np.int64]) -> NDArray[np.float64]:
        """Length of the shortest way over (..., 3) voxels of empty space, mm."""
        three = off.min(-1)
        rest = off - three[..., None]
        order = np.argsort(rest, axis=-1)
        middle = np.take_along_axis(rest, order[..., 1:2], -1)[..., 0]
        spacing = self.ground.spacing_mm[order]
        twice = middle * np.hypot(spacing[..., 1], spacing[..., 2])
        once = (np.take_along_axis(rest, order[..., 2:], -1)[..., 0] - middle) * spacing[..., 2]
        return np.asarray(three * float(np.linalg.norm(self.ground.spacing_mm)) + twice + once)


def _one_each(values: ArrayLike, count: int, kind: Any) -> NDArray[Any]:
    """One value for each changed voxel, or the same for all."""
    try:
        return np.broadcast_to(np.asarray(values, kind), (count,))
    except (TypeError, ValueError):
        raise BadInput(
            f"there are {count} changed voxels, and not as many values", fix="Give (m,)", code="bad-voxel"
        ) from None
