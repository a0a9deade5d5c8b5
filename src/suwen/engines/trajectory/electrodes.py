"""Several electrodes together: one candidate for each target, none in another's way, the least total score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
Free = dict[tuple[int, int], NDArray[np.bool_]]
MOST_NODES = 100_000
"""Partial choices that are looked at; beyond, the best one found so far is given and said to be unproven."""
SHORTLIST, LONGEST = 200, 1600
"""Best candidates of each target that are looked at first, and at most where those prove nothing."""


@dataclass(frozen=True, kw_only=True)
class Together:
    """One choice for every target.

    Attributes
    ----------
    chosen
        Candidate of each target; empty where no choice is free of conflicts, or none was found.
    total
        Sum of their scores; infinite where there is none.
    alone
        Sum of the best scores of each target by itself: what the total would be if nothing were in the way.
    conflicts
        Pairs of targets whose own best candidates are in each other's way.
    proven
        Whether no better choice exists; where nothing was chosen, whether there is none.
    moved
        Targets that did not get their own best candidate.
    blocked
        Pairs of targets of which no two candidates that were looked at are far enough apart.
    """

    chosen: tuple[int, ...]
    total: float
    alone: float
    conflicts: tuple[tuple[int, int], ...]
    proven: bool
    moved: tuple[int, ...] = ()
    blocked: tuple[tuple[int, int], ...] = ()

    @property
    def cost(self) -> float:
        """What keeping apart costs: how much higher the total is than that of each target's own best."""
        return self.total - self.alone


