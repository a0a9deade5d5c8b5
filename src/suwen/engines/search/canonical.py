"""Which moves are worth following: of equally short ways between two voxels one is canonical, the others are left.

A way of two moves d, e over a voxel is left where the 27 voxels about it hold another way between the same ends
that is shorter; or as long, with a first move of higher rank (more axes first, then a fixed order). Of all cheapest
paths between two voxels take the one whose moves, compared one after the other, have the highest ranks: no two
moves of it in a row can have been left, for the other way would give a cheaper path or one of higher rank. So a
search that follows every direction by which a voxel is reached at its least cost, and leaves what may be left,
still finds the least cost. It is the argument of canonical orderings (Harabor and Grastien 2011; Sturtevant and
Rabin 2016) with the walls of both corner rules and any spacing in the tables; it holds where every voxel costs
the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STILL = 13
MEMORY = 1 << 12
"""Neighbourhoods whose moves are remembered: walls of anatomy are smooth and repeat few."""
Ints = NDArray[np.int64]
Move = tuple[int, int, int]
MOVES: tuple[Move, ...] = tuple((n // 9 - 1, n // 3 % 3 - 1, n % 3 - 1) for n in range(27))
"""The 27 moves, the middle one standing still."""


class Rules(NamedTuple):
    """Tables of a grid, as the kernel reads them; voxels of the neighbourhood are bits of one number.

    Attributes
    ----------
    needs
        (27,): what must be free for each move.
    first
        (28,): where the entries of each direction of arrival begin in the two that follow.
    instead_of, where
        A move that is left, and what must be free for its replacement.
    natural
        (27,): moves that are left over in the open, by direction of arrival.
    known, answer
        Neighbourhoods met so far, and the moves worth following in them.
    """

    needs: Ints
    first: Ints
    instead_of: Ints
    where: Ints
    natural: Ints
    known: Ints
    answer: Ints


def rules_for(steps: NDArray[np.float64], *, cutting: bool) -> Rules:
    """Tables for lengths of the 27 moves, and whether corners may be cut, with a memory of their own."""
    needs, first, instead_of, where, natural = _tables(tuple(steps.tolist()), cutting)
    return Rules(
        needs, first, instead_of, where, natural, np.zeros(MEMORY, np.int64), np.zeros(MEMORY, np.int64)
    )


@lru_cache(maxsize=16)
def _tables(steps: tuple[float, ...], cutting: bool) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    needs = [0 if n == STILL else _crossed((0, 0, 0), MOVES[n], cutting) for n in range(27)]
    first, instead_of, where = [0], [], []
    for came in range(27):
        if came != STILL:
            for move in range(27):
                if move != STILL:
                    for free in _replacements(came, move, steps, cutting):
                        instead_of.append(move)
                        where.append(free)
        first.append(len(where))
    natural = []
    for came in range(27):
        left = set(instead_of[first[came] : first[came + 1]])
        natural.append(sum(1 << n for n in range(27) if n != STILL and n not in left))
    return tuple(np.array(table, np.int64) for table in (needs, first, instead_of, where, natural))  # type: ignore[return-value]


def _replacements(came: int, move: int, steps: tuple[float, ...], cutting: bool) -> list[int]:
    """What must be free for each way that replaces two moves in a row; fewest voxels first."""
    before: Move = _sum(MOVES[came], (0, 0, 0), -1)
    after = MOVES[move]
    if before == after:
        return [0]
    length = steps[came] + steps[move]
    found = []
    straight = _number(before, after)
    if straight is not None and steps[straight] < length:
        found.append(_crossed(before, after, cutting))
    for between in MOVES:
        one, two = _number(before, between), _number(between, after)
        if between in ((0, 0, 0), before, after) or one is None or two is None:
            continue
        other = steps[one] + steps[two]
        shorter = other < length * (1 - 1e-9)
        if shorter or (other <= length * (1 + 1e-12) and _rank(one) > _rank(came)):
            found.append(_crossed(before, between, cutting) | _crossed(between, after, cutting))
    few = sorted(set(found), key=int.bit_count)
    return [free for n, free in enumerate(few) if not any(free & less == less for less in few[:n])]


def _rank(move: int) -> tuple[int, int]:
    return sum(abs(along) for along in MOVES[move]), move


def _sum(one: Move, other: Move, sign: int) -> Move:
    a, b, c = (x * sign + y for x, y in zip(one, other, strict=True))
    return a, b, c


def _number(begin: Move, end: Move) -> int | None:
    """Number of the move from one voxel of the neighbourhood to another, if one move does it."""
    i, j, k = _sum(begin, end, -1)
    return (i + 1) * 9 + (j + 1) * 3 + k + 1 if max(abs(i), abs(j), abs(k)) <= 1 else None


def _crossed(begin: Move, end: Move, cutting: bool) -> int:
    """What must be free for a move, as bits: its end, or the whole block that it spans."""
    out = 0
    for n, at in enumerate(MOVES):
        inside = all(min(a, b) <= x <= max(a, b) for a, b, x in zip(begin, end, at, strict=True))
        if at == end or (inside and not cutting):
            out |= 1 << n
    return out & ~(1 << STILL)
