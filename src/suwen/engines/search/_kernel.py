"""The search itself, compiled: A* with a queue of buckets, walls of one bit, and eight bytes of state for a voxel.

A search walks on a front that is larger than a processor's cache, so what it touches for one voxel lies together
whatever the size of the volume: walls of 8 x 8 x 8 voxels are one line of the cache, the state of as many, in
Z-order, is one page, and entries of a bucket lie side by side. Of several equally short ways to a voxel only the
canonical one is followed where costs are the same all around: see :mod:`suwen.engines.search.canonical`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.compiled import compiled
from suwen.engines.search._layout import (
    ALONG_I,
    ALONG_J,
    ALONG_K,
    COST_BITS,
    COST_FROM,
    DIRECTION,
    DONE,
    FIELD,
    QUERIES,
    QUERY,
    SEVERAL,
)

FOUND, EXHAUSTED, PAUSED = 0, 1, 2
CHUNK = 128
"""Entries of a chunk of a bucket."""
_NONE = -1
_ALL = (1 << 27) - 1
_STILL = 13
_CURRENT, _HIGHEST, _USED, _SPARE, _EXPANDED, _GOAL, _BEGUN = range(7)
_LEAST, _BASE, _WIDTH = range(3)
_WHICH = np.zeros(37, np.int64)
_WHICH[[pow(2, n, 37) for n in range(27)]] = np.arange(27)
"""Number of a single bit: powers of two differ modulo 37."""


@compiled
def octile(di: float, dj: float, dk: float, lengths: Any) -> float:
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
def away(i: int, j: int, k: int, box: Any, lengths: Any) -> float:
    """The same from a voxel to the nearest voxel of a box."""
    return octile(
        float(max(box[0] - i, 0, i - box[1])),
        float(max(box[2] - j, 0, j - box[3])),
        float(max(box[4] - k, 0, k - box[5])),
        lengths,
    )


@compiled
def _free_around(bits: Any, by_i: Any, by_j: Any, low: int, high: int, shift: int, i: int, j: int) -> int:
    """Which of the 27 voxels about a voxel are free, one bit each."""
    pattern = 0
    row = 0
    for a in range(3):
        plane = by_i[i + a]
        for b in range(3):
            line = plane + by_j[j + b]
            pattern |= (((int(bits[line + low]) | int(bits[line + high]) << 8) >> shift) & 7) << row
            row += 3
    return pattern ^ _ALL


@compiled
def _level(cost: Any, own: float, along_i: Any, along_j: Any, along_k: Any, i: int, j: int, k: int) -> bool:
    """Whether the 27 voxels about a voxel have the same cost, and all of them lie inside."""
    if i < 1 or j < 1 or k < 1 or i > len(along_i) - 2 or j > len(along_j) - 2 or k > len(along_k) - 2:
        return False
    low, middle, high = along_k[k - 1], along_k[k], along_k[k + 1]
    for a in range(i - 1, i + 2):
        for b in range(j - 1, j + 2):
            line = along_i[a] + along_j[b]
            if cost[line + low] != own or cost[line + middle] != own or cost[line + high] != own:
                return False
    return True


@compiled
def _worth(pattern: int, came: int, needs: Any, first: Any, instead_of: Any, where: Any) -> int:
    """Moves that are legal in a neighbourhood and not left to another way, having come by one direction."""
    moves = 0
    for n in range(27):
        if n != _STILL and pattern & needs[n] == needs[n]:
            moves |= 1 << n
    for other in range(first[came], first[came + 1]):
        if pattern & where[other] == where[other]:
            moves &= ~(1 << instead_of[other])
    return moves


@compiled
def _beyond(queue: Any, control: Any, levels: Any, box: Any, lengths: Any, factor: float) -> Any:
    """Take what lies beyond the last bucket; buckets, twice as wide, begin at the least of it from now on.

    Returns
    -------
    tuple
        Voxels, costs and f of the entries.
    """
    heads, filled, following, at, given = queue
    last = len(heads) - 1
    count, chunk, top = 0, heads[last], filled[last]
    while chunk != _NONE:
        count, chunk, top = count + top, following[chunk], CHUNK
    voxels, costs, f = np.empty(count, np.int64), np.empty(count), np.empty(count)
    chunk, top = heads[last], filled[last]
    while chunk != _NONE:
        for entry in range(chunk * CHUNK, chunk * CHUNK + top):
            count -= 1
            here = at[entry]
            voxels[count], costs[count] = here, given[entry]
            f[count] = given[entry] + factor * away(
                here >> 42, (here >> 21) & FIELD, here & FIELD, box, lengths
            )
        after, top = following[chunk], CHUNK
        following[chunk] = control[_SPARE]
        control[_SPARE] = chunk
        chunk = after
    heads[last], filled[last] = _NONE, CHUNK
    levels[_BASE], levels[_WIDTH] = f.min(), 2.0 * levels[_WIDTH]
    return voxels, costs, f


@compiled
def search(  # noqa: PLR0912, PLR0915  (one loop: a call per move costs more than the move)
    bits: Any,
    rows: Any,
    cost: Any,
    uniform: bool,
    state: Any,
    places: Any,
    query: int,
    rules: Any,
    lengths: Any,
    steps: Any,
    box: Any,
    goals: Any,
    several: bool,
    factor: float,
    start: int,
    goal: int,
    control: Any,
    levels: Any,
    queue: Any,
    limit: int,
) -> Any:
    """Expand until the goal is proven optimal, nothing is left, or ``limit`` voxels have been expanded.

    Parameters
    ----------
    bits, rows
        Walls, and where they are: see :func:`suwen.engines.search._layout.tile_bits`. There is a border of walls.
    cost
        float32 (places,): cost per mm in the order of the state, read unless ``uniform``.
    state
        int64 (places,): see :mod:`suwen.engines.search._layout`. What older queries left counts as unseen.
    places
        Three tables: the place of voxel (i, j, k) is ``places[0][i] + places[1][j] + places[2][k]``.
    query
        Number of this query, 1 to 8191.
    rules
        :class:`suwen.engines.search.canonical.Rules`.
    lengths, steps
        Lengths of the 8 kinds of move by axes (bit 4, 2, 1: i, j, k); length of each of 27 moves, mm.
    box
        Lowest and highest index of the goals along each axis, (6,).
    goals
        uint8 (I, J, K): not 0 at a goal, where ``several``; else the goal is ``goal``.
    factor
        Weight of the heuristic times the least cost per mm.
    start, goal
        Voxels as one number each.
    control
        int64 (8,): current and highest bucket, chunks used, free chunk, expanded, best goal, whether it has begun.
    levels
        float64 (3,): cost of the best goal so far; f at which the first bucket begins; width of a bucket.
    queue
        Chunk on top of each bucket, how many entries it holds, the chunk below each chunk; voxels and costs of the
        entries, :data:`CHUNK` to a chunk; grown where they are full. The last bucket is for all beyond.
    limit
        Expanded voxels at which to pause.

    Returns
    -------
    tuple
        Status, and the queue, which may have grown.
    """
    along_i, along_j, along_k = places
    by_i, by_j, by_k = rows
    needs, first, instead_of, where, natural, known, answer = rules
    heads, filled, following, at, given = queue
    double = np.zeros(1)
    word = double.view(np.int64)
    chosen, to, totals = np.empty(27, np.int64), np.empty(27, np.int64), np.empty(27)
    last = len(heads) - 1
    mine = query << QUERY
    if control[_BEGUN] == 0:
        control[_BEGUN], control[_USED], control[_SPARE], control[_GOAL] = 1, 1, _NONE, _NONE
        i, j, k = start >> 42, (start >> 21) & FIELD, start & FIELD
        levels[_BASE] = factor * away(i, j, k, box, lengths)
        state[along_i[i] + along_j[j] + along_k[k]] = mine | _STILL
        at[0], given[0], following[0], heads[0], filled[0] = start, 0.0, _NONE, 0, 1
        if (goals[i, j, k] != 0) if several else start == goal:
            control[_GOAL], levels[_LEAST] = start, 0.0
    bucket, highest, expanded = control[_CURRENT], control[_HIGHEST], control[_EXPANDED]
    used, spare = control[_USED], control[_SPARE]
    base, width, least = levels[_BASE], levels[_WIDTH], levels[_LEAST]
    inverse = 1.0 / width
    status = EXHAUSTED
    while True:
        while bucket <= highest and heads[bucket] == _NONE:
            bucket += 1
        if bucket > highest or bucket == last:
            if heads[last] == _NONE:
                status = FOUND if control[_GOAL] != _NONE else EXHAUSTED
                break
            control[_USED], control[_SPARE] = used, spare
            waiting = (heads, filled, following, at, given)
            voxels, costs, fs = _beyond(waiting, control, levels, box, lengths, factor)
            spare, bucket, highest = control[_SPARE], 0, 0
            base, width = levels[_BASE], levels[_WIDTH]
            inverse = 1.0 / width
            for one in range(len(voxels)):
                there, total = voxels[one], costs[one]
                far = (fs[one] - base) * inverse
                slot = int(far) if far < last else last
                highest = max(highest, slot)
                if filled[slot] == CHUNK:
                    if spare != _NONE:
                        chunk = spare
                        spare = following[chunk]
                    else:
                        if used == len(following):
                            following = np.concatenate((following, np.empty_like(following)))
                            at = np.concatenate((at, np.empty_like(at)))
                            given = np.concatenate((given, np.empty_like(given)))
                        chunk = used
                        used += 1
                    following[chunk] = heads[slot]
                    heads[slot], filled[slot] = chunk, 0
                entry = heads[slot] * CHUNK + filled[slot]
                at[entry], given[entry] = there, total
                filled[slot] += 1
            continue
        if base + bucket * width >= least:
            status = FOUND
            break
        if expanded >= limit:
            status = PAUSED
            break
        filled[bucket] -= 1
        chunk = heads[bucket]
        here, g = at[chunk * CHUNK + filled[bucket]], given[chunk * CHUNK + filled[bucket]]
        if filled[bucket] == 0:
            heads[bucket], filled[bucket] = following[chunk], CHUNK
            following[chunk] = spare
            spare = chunk
        i, j, k = here >> 42, (here >> 21) & FIELD, here & FIELD
        place = along_i[i] + along_j[j] + along_k[k]
        old = state[place]
        double[0] = g
        if old & DONE or (word[0] >> COST_FROM) > (old >> COST_FROM) + 1:
            continue
        state[place] = old | DONE
        expanded += 1
        byte = (k + 7) >> 3
        pattern = _free_around(bits, by_i, by_j, by_k[byte], by_k[byte + 1], (k + 7) & 7, i, j)
        own = 1.0 if uniform else float(cost[place])
        count = 0
        if uniform or _level(cost, own, along_i, along_j, along_k, i, j, k):
            came = _STILL if old & SEVERAL else old & DIRECTION
            if pattern == _ALL:
                moves = natural[came]
            else:
                key = (pattern << 5 | came) + 1
                slot = ((key * 0x9E3779B1) >> 20) & (len(known) - 1)
                if known[slot] != key:
                    known[slot] = key
                    answer[slot] = _worth(pattern, came, needs, first, instead_of, where)
                moves = answer[slot]
            while moves:
                bit = moves & -moves
                moves ^= bit
                n = _WHICH[bit % 37]
                chosen[count] = n
                to[count] = along_i[i + ALONG_I[n]] + along_j[j + ALONG_J[n]] + along_k[k + ALONG_K[n]]
                totals[count] = g + steps[n] * own
                count += 1
        else:
            for n in range(27):
                if n != _STILL and pattern & needs[n] == needs[n]:
                    there = along_i[i + n // 9 - 1] + along_j[j + (n // 3) % 3 - 1] + along_k[k + n % 3 - 1]
                    chosen[count] = n
                    to[count] = there
                    totals[count] = g + steps[n] * 0.5 * (own + float(cost[there]))
                    count += 1
        for one in range(count):
            total, place = totals[one], to[one]
            double[0] = total
            old = state[place]
            n = chosen[one]
            new = (word[0] & COST_BITS) | mine | n
            if (old >> QUERY) & QUERIES == query:
                better = (old >> COST_FROM) - (new >> COST_FROM)
                if better < -1:
                    continue
                if better <= 1:
                    if old & SEVERAL or old & DIRECTION == n:
                        continue
                    if old & DONE == 0:
                        state[place] = old | SEVERAL
                        continue
                    new = (old | SEVERAL) ^ DONE
            ni, nj, nk = i + ALONG_I[n], j + ALONG_J[n], k + ALONG_K[n]
            f = total + factor * away(ni, nj, nk, box, lengths)
            if f >= least:
                continue
            state[place] = new
            there = ni << 42 | nj << 21 | nk
            if (goals[ni, nj, nk] != 0) if several else there == goal:
                least = total
                control[_GOAL] = there
                continue
            far = (f - base) * inverse
            slot = max(int(far), bucket) if far < last else last
            highest = max(highest, slot)
            if filled[slot] == CHUNK:
                if spare != _NONE:
                    chunk = spare
                    spare = following[chunk]
                else:
                    if used == len(following):
                        following = np.concatenate((following, np.empty_like(following)))
                        at = np.concatenate((at, np.empty_like(at)))
                        given = np.concatenate((given, np.empty_like(given)))
                    chunk = used
                    used += 1
                following[chunk] = heads[slot]
                heads[slot], filled[slot] = chunk, 0
            entry = heads[slot] * CHUNK + filled[slot]
            at[entry], given[entry] = there, total
            filled[slot] += 1
    control[_CURRENT], control[_HIGHEST], control[_EXPANDED] = bucket, highest, expanded
    control[_USED], control[_SPARE] = used, spare
    levels[_LEAST] = least
    return status, (heads, filled, following, at, given)
