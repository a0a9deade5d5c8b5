"""The search itself, compiled: A* with a bucket queue on walls of one bit and a state in tiles.

A search walks on a front that is far larger than a processor's cache, so what it touches for one voxel must lie
together whatever the size of the volume: walls are bits (a volume of 256 fits into 2 MB), and the state of 8 x 8 x
8 voxels, in Z-order, is one page. Time for a voxel then hardly depends on how many there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

FOUND, EXHAUSTED, PAUSED = 0, 1, 2
_NONE = -1
_G, _MARK = 0, 1
_DIRECTIONS = 32
CHUNK = 128
"""Entries of a chunk of a bucket."""
_FIELD = (1 << 21) - 1
"""A voxel is one number of three fields of 21 bits."""


@compiled
def _octile(di: float, dj: float, dk: float, lengths: Any) -> float:
    """Length of the shortest 26-connected way over so many voxels in free space.

    As many triple moves as possible, then double, then single ones: by concavity of the square root no other
    mix of moves is shorter, whatever the spacing. It is the exact distance of an empty grid, hence consistent.
    """
    if di <= dj and di <= dk:
        rest = dj - dk
        twice = dk - di if rest > 0 else dj - di
        once = rest * lengths[2] if rest > 0 else -rest * lengths[1]
        return float(di * lengths[7] + twice * lengths[3] + once)
    if dj <= dk:
        rest = di - dk
        twice = dk - dj if rest > 0 else di - dj
        once = rest * lengths[4] if rest > 0 else -rest * lengths[1]
        return float(dj * lengths[7] + twice * lengths[5] + once)
    rest = di - dj
    twice = dj - dk if rest > 0 else di - dk
    once = rest * lengths[4] if rest > 0 else -rest * lengths[2]
    return float(dk * lengths[7] + twice * lengths[6] + once)


@compiled
def _away(i: int, j: int, k: int, box: Any, lengths: Any) -> float:
    """The same from a voxel to the nearest voxel of a box."""
    return _octile(
        float(max(box[0] - i, 0, i - box[1])),
        float(max(box[2] - j, 0, j - box[3])),
        float(max(box[4] - k, 0, k - box[5])),
        lengths,
    )


@compiled
def pack(walls: Any, bits: Any, rows: Any) -> None:
    """Walls (I, J, K) as bits, 1 where free, in tiles of 8 x 8 x 8: 64 bytes, one line of a cache.

    There is a border of walls: voxel (i, j, k) is bit ``(k + 1) % 8`` of byte ``rows[0][i + 1] + rows[1][j + 1] +
    rows[2][(k + 1) // 8]``.
    """
    by_i, by_j, by_k = rows
    for i in range(walls.shape[0]):
        for j in range(walls.shape[1]):
            line = by_i[i + 1] + by_j[j + 1]
            for k in range(walls.shape[2]):
                if walls[i, j, k] == 0:
                    bits[line + by_k[(k + 1) >> 3]] |= np.uint8(1 << ((k + 1) & 7))


@compiled
def tile(cost: Any, out: Any, places: Any) -> None:
    """Copy costs (I, J, K) into the order of the state: what a voxel needs lies together."""
    along_i, along_j, along_k = places
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            line = along_i[i] + along_j[j]
            for k in range(cost.shape[2]):
                out[line + along_k[k]] = cost[i, j, k]


@compiled
def _neighbourhood(bits: Any, rows: Any, i: int, j: int, k: int) -> int:
    """Which of the 27 voxels about a voxel are free, one bit each."""
    by_i, by_j, by_k = rows
    pattern = 0
    low, high, shift = by_k[k >> 3], by_k[(k >> 3) + 1], k & 7
    for row in range(9):
        line = by_i[i + row // 3] + by_j[j + row % 3]
        three = ((int(bits[line + low]) | int(bits[line + high]) << 8) >> shift) & 7
        pattern |= three << (3 * row)
    return pattern


@compiled
def search(  # noqa: PLR0912, PLR0915  (one loop: a call per move costs more than the move)
    bits: Any,
    rows: Any,
    cost: Any,
    uniform: bool,
    state: Any,
    places: Any,
    query: int,
    needs: Any,
    lengths: Any,
    steps: Any,
    box: Any,
    goals: Any,
    several: bool,
    factor: float,
    start: int,
    goal: int,
    width: float,
    control: Any,
    best: Any,
    heads: Any,
    filled: Any,
    following: Any,
    at: Any,
    given: Any,
    limit: int,
) -> Any:
    """Expand until the goal is proven optimal, nothing is left, or ``limit`` voxels have been expanded.

    Parameters
    ----------
    bits, rows
        Free voxels, and where they are: see :func:`pack`.
    cost
        float32, in the order of the state: cost per mm, read unless ``uniform``.
    state
        float32 (places, 2): cost from the start, and ``32 * query`` plus the direction a voxel was reached by. The
        queue carries costs in double precision; here they only tell better from worse, to one part in 2**24.
    places
        Three tables: the place of voxel (i, j, k) in ``state`` is ``places[0][i] + places[1][j] + places[2][k]``.
    query
        Number of this query, below 2**19: what older ones left counts as unseen.
    needs, lengths, steps
        Bits of the neighbourhood that must be free for each of 27 moves; lengths of the 8 kinds of move by axes
        (bit 4, 2, 1: i, j, k); length of each move, mm.
    box
        Lowest and highest index of the goals along each axis, (6,).
    goals
        uint8 (I, J, K): not 0 at a goal, where ``several``; else the goal is ``goal``.
    factor
        Weight of the heuristic times the least cost per mm.
    start, goal
        Voxels as one number each.
    width
        Of a bucket.
    control
        int64: 0 current bucket, 1 highest bucket, 2 chunks used, 3 free chunk, 4 expanded, 5 best goal, 6 whether
        it has begun.
    best
        float64 (2,): cost of the best goal so far, and f of the start.
    heads, filled, following, at, given
        Buckets: the chunk on top of each, how many entries it holds, the chunk below each chunk; voxels and costs
        of the entries, :data:`CHUNK` to a chunk. Grown where they are full. Entries of a bucket lie side by side,
        so that the queue is read and written in order.
    limit
        Expanded voxels at which to pause.

    Returns
    -------
    tuple
        Status and the arrays that may have grown.
    """
    along_i, along_j, along_k = places
    if control[6] == 0:
        control[6] = 1
        i, j, k = start >> 42, (start >> 21) & _FIELD, start & _FIELD
        best[1] = factor * _away(i, j, k, box, lengths)
        place = along_i[i] + along_j[j] + along_k[k]
        state[place, _G] = 0.0
        state[place, _MARK] = query * _DIRECTIONS + 31
        at[0], given[0], following[0], heads[0], filled[0] = start, 0.0, _NONE, 0, 1
        control[0], control[1], control[2], control[3], control[4], control[5] = 0, 0, 1, _NONE, 0, _NONE
    inverse = 1.0 / width
    bucket, highest, used, spare, expanded = control[0], control[1], control[2], control[3], control[4]
    mark = np.float32(query * _DIRECTIONS)
    status = EXHAUSTED
    while True:
        while bucket <= highest and heads[bucket] == _NONE:
            bucket += 1
        if bucket > highest:
            status = FOUND if control[5] != _NONE else EXHAUSTED
            break
        if control[5] != _NONE and best[1] + bucket * width >= best[0]:
            status = FOUND
            break
        if expanded >= limit:
            status = PAUSED
            break
        chunk = heads[bucket]
        filled[bucket] -= 1
        here, g = at[chunk * CHUNK + filled[bucket]], given[chunk * CHUNK + filled[bucket]]
        if filled[bucket] == 0:
            heads[bucket] = following[chunk]
            filled[bucket] = CHUNK
            following[chunk] = spare
            spare = chunk
        i, j, k = here >> 42, (here >> 21) & _FIELD, here & _FIELD
        place = along_i[i] + along_j[j] + along_k[k]
        if np.float32(g) != state[place, _G] or g >= best[0]:
            continue
        if (goals[i, j, k] != 0) if several else (here == goal):
            best[0] = g
            control[5] = here
            continue
        expanded += 1
        pattern = _neighbourhood(bits, rows, i, j, k)
        own = 1.0 if uniform else cost[place]
        for n in range(27):
            if pattern & needs[n] != needs[n] or n == 13:
                continue
            ni, nj, nk = i + n // 9 - 1, j + (n // 3) % 3 - 1, k + n % 3 - 1
            place = along_i[ni] + along_j[nj] + along_k[nk]
            total = g + (steps[n] if uniform else steps[n] * 0.5 * (own + cost[place]))
            if state[place, _MARK] >= mark and np.float32(total) >= state[place, _G]:
                continue
            f = total + factor * _away(ni, nj, nk, box, lengths)
            if f >= best[0]:
                continue
            state[place, _G] = total
            state[place, _MARK] = mark + np.float32(n)
            line = max(int((f - best[1]) * inverse), bucket)
            if line >= len(heads):
                more = max(len(heads), line + 1 - len(heads))
                heads = np.concatenate((heads, np.full(more, _NONE, np.int32)))
                filled = np.concatenate((filled, np.full(more, CHUNK, np.int32)))
            highest = max(highest, line)
            if heads[line] == _NONE or filled[line] == CHUNK:
                if spare != _NONE:
                    chunk = spare
                    spare = following[chunk]
                else:
                    if used == len(following):
                        following = np.concatenate((following, np.empty(used, np.int32)))
                        at = np.concatenate((at, np.empty(used * CHUNK, np.int64)))
                        given = np.concatenate((given, np.empty(used * CHUNK, np.float64)))
                    chunk = used
                    used += 1
                following[chunk] = heads[line]
                heads[line], filled[line] = chunk, 0
            entry = heads[line] * CHUNK + filled[line]
            at[entry], given[entry] = ni << 42 | nj << 21 | nk, total
            filled[line] += 1
    control[0], control[1], control[2], control[3], control[4] = bucket, highest, used, spare, expanded
    return status, heads, filled, following, at, given


@compiled
def trace(state: Any, places: Any, goal: int, start: int) -> Any:
    """Voxels (n, 3) from start to goal, by the directions in which they were reached."""
    along_i, along_j, along_k = places
    out = np.empty((64, 3), np.int32)
    count, here = 0, goal
    while True:
        i, j, k = here >> 42, (here >> 21) & _FIELD, here & _FIELD
        if count == len(out):
            out = np.concatenate((out, np.empty_like(out)))
        out[count, 0], out[count, 1], out[count, 2] = i, j, k
        count += 1
        if here == start:
            break
        n = int(state[along_i[i] + along_j[j] + along_k[k], _MARK]) % _DIRECTIONS
        here = (i - n // 9 + 1) << 42 | (j - (n // 3) % 3 + 1) << 21 | (k - n % 3 + 1)
    return out[:count][::-1].copy()
