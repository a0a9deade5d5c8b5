"""A search that can be paused: its queue, what it has found, and where it aims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.search.ground import BUCKET, Ground, Voxel, kernel, layout, number

_NO_MASK = np.zeros((1, 1, 1), np.uint8)
_NOWHERE = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Aim:
    """Where a search ends.

    Attributes
    ----------
    voxels
        (n, 3): the targets.
    mask
        uint8 (I, J, K), not 0 at a target, where there are ``several``.
    one
        The target as one number, where there is one; else -1.
    several
        Whether the mask counts, and not the one.
    box
        Lowest and highest index along each axis, (6,).
    """

    voxels: NDArray[np.int64]
    mask: NDArray[np.uint8]
    one: int
    box: NDArray[np.int64]
    several: bool


NOWHERE = Aim(
    voxels=np.empty((0, 3), np.int64), mask=_NO_MASK, one=_NOWHERE, box=np.zeros(6, np.int64), several=False
)
"""The aim of a search that goes everywhere."""


def aim_at(ground: Ground, goal: ArrayLike | NDArray[np.bool_]) -> Aim:
    """The target, or targets, of a search.

    Raises
    ------
    BadInput
        ``bad-voxel``, ``outside-image``, ``target-in-wall``, ``no-target``.
    """
    given = np.asarray(goal)
    if given.ndim != 3:
        end = np.array(ground.checked(given, "target"))
        return Aim(voxels=end[None], mask=_NO_MASK, one=number(end), box=np.repeat(end, 2), several=False)
    if given.shape != ground.shape:
        raise BadInput("the targets are no mask like the walls", fix="Give (I, J, K)", code="no-target")
    mask = np.ascontiguousarray((given != 0) & (ground.walls == 0)).view(np.uint8)
    voxels = np.argwhere(mask)
    if not len(voxels):
        raise BadInput("no target is free", fix="Give at least one outside the walls", code="no-target")
    box = np.stack([voxels.min(0), voxels.max(0)], 1).ravel()
    return Aim(voxels=voxels, mask=mask, one=_NOWHERE, box=box, several=True)


class Running:
    """One search on a grid; a later one on the same grid ends it.

    Parameters
    ----------
    ground
        The grid.
    start
        A free voxel.
    aim
        Where it ends.
    weight
        Of the heuristic; 0 is Dijkstra's search.
    """

    def __init__(self, ground: Ground, start: Voxel, aim: Aim, weight: float) -> None:
        self.ground, self.start, self.aim = ground, start, aim
        self._factor = weight * ground.least
        self._query = ground.begin()
        self._control = np.zeros(8, np.int64)
        self._levels = np.array([np.inf, 0.0, BUCKET * ground.shortest])

    def go(self, limit: int) -> bool:
        """Go on until the answer is known, and say so; or until so many voxels in all have been expanded."""
        compiled, ground, aim = kernel(), self.ground, self.aim
        status, ground.queue = compiled.search(
            ground.bits, ground.rows, ground.cost, ground.uniform, ground.state, ground.places, self._query,
            tuple(ground.rules), ground.lengths, ground.steps, aim.box, aim.mask, aim.several, self._factor,
            number(self.start), aim.one, self._control, self._levels, ground.queue, limit,
        )  # fmt: skip
        return bool(status != compiled.PAUSED)

    @property
    def expanded(self) -> int:
        """Voxels expanded so far."""
        return int(self._control[4])

    @property
    def cost(self) -> float:
        """Least cost of a target so far."""
        return float(self._levels[0])

    def path(self) -> NDArray[np.int32]:
        """Voxels (n, 3) from the start to the target that was reached; (0, 3) without one."""
        if not np.isfinite(self.cost):
            return np.empty((0, 3), np.int32)
        ground = self.ground
        found = layout().trace(ground.state, ground.places, int(self._control[5]), number(self.start))
        return np.asarray(found)

    def field(self) -> NDArray[np.float64]:
        """Cost from the start of every voxel reached so far, (I, J, K); infinite elsewhere."""
        out = np.full(self.ground.shape, np.inf)
        layout().costs_of(self.ground.state, self.ground.places, self._query, out)
        return out
