"""The search itself, compiled: A* on a padded grid with a bucket queue; imported where a path is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

FOUND, EXHAUSTED, PAUSED = 0, 1, 2
_NONE = -1
_G, _MARK = 0, 1
_DIRECTIONS = 32
"""A mark is ``query * 32 + direction``: exact in float64 for more queries than anybody asks."""


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
def pad(walls: Any, out: Any) -> None:
    """Copy walls (I, J, K) into ``out`` (I+2, J+2, K+2) whose border is wall."""
    out[0] = 1
    out[-1] = 1
    out[:, 0] = 1
    out[:, -1] = 1
    out[:, :, 0] = 1
    out[:, :, -1] = 1
    for i in range(walls.shape[0]):
        for j in range(walls.shape[1]):
            for k in range(walls.shape[2]):
                out[i + 1, j + 1, k + 1] = walls[i, j, k] != 0


@compiled
def search(  # noqa: PLR0912, PLR0915  (one loop: a call per move costs more than the move)
    walls: Any,
    cost: Any,
    uniform: bool,
    state: Any,
    query: int,
    moves: Any,
    needs: Any,
    lengths: Any,
    steps: Any,
    box: Any,
    goals: Any,
    several: bool,
    factor: float,
    start: int,
    rows: int,
    columns: int,
    width: float,
    control: Any,
    best: Any,
    heads: Any,
    following: Any,
    at: Any,
    given: Any,
    limit: int,
) -> Any:
    """Expand until the goal is proven optimal, nothing is left, or ``limit`` voxels have been expanded.

    Parameters
    ----------
    walls
        uint8, flat and padded: not 0 where no path goes.
    cost
        float32, flat and padded: cost per mm, read unless ``uniform``.
    state
        float64 (voxels, 2): cost from the start, and mark of the query with the direction it was reached by.
    query
        Number of this query: older marks count as unseen.
    moves, needs, lengths, steps
        Offsets of 26 moves; bits of the neighbourhood that must be free for each; lengths of the 8 kinds of
        move by axes (bit 4, 2, 1: i, j, k); length of each move, mm.
    box
        Lowest and highest index of the goals along each axis, padded, (6,).
    goals
        uint8, flat: not 0 at a goal, where ``several``; else the goal is ``control[5]``.
    factor
        Weight of the heuristic times the least cost per mm.
    start, rows, columns
        Flat index; (J+2)(K+2); K+2.
    width
        Of a bucket.
    control
        int64: 0 current bucket, 1 highest bucket, 2 entries used, 3 free entry, 4 expanded, 5 goal, 6 best goal,
        7 whether it has begun.
    best
        float64 (2,): cost of the best goal so far, and f of the start.
    heads, following, at, given
        Buckets and their entries; grown where they are full.
    limit
        Expanded voxels at which to pause.

    Returns
    -------
    tuple
        Status and the arrays that may have grown.
    """
    free = np.zeros(27, np.uint8)
    if control[7] == 0:
        control[7] = 1
        i, rest = start // rows, start % rows
        j, k = rest // columns, rest % columns
        best[1] = factor * _octile(
            max(box[0] - i, 0, i - box[1]),
            max(box[2] - j, 0, j - box[3]),
            max(box[4] - k, 0, k - box[5]),
            lengths,
        )
        state[start, _G] = 0.0
        state[start, _MARK] = query * _DIRECTIONS + 31
        at[0], given[0], following[0], heads[0] = start, 0.0, _NONE, 0
        control[0], control[1], control[2], control[3], control[4], control[6] = 0, 0, 1, _NONE, 0, _NONE
    inverse = 1.0 / width
    bucket, highest, used, spare, expanded = control[0], control[1], control[2], control[3], control[4]
    mark = query * _DIRECTIONS
    status = EXHAUSTED
    while True:
        while bucket <= highest and heads[bucket] == _NONE:
            bucket += 1
        if bucket > highest:
            status = FOUND if control[6] != _NONE else EXHAUSTED
            break
        if control[6] != _NONE and best[1] + bucket * width >= best[0]:
            status = FOUND
            break
        if expanded >= limit:
            status = PAUSED
            break
        entry = heads[bucket]
        heads[bucket] = following[entry]
        here, g = at[entry], given[entry]
        following[entry] = spare
        spare = entry
        if g != state[here, _G] or g >= best[0]:
            continue
        if (goals[here] != 0) if several else (here == control[5]):
            best[0] = g
            control[6] = here
            continue
        expanded += 1
        pattern = 0
        for n in range(27):
            free[n] = walls[here + moves[n]] == 0
            pattern |= free[n] << n
        i, rest = here // rows, here % rows
        j, k = rest // columns, rest % columns
        own = 1.0 if uniform else cost[here]
        for n in range(27):
            if pattern & needs[n] != needs[n] or n == 13:
                continue
            there = here + moves[n]
            total = g + (steps[n] if uniform else steps[n] * 0.5 * (own + cost[there]))
            known = state[there, _MARK]
            if known >= mark and total >= state[there, _G]:
                continue
            ni, nj, nk = i + n // 9 - 1, j + (n // 3) % 3 - 1, k + n % 3 - 1
            f = total + factor * _octile(
                max(box[0] - ni, 0, ni - box[1]),
                max(box[2] - nj, 0, nj - box[3]),
                max(box[4] - nk, 0, nk - box[5]),
                lengths,
            )
            if f >= best[0]:
                continue
            state[there, _G] = total
            state[there, _MARK] = mark + n
            place = max(int((f - best[1]) * inverse), bucket)
            if place >= len(heads):
                grown = np.full(max(2 * len(heads), place + 1), _NONE, np.int32)
                grown[: len(heads)] = heads
                heads = grown
            highest = max(highest, place)
            if spare != _NONE:
                entry = spare
                spare = following[entry]
            else:
                if used == len(at):
                    following = np.concatenate((following, np.empty(used, np.int32)))
                    at = np.concatenate((at, np.empty(used, np.int64)))
                    given = np.concatenate((given, np.empty(used, np.float64)))
                entry = used
                used += 1
            at[entry], given[entry], following[entry] = there, total, heads[place]
            heads[place] = entry
    control[0], control[1], control[2], control[3], control[4] = bucket, highest, used, spare, expanded
    return status, heads, following, at, given


@compiled
def trace(state: Any, moves: Any, goal: int, start: int) -> Any:
    """Flat indices from start to goal, by the directions in which they were reached."""
    count, here = 1, goal
    while here != start:
        here -= moves[int(state[here, _MARK]) % _DIRECTIONS]
        count += 1
    out = np.empty(count, np.int64)
    here = goal
    for n in range(count - 1, -1, -1):
        out[n] = here
        if n:
            here -= moves[int(state[here, _MARK]) % _DIRECTIONS]
    return out


@compiled
def along(path: Any, cost: Any, uniform: bool, moves: Any, steps: Any) -> float:
    """Cost of a path of flat indices."""
    total = 0.0
    for n in range(1, len(path)):
        for m in range(27):
            if path[n] - path[n - 1] == moves[m]:
                mean = 1.0 if uniform else 0.5 * (cost[path[n - 1]] + cost[path[n]])
                total += steps[m] * mean
                break
    return total
