"""What a search keeps of each voxel, and where; compiled.

Walls of 8 x 8 x 8 voxels are 64 bytes, one line of a cache; the state of as many, eight bytes each and in Z-order,
is one page, and costs lie in the same order. The state of a voxel is one number: the upper 44 bits of its cost from
the start as a double (which tells better from worse to one part in 4e9; the queue carries all of it), then the query
that wrote it, whether it was expanded, whether several directions reached it at the same cost, and the first of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

FIELD = (1 << 21) - 1
"""A voxel is one number of three fields of 21 bits."""
DIRECTION, SEVERAL, DONE = 31, 1 << 5, 1 << 6
QUERY, QUERIES, COST_FROM = 7, (1 << 13) - 1, 20
"""First bit of the query; its bits; first bit of the cost."""
COST_BITS = -1 << COST_FROM
ALONG_I = np.arange(27) // 9 - 1
ALONG_J = np.arange(27) // 3 % 3 - 1
ALONG_K = np.arange(27) % 3 - 1
"""The 27 moves."""


@compiled
def tile_bits(packed: Any, bits: Any, rows: Any) -> None:
    """Put bytes of eight voxels (I, J, bytes), 1 a wall, into tiles of 8 x 8 x 8, which leave room for a border.

    Voxel (i, j, k) is bit ``k % 8`` of the byte at ``rows[0][i + 1] + rows[1][j + 1] + rows[2][k // 8 + 1]``.
    """
    by_i, by_j, by_k = rows
    for i in range(packed.shape[0]):
        for j in range(packed.shape[1]):
            line = by_i[i + 1] + by_j[j + 1]
            for byte in range(packed.shape[2]):
                bits[line + by_k[byte + 1]] = packed[i, j, byte]


@compiled
def tile(cost: Any, out: Any, places: Any) -> None:
    """Copy costs (I, J, K) into the order of the state."""
    along_i, along_j, along_k = places
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            line = along_i[i] + along_j[j]
            for k in range(cost.shape[2]):
                out[line + along_k[k]] = cost[i, j, k]


@compiled
def trace(state: Any, places: Any, goal: int, start: int) -> Any:
    """Voxels (n, 3) from start to goal, by the directions in which they were reached."""
    along_i, along_j, along_k = places
    out = np.empty((64, 3), np.int32)
    count, here = 0, goal
    while True:
        i, j, k = here >> 42, (here >> 21) & FIELD, here & FIELD
        if count == len(out):
            out = np.concatenate((out, np.empty_like(out)))
        out[count, 0], out[count, 1], out[count, 2] = i, j, k
        count += 1
        if here == start:
            break
        n = state[along_i[i] + along_j[j] + along_k[k]] & DIRECTION
        here = (i - n // 9 + 1) << 42 | (j - (n // 3) % 3 + 1) << 21 | (k - n % 3 + 1)
    return out[:count][::-1].copy()


@compiled
def costs_of(state: Any, places: Any, query: int, out: Any) -> None:
    """Cost from the start of every voxel that a query reached, into ``out`` (I, J, K), rounded down by 2e-10 of it."""
    along_i, along_j, along_k = places
    double = np.zeros(1)
    word = double.view(np.int64)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            line = along_i[i] + along_j[j]
            for k in range(out.shape[2]):
                old = state[line + along_k[k]]
                if (old >> QUERY) & QUERIES == query:
                    word[0] = old & COST_BITS
                    out[i, j, k] = double[0]
