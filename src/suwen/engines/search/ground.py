"""A grid made ready to be searched any number of times: padded walls, moves, and memory that is touched lazily."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Corners = Literal["forbid", "allow"]
Voxel = tuple[int, int, int]


def kernel() -> Any:
    """The compiled search.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    from suwen.engines.search import _kernel

    return _kernel


TILE = 8
"""Voxels along a tile's side: its state is 4 KiB, one page."""
MOST_QUERIES = 2**19 - 1
"""Queries that the state tells apart; then it is cleared."""


def _spread(index: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """Bits of an index within its tile, three apart: Z-order."""
    out = np.zeros_like(index)
    for bit in range(3):
        out |= (index >> bit & 1) << (3 * bit + 2 - axis)
    return out


def number(voxel: ArrayLike) -> int:
    """A voxel as one number of three fields of 21 bits."""
    i, j, k = (int(at) for at in np.asarray(voxel))
    return i << 42 | j << 21 | k


IN_WALL = {"start": "start-in-wall", "target": "target-in-wall"}


class Ground:
    """A grid to be searched.

    Parameters
    ----------
    walls
        Array (I, J, K): not 0 where no path goes.
    spacing_mm
        (3,), of voxel centres along each axis.
    cost
        Array (I, J, K), float32, above 0: cost per mm; ``None`` for 1 everywhere. An edge costs its length times
        the mean of its two ends.
    corners
        ``forbid``: every voxel of the block that a diagonal move spans must be free. ``allow``: its two ends.

    Raises
    ------
    BadInput
        ``bad-walls``, ``bad-spacing``, ``bad-cost``, ``bad-corners``.
    """

    def __init__(
        self,
        walls: NDArray[Any],
        *,
        spacing_mm: ArrayLike,
        cost: NDArray[Any] | None = None,
        corners: Corners = "forbid",
    ) -> None:
        if walls.ndim != 3 or 0 in walls.shape or walls.dtype.kind not in "biu":
            raise BadInput(
                "walls are no array of three dimensions", fix="Give (I, J, K), 0 is free", code="bad-walls"
            )
        spacing = np.asarray(spacing_mm, np.float64)
        if spacing.shape != (3,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
            raise BadInput(
                f"the spacing cannot be {spacing_mm!r}", fix="Give three lengths, mm", code="bad-spacing"
            )
        if corners not in ("forbid", "allow"):
            raise BadInput(f"corners cannot be {corners!r}", fix="forbid or allow", code="bad-corners")
        self.shape: Voxel = walls.shape
        self.spacing_mm = spacing
        self.corners = corners
        flags = walls.view(np.uint8) if walls.dtype == np.bool_ else walls
        self.walls = flags
        self._walls_are_theirs = self._cost_is_theirs = True
        tiles = [(size + 2 + TILE - 1) // TILE + (axis == 2) for axis, size in enumerate(walls.shape)]
        i, j = (np.arange(size + 2) for size in walls.shape[:2])
        self.rows = (
            (i // TILE) * tiles[1] * tiles[2] * TILE**2 + (i % TILE) * TILE,
            (j // TILE) * tiles[2] * TILE**2 + j % TILE,
            np.arange(tiles[2]) * TILE**2,
        )
        self.bits = np.zeros(int(np.prod(tiles, dtype=np.int64)) * TILE**2, np.uint8)
        kernel().pack(flags, self.bits, self.rows)
        self.per_mm: NDArray[Any] | None = None
        self.least, self.cost = 1.0, np.ones(1, np.float32)
        self.uniform = cost is None
        if cost is not None:
            self._take(cost)
        self.queries = 0

    def begin(self) -> int:
        """Number of a new query."""
        if self.queries >= MOST_QUERIES:
            self.state[:] = 0
            self.queries = 0
        self.queries += 1
        return self.queries

    def _take(self, cost: NDArray[Any]) -> None:
        if cost.shape != self.shape or cost.dtype.kind != "f":
            raise BadInput("costs are no array like the walls", fix="Give float32 (I, J, K)", code="bad-cost")
        least = float(cost.min())
        if not least > 0 or not np.isfinite(cost.max()):
            raise BadInput(
                "a cost per mm is not above 0 and finite",
                fix="Make walls of what may not be passed",
                code="bad-cost",
            )
        self.least = least
        self.per_mm = cost
        self.cost = np.ones(self._tiled, np.float32)
        kernel().tile(cost.astype(np.float32, copy=False), self.cost, self.places)

    @cached_property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Tables whose sum is a voxel's place in the state: tiles of 8 x 8 x 8 voxels, in Z-order inside."""
        tiles = [(size + TILE - 1) // TILE for size in self.shape]
        strides = (tiles[1] * tiles[2], tiles[2], 1)
        return tuple(  # type: ignore[return-value]  # three axes
            _spread(np.arange(size), axis) + (np.arange(size) // TILE) * stride * TILE**3
            for axis, (size, stride) in enumerate(zip(self.shape, strides, strict=True))
        )

    @cached_property
    def state(self) -> NDArray[np.float32]:
        """Memory of the search, (places, 2); pages that no search touches are never made."""
        return np.zeros((self._tiled, 2), np.float32)

    @property
    def _tiled(self) -> int:
        """Voxels of all tiles."""
        tiles = np.prod([(size + TILE - 1) // TILE for size in self.shape], dtype=np.int64)
        return int(tiles) * TILE**3

    @cached_property
    def directions(self) -> NDArray[np.int64]:
        """The 27 moves, the middle one standing still, (27, 3)."""
        n = np.arange(27)
        return np.stack([n // 9 - 1, (n // 3) % 3 - 1, n % 3 - 1], 1)

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """Their lengths, mm."""
        return np.asarray(np.linalg.norm(self.directions * self.spacing_mm, axis=1))

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Length of a move along each set of axes, mm: bit 4 is i, 2 is j, 1 is k."""
        bits = np.array([[n >> 2 & 1, n >> 1 & 1, n & 1] for n in range(8)])
        return np.asarray(np.linalg.norm(bits * self.spacing_mm, axis=1))

    @cached_property
    def needs(self) -> NDArray[np.int64]:
        """Bits of the neighbourhood that must be free for each move."""
        d = self.directions
        if self.corners == "allow":
            return 1 << np.arange(27, dtype=np.int64)
        inside = ((d[None] == 0) | (d[None] == d[:, None])).all(2)
        inside[:, 13] = False
        return np.asarray((inside * (1 << np.arange(27, dtype=np.int64))).sum(1))

    def set_walls(self, voxels: NDArray[np.int64], walls: NDArray[np.bool_]) -> None:
        """Close or open some voxels (m, 3); the caller's array stays as it is."""
        if self._walls_are_theirs:
            self.walls, self._walls_are_theirs = self.walls.copy(), False
        self.walls[tuple(voxels.T)] = walls
        i, j, k = voxels.T + 1
        place = self.rows[0][i] + self.rows[1][j] + self.rows[2][k >> 3]
        for at, bit, wall in zip(place.tolist(), (k & 7).tolist(), walls.tolist(), strict=True):
            self.bits[at] = (
                self.bits[at] & ~np.uint8(1 << bit) if wall else self.bits[at] | np.uint8(1 << bit)
            )

    def set_cost(self, voxels: NDArray[np.int64], cost: NDArray[np.float32]) -> None:
        """Change the cost per mm of some voxels (m, 3), (m,); the caller's array stays as it is."""
        assert self.per_mm is not None  # noqa: S101  (asked before)
        if self._cost_is_theirs:
            self.per_mm, self._cost_is_theirs = self.per_mm.copy(), False
        self.per_mm[tuple(voxels.T)] = cost
        i, j, k = voxels.T
        self.cost[self.places[0][i] + self.places[1][j] + self.places[2][k]] = cost

    def checked(self, voxel: ArrayLike, what: str) -> Voxel:
        """A free voxel of the grid.

        Raises
        ------
        BadInput
            ``outside-image``, ``start-in-wall``, ``target-in-wall``.
        """
        at = np.asarray(voxel)
        if at.shape != (3,) or at.dtype.kind not in "iu":
            raise BadInput(f"the {what} is no voxel", fix="Give three whole numbers", code="bad-voxel")
        if (at < 0).any() or (at >= self.shape).any():
            raise BadInput(
                f"the {what} lies outside the image", where=what, fix=f"The image has {self.shape} voxels",
                code="outside-image",
            )  # fmt: skip
        if self.walls[tuple(at)]:
            raise BadInput(
                f"the {what} lies in a wall", where=what, fix="Choose another, or open the structure",
                code=IN_WALL[what],
            )  # fmt: skip
        i, j, k = (int(one) for one in at)
        return i, j, k
