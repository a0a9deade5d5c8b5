"""A grid made ready to be searched any number of times: walls of one bit, rules, and memory that is touched lazily."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.search.canonical import MOVES, Rules, rules_for

Corners = Literal["forbid", "allow"]
Voxel = tuple[int, int, int]

TILE = 8
"""Voxels along a tile's side: its state is 4 KiB, one page, and its walls are one line of a cache."""
MOST_QUERIES = 2**13 - 1
"""Queries that the state tells apart; then it is made anew."""
MOST_ALONG = 2**21
"""Voxels along an axis that one number can hold."""
BUCKET = 0.25
"""Width of a bucket as a share of the shortest move's least cost: finer sorts more, coarser expands more twice."""
_BUCKETS, _CHUNKS = 1 << 12, 64


def kernel() -> Any:
    """The compiled search.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    from suwen.engines.search import _kernel

    return _kernel


def layout() -> Any:
    """How the state lies in memory, compiled too."""
    from suwen.engines.search import _layout

    return _layout


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
        shape = walls.shape
        if len(shape) != 3 or 0 in shape or walls.dtype.kind not in "biu" or max(shape) > MOST_ALONG:
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
        self.shape: Voxel = shape
        self.spacing_mm = spacing
        self.corners = corners
        self.walls = walls
        self.bits, self.rows = _packed(walls)
        self.per_mm: NDArray[np.float32] | None = None
        self.least, self.cost = 1.0, np.ones(1, np.float32)
        self.uniform = cost is None
        if cost is not None:
            self._take(cost)
        self._walls_are_theirs = self._cost_is_theirs = True
        self.queries = 0
        self.queue = _queue()

    def begin(self) -> int:
        """Number of a new query."""
        if self.queries >= MOST_QUERIES:
            del self.state
            self.queries = 0
        self.queries += 1
        self.queue[0].fill(-1)
        self.queue[1].fill(kernel().CHUNK)
        return self.queries

    def _take(self, cost: NDArray[Any]) -> None:
        if cost.shape != self.shape or cost.dtype.kind != "f":
            raise BadInput("costs are no array like the walls", fix="Give float32 (I, J, K)", code="bad-cost")
        with np.errstate(over="ignore"):  # what single precision cannot hold is not finite, and refused below
            per_mm = np.ascontiguousarray(cost, np.float32)
        least = float(per_mm.min())
        if not least > 0 or not np.isfinite(per_mm.max()):
            raise BadInput(
                "a cost per mm is not above 0 and finite",
                fix="Make walls of what may not be passed",
                code="bad-cost",
            )
        self.least, self.per_mm = least, per_mm
        self.cost = np.ones(self._tiled, np.float32)
        layout().tile(per_mm, self.cost, self.places)

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
    def state(self) -> NDArray[np.int64]:
        """Memory of the search, (places,); pages that no search touches are never made."""
        return np.zeros(self._tiled, np.int64)

    @property
    def _tiled(self) -> int:
        """Voxels of all tiles."""
        tiles = np.prod([(size + TILE - 1) // TILE for size in self.shape], dtype=np.int64)
        return int(tiles) * TILE**3

    @cached_property
    def runs(self) -> Any:
        """Regions of free voxels, of :func:`suwen.engines.search._regions.regions`."""
        from suwen.engines.search import _regions

        return _regions.regions(self.bits, self.rows, self.shape, self.corners == "allow")

    def regions_at(self, voxels: ArrayLike) -> NDArray[np.int64]:
        """Region of each of some free voxels (n, 3): equal where there is a path between two of them."""
        from suwen.engines.search import _regions

        at = np.asarray(voxels, np.int64).reshape(-1, 3)
        return np.asarray(_regions.region_at(self.runs, at, self.shape[1]))

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """Lengths of the 27 moves, mm."""
        return np.asarray(np.linalg.norm(np.array(MOVES) * self.spacing_mm, axis=1))

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Length of a move along each set of axes, mm: bit 4 is i, 2 is j, 1 is k."""
        bits = np.array([[n >> 2 & 1, n >> 1 & 1, n & 1] for n in range(8)])
        return np.asarray(np.linalg.norm(bits * self.spacing_mm, axis=1))

    @cached_property
    def rules(self) -> Rules:
        """Which moves are legal, and which of them are worth following."""
        return rules_for(self.steps, cutting=self.corners == "allow")

    @property
    def shortest(self) -> float:
        """Least cost of a move."""
        return float(self.spacing_mm.min()) * self.least

    def checked(self, voxel: ArrayLike, what: str) -> Voxel:
        """A free voxel of the grid.

        Raises
        ------
        BadInput
            ``bad-voxel``, ``outside-image``, ``start-in-wall``, ``target-in-wall``.
        """
        at = np.asarray(voxel)
        if at.shape != (3,) or at.dtype.kind not in "iu":
            raise BadInput(f"the {what} is no voxel", fix="Give three whole numbers", code="bad-voxel")
        i, j, k = (int(one) for one in at)
        if any(not 0 <= one < size for one, size in zip((i, j, k), self.shape, strict=True)):
            raise BadInput(
                f"the {what} lies outside the image", where=what, fix=f"The image has {self.shape} voxels",
                code="outside-image",
            )  # fmt: skip
        if self.walls[i, j, k]:
            raise BadInput(
                f"the {what} lies in a wall", where=what, fix="Choose another, or open the structure",
                code=IN_WALL[what],
            )  # fmt: skip
        return i, j, k

    def set_walls(self, voxels: NDArray[np.int64], walls: NDArray[np.bool_]) -> None:
        """Close or open some voxels (m, 3); the caller's array stays as it is."""
        if self._walls_are_theirs:
            self.walls, self._walls_are_theirs = self.walls.copy(), False
        self.walls[tuple(voxels.T)] = walls
        self.__dict__.pop("runs", None)
        i, j, k = voxels.T
        byte = self.rows[0][i + 1] + self.rows[1][j + 1] + self.rows[2][k // 8 + 1]
        bit = np.uint8(1) << (k % 8).astype(np.uint8)
        closed = self.walls[i, j, k] != 0  # of a voxel that is named twice, what was said last
        np.bitwise_or.at(self.bits, byte[closed], bit[closed])
        np.bitwise_and.at(self.bits, byte[~closed], ~bit[~closed])

    def set_cost(self, voxels: NDArray[np.int64], cost: NDArray[np.float32]) -> None:
        """Change the cost per mm of some voxels (m, 3), (m,); the caller's array stays as it is."""
        assert self.per_mm is not None  # noqa: S101  (asked before)
        if self._cost_is_theirs:
            self.per_mm, self._cost_is_theirs = self.per_mm.copy(), False
        self.per_mm[tuple(voxels.T)] = cost
        i, j, k = voxels.T
        self.cost[self.places[0][i] + self.places[1][j] + self.places[2][k]] = cost


def _queue() -> tuple[NDArray[Any], ...]:
    """An empty queue, as :func:`suwen.engines.search._kernel.search` takes it."""
    heads, filled = np.full(_BUCKETS, -1, np.int32), np.full(_BUCKETS, kernel().CHUNK, np.int32)
    entries = _CHUNKS * kernel().CHUNK
    return heads, filled, np.empty(_CHUNKS, np.int32), np.empty(entries, np.int64), np.empty(entries)


def _packed(walls: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[NDArray[np.int64], ...]]:
    """Walls as bits in tiles of 8 x 8 x 8 with wall all around, and the tables that tell where a byte is."""
    flags = walls if walls.dtype.itemsize == 1 else walls != 0
    packed = np.packbits(flags.view(np.uint8), axis=2, bitorder="little")
    if walls.shape[2] % TILE:
        packed[:, :, -1] |= np.uint8(0xFF << (walls.shape[2] % TILE) & 0xFF)
    i, j, k = (size + 2 for size in packed.shape)
    tiles = ((i + TILE - 1) // TILE, (j + TILE - 1) // TILE)
    planes, lines = np.arange(i), np.arange(j)
    rows = (
        (planes // TILE) * tiles[1] * k * TILE**2 + (planes % TILE) * TILE,
        (lines // TILE) * k * TILE**2 + lines % TILE,
        np.arange(k) * TILE**2,
    )
    bits = np.full(tiles[0] * tiles[1] * k * TILE**2, 0xFF, np.uint8)
    layout().tile_bits(np.ascontiguousarray(packed), bits, rows)
    return bits, rows
