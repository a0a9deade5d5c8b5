"""Find the same picture twice: exact copies by content, near copies by correlation.

Near copies are re-encoded, resized, brightened or slightly cropped (up to some 4% of a side). Mirrored or
rotated copies, and other pictures of the same lesion, are not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.lifecycle.splits import components

DISTANCE_RATIO = 0.3
"""A copy lies closer (1 - correlation) than this part of the typical distance to the nearest stranger."""
LEAST, MOST = 0.80, 0.97
"""Bounds of the correlation that the ratio may ask for."""
PROBED = 2048
"""Images whose nearest neighbour is looked up to learn what is typical."""
BLOCK = 1024
"""Rows compared at a time: bounds the memory to BLOCK^2 correlations."""
MOST_LINKS = 64
"""Copies listed per picture: a set of film frames, all alike, must not fill the memory with pairs."""

Vectors = NDArray[np.float32]
Groups = tuple[tuple[int, ...], ...]


def exact(keys: Sequence[str]) -> Groups:
    """Indexes that share a content key, two or more each, in order of appearance."""
    found: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        found.setdefault(key, []).append(index)
    return tuple(tuple(members) for members in found.values() if len(members) > 1)


def near(fine: Vectors) -> list[tuple[int, int]]:
    """Pairs of near copies among distinct pictures.

    What correlation means *the same picture* depends on how alike different pictures of the set are, so the
    bar is set by the set: a copy must lie closer than ``DISTANCE_RATIO`` of the median distance to the
    nearest other picture (the ratio test of Lowe, IJCV 60:91, 2004, for a whole set). Chest radiographs at
    28x28 so need about .93, breast ultrasound .85.

    Parameters
    ----------
    fine
        Array (n, d), float32, rows of zero mean and unit norm; an all-zero row matches nothing. Exact
        copies must have been left out, for they would hide the distance to strangers.

    Returns
    -------
    list of (int, int)
        Index pairs, the smaller first, in order; at most ``MOST_LINKS`` begin with one index, which still
        links all pictures of a larger cluster in a chain.
    """
    if len(fine) < 2:
        return []
    bar = _bar(fine)
    free = np.full(len(fine), MOST_LINKS)
    pairs: list[tuple[int, int]] = []
    for top in range(0, len(fine), BLOCK):
        for left in range(top, len(fine), BLOCK):
            hit = fine[top : top + BLOCK] @ fine[left : left + BLOCK].T >= bar
            if top == left:
                hit = np.triu(hit, 1)
            if not hit.any():
                continue
            hit &= hit.cumsum(axis=1) <= free[top : top + BLOCK, None]
            free[top : top + BLOCK] -= hit.sum(axis=1)
            pairs.extend((top + int(i), left + int(j)) for i, j in np.argwhere(hit))
    return sorted(pairs)


def _bar(fine: Vectors) -> float:
    """Correlation from which two pictures of this set count as copies."""
    # Spread over the range of one component, so that the choice does not depend on the order of the set.
    probed = np.argsort(fine[:, len(fine[0]) // 2], kind="stable")[:: -(-len(fine) // PROBED)]
    best = np.full(len(probed), -1.0, np.float32)
    for start in range(0, len(probed), BLOCK):
        rows = probed[start : start + BLOCK]
        for left in range(0, len(fine), BLOCK):
            match = fine[rows] @ fine[left : left + BLOCK].T
            inside = (rows >= left) & (rows < left + BLOCK)
            match[np.flatnonzero(inside), rows[inside] - left] = -1
            np.maximum(
                best[start : start + len(rows)], match.max(axis=1), out=best[start : start + len(rows)]
            )
    return float(np.clip(1 - DISTANCE_RATIO * (1 - np.median(best)), LEAST, MOST))


def clusters(n: int, links: Iterable[Sequence[int]]) -> Groups:
    """Connected components of two or more among ``n`` items, in order of their first member."""
    found: dict[int, list[int]] = {}
    for index, root in enumerate(components(n, links)):
        found.setdefault(root, []).append(index)
    return tuple(tuple(members) for members in found.values() if len(members) > 1)