def segment_distance(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> Floats:
    """Least distance between segments ab and cd, (..., 3) each, broadcast over the leading axes; closed form.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    from suwen.engines.trajectory import _lines

    ends = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (a, b, c, d)))
    flat = [np.ascontiguousarray(one.reshape(-1, 3)) for one in ends]
    return np.asarray(_lines.distances(*flat)).reshape(ends[0].shape[:-1])


def choose_together(
    entries_mm: Sequence[Floats], targets_mm: Sequence[Floats], scores: Sequence[Floats], *, separation_mm: float
) -> Together:  # fmt: skip
    """The best choice of one candidate per target, every two axes at least ``separation_mm`` apart.

    Exact, by branch and bound, depth first. What is still allowed of each target has a best candidate; the sum of
    these is a bound, and where they are in nobody's way it is reached. Else targets in each other's way, two by two,
    take their best free pair, which is a better bound; and one of those in conflict is either taken, and what it
    stands in the way of forbidden, or forbidden itself; the lower bound is followed first.

    Only the best :data:`SHORTLIST` candidates of each target are looked at to begin with. Whoever takes another
    one pays at least the score of the first that was left out; where that could still be less, the list is doubled.

    Parameters
    ----------
    entries_mm, targets_mm, scores
        For each target its candidates' entries (n, 3), targets (n, 3), grid mm, and scores (n,), finite.
    separation_mm
        Least distance between the axes of two instruments.

    Raises
    ------
    BadInput
        ``no-candidates`` where a target has none, or one without a finite score; ``bad-point`` where entries and
        targets are not three finite numbers each, one for each score; ``bad-limits`` for a negative separation.
    MissingExtra
        Without numba.
    """
    if not np.isfinite(separation_mm) or separation_mm < 0:
        raise BadInput("the separation is negative or none", fix="0 mm or more", code="bad-limits")
    if not scores or any(len(one) == 0 for one in scores):
        raise BadInput("a target has no candidates", fix="Relax its limits", code="no-candidates")
    if not all(np.isfinite(one).all() for one in scores):
        raise BadInput("a candidate has no score", fix="Leave it out", code="no-candidates")
    wanted = [(len(one), 3) for one in scores]
    for points in (entries_mm, targets_mm):
        given = [np.shape(one) for one in points]
        if given != wanted or not all(np.isfinite(one).all() for one in points):
            raise BadInput(
                "entries and targets are not three finite numbers for each score",
                fix="Give (n, 3) for n scores, grid mm",
                code="bad-point",
            )
    order = [np.argsort(one, kind="stable") for one in scores]
    sorted_scores = [np.asarray(one, np.float64)[at] for one, at in zip(scores, order, strict=True)]
    alone = [float(one[0]) for one in sorted_scores]
    most = SHORTLIST
    while True:
        listed = [at[:most] for at in order]
        free = _free(entries_mm, targets_mm, listed, separation_mm)
        total, ranks, complete = _search([one[:most] for one in sorted_scores], free)
        left = [
            sum(alone) - alone[at] + float(one[most])
            for at, one in enumerate(sorted_scores)
            if len(one) > most
        ]
        proven = complete and all(total <= value for value in left)
        if proven or not complete or not left or most >= LONGEST:
            break
        most *= 2
    return Together(
        chosen=tuple(int(order[at][rank]) for at, rank in enumerate(ranks)),
        total=total,
        alone=sum(alone),
        conflicts=tuple(pair for pair, apart in free.items() if not apart[0, 0]),
        proven=proven,
        moved=tuple(at for at, rank in enumerate(ranks) if rank),
        blocked=tuple(pair for pair, apart in free.items() if not apart.any()),
    )


def _free(
    entries_mm: Sequence[Floats],
    targets_mm: Sequence[Floats],
    listed: Sequence[NDArray[np.int64]],
    separation_mm: float,
) -> Free:
    """For each pair of targets which of their candidates are far enough apart."""
    from suwen.engines.trajectory import _lines

    begins = [np.ascontiguousarray(one[at], np.float64) for one, at in zip(entries_mm, listed, strict=True)]
    ends = [np.ascontiguousarray(one[at], np.float64) for one, at in zip(targets_mm, listed, strict=True)]
    return {
        (i, j): _lines.apart(begins[i], ends[i], begins[j], ends[j], separation_mm)
        for i in range(len(listed))
        for j in range(i + 1, len(listed))
    }


def _search(scores: Sequence[Floats], free: Free) -> tuple[float, tuple[int, ...], bool]:
    """The least total, the rank taken of each target (empty: none), and whether everything was looked at."""
    sums = {(i, j): np.where(apart, scores[i][:, None] + scores[j], np.inf) for (i, j), apart in free.items()}
    best, taken = _one_by_one(scores, free)
    open_ = [_node([np.ones(len(one), bool) for one in scores], scores)]
    looked = 0
    while open_:
        node = open_.pop()
        if node is None or node[0] >= best:
            continue
        if looked >= MOST_NODES:
            return best, taken, False
        looked += 1
        bound, ranks, allowed = node
        clashes = [pair for pair, apart in free.items() if not apart[ranks[pair[0]], ranks[pair[1]]]]
        if not clashes:
            best, taken = bound, ranks
            continue
        # Whoever takes a candidate that costs more than what the best total leaves is never better.
        allowed = [
            mask & (one <= one[rank] + (best - bound))
            for mask, one, rank in zip(allowed, scores, ranks, strict=True)
        ]
        if bound + _dearer(clashes, ranks, allowed, scores, sums) >= best:
            continue
        against = np.bincount(np.ravel(clashes), minlength=len(scores))
        at = int(against.argmax())
        without = [mask if other != at else mask.copy() for other, mask in enumerate(allowed)]
        without[at][ranks[at]] = False
        children = [_node(without, scores), _node(_taking(at, ranks[at], allowed, free), scores)]
        children.sort(key=lambda child: np.inf if child is None else child[0], reverse=True)
        open_ += children
    return best, taken, True


def _one_by_one(scores: Sequence[Floats], free: Free) -> tuple[float, tuple[int, ...]]:
    """A first choice: target by target the best that is still allowed; there may be none."""
    allowed = [np.ones(len(one), bool) for one in scores]
    for at in range(len(scores)):
        if not allowed[at].any():
            return np.inf, ()
        allowed = _taking(at, int(allowed[at].argmax()), allowed, free)
    node = _node(allowed, scores)
    return (np.inf, ()) if node is None else node[:2]


def _dearer(
    clashes: Sequence[tuple[int, int]],
    ranks: Sequence[int],
    allowed: Sequence[NDArray[np.bool_]],
    scores: Sequence[Floats],
    sums: dict[tuple[int, int], Floats],
) -> float:
    """By how much the bound rises where targets in each other's way, two by two, take their best free pair."""
    rise, paired = 0.0, set()
    for i, j in clashes:
        if i in paired or j in paired:
            continue
        paired |= {i, j}
        rows, columns = np.flatnonzero(allowed[i]), np.flatnonzero(allowed[j])
        together = float(sums[i, j][rows[:, None], columns].min())
        rise += together - float(scores[i][ranks[i]]) - float(scores[j][ranks[j]])
    return rise


Node = tuple[float, tuple[int, ...], list[NDArray[np.bool_]]]


def _node(allowed: list[NDArray[np.bool_]], scores: Sequence[Floats]) -> Node | None:
    """Bound, best allowed rank of each target, and what is allowed; ``None`` where a target has nothing left."""
    if not all(mask.any() for mask in allowed):
        return None
    ranks = tuple(int(mask.argmax()) for mask in allowed)
    bound = float(sum(float(one[rank]) for one, rank in zip(scores, ranks, strict=True)))
    return bound, ranks, allowed


def _taking(at: int, rank: int, allowed: list[NDArray[np.bool_]], free: Free) -> list[NDArray[np.bool_]]:
    """What is still allowed once one target has its candidate."""
    kept = []
    for other, mask in enumerate(allowed):
        if other == at:
            only = np.zeros(len(mask), bool)
            only[rank] = True
            kept.append(only)
        elif at < other:
            kept.append(mask & free[at, other][rank])
        else:
            kept.append(mask & free[other, at][:, rank])
    return kept
