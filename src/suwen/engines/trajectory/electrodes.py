"""Several electrodes together: one candidate for each target, none in another's way, the least total score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
MOST_NODES = 2_000_000
"""Partial choices that are looked at; beyond, the best one found so far is given and said to be unproven."""


@dataclass(frozen=True, kw_only=True)
class Together:
    """One choice for every target.

    Attributes
    ----------
    chosen
        Candidate of each target; empty where no choice is free of conflicts.
    total
        Sum of their scores.
    alone
        Sum of the best scores of each target by itself.
    conflicts
        Pairs of targets whose own best candidates are in each other's way.
    proven
        Whether no better choice exists.
    """

    chosen: tuple[int, ...]
    total: float
    alone: float
    conflicts: tuple[tuple[int, int], ...]
    proven: bool


def segment_distance(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> Floats:
    """Least distance between segments ab and cd, broadcast over leading axes; closed form.

    The distance of two segments is that of the closest points of their lines where both lie inside, else that
    of an end to the other segment (Ericson 2005, Real-Time Collision Detection, 5.1.9).
    """
    a, b, c, d = (np.asarray(one, np.float64) for one in (a, b, c, d))
    u, v, w = b - a, d - c, a - c
    uu, vv, uv = (u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    across = uu * vv - uv * uv
    with np.errstate(invalid="ignore", divide="ignore"):
        s = np.where(across > 1e-12 * uu * vv, (uv * vw - vv * uw) / across, 0.0)
        t = np.where(across > 1e-12 * uu * vv, (uu * vw - uv * uw) / across, -1.0)
    inside = (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
    lines = np.linalg.norm(w + s[..., None] * u - t[..., None] * v, axis=-1)
    ends = np.minimum.reduce(
        [_to_segment(a, c, d), _to_segment(b, c, d), _to_segment(c, a, b), _to_segment(d, a, b)]
    )
    return np.asarray(np.where(inside, np.minimum(lines, ends), ends))


def _to_segment(point: Floats, start: Floats, end: Floats) -> Floats:
    way = end - start
    share = ((point - start) * way).sum(-1) / np.maximum((way * way).sum(-1), 1e-300)
    return np.asarray(np.linalg.norm(point - start - np.clip(share, 0, 1)[..., None] * way, axis=-1))


def choose_together(
    entries_mm: Sequence[Floats], targets_mm: Sequence[Floats], scores: Sequence[Floats], *, separation_mm: float
) -> Together:  # fmt: skip
    """The best choice of one candidate per target, every two at least ``separation_mm`` apart.

    Depth first with bounds: targets in the order given, candidates by score; a branch is left where what it has
    and the best of the rest is no better than the best choice so far. Exact.

    Parameters
    ----------
    entries_mm, targets_mm, scores
        For each target its candidates' entries (n, 3), targets (n, 3), grid mm, and scores (n,), best first.
    separation_mm
        Least distance between the axes of two instruments.

    Raises
    ------
    BadInput
        ``no-candidates`` where a target has none; ``bad-limits`` for a negative separation.
    """
    if not np.isfinite(separation_mm) or separation_mm < 0:
        raise BadInput("the separation is negative or none", fix="0 mm or more", code="bad-limits")
    if not scores or any(len(one) == 0 for one in scores):
        raise BadInput("a target has no candidates", fix="Relax its limits", code="no-candidates")
    count = len(scores)
    free = {
        (i, j): segment_distance(
            entries_mm[i][:, None], targets_mm[i][:, None], entries_mm[j][None], targets_mm[j][None]
        )
        >= separation_mm
        for i in range(count)
        for j in range(i + 1, count)
    }
    alone = [float(one.min()) for one in scores]
    rest = [sum(alone[at:]) for at in range(count + 1)]
    order = [np.argsort(one, kind="stable") for one in scores]
    best: list[object] = [np.inf, ()]
    looked = 0

    def descend(depth: int, chosen: tuple[int, ...], total: float) -> None:
        nonlocal looked
        if depth == count:
            best[:] = [total, chosen]
            return
        for candidate in order[depth]:
            value = total + float(scores[depth][candidate])
            if value + rest[depth + 1] >= best[0] or looked > MOST_NODES:  # type: ignore[operator]
                return
            looked += 1
            if all(free[at, depth][chosen[at], candidate] for at in range(depth)):
                descend(depth + 1, (*chosen, int(candidate)), value)

    descend(0, (), 0.0)
    firsts = [int(one[0]) for one in order]
    conflicts = tuple(pair for pair, apart in free.items() if not apart[firsts[pair[0]], firsts[pair[1]]])
    total, chosen = best
    return Together(
        chosen=chosen,  # type: ignore[arg-type]
        total=float(total),  # type: ignore[arg-type]
        alone=sum(alone),
        conflicts=conflicts,
        proven=looked <= MOST_NODES,
    )
