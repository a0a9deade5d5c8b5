"""The fewest structures whose walls have to be passed on the way from one region to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from suwen.engines.clearance.regions import Regions

CLOSED = -1
"""The value of regions that are never passed."""
MOST_STATES = 50_000


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A way through walls.

    Attributes
    ----------
    structures
        Those whose walls it passes, in the order in which it first meets them.
    regions
        The regions it goes through, both ends included.
    proven
        Whether no way passes fewer.
    """

    structures: tuple[int, ...]
    regions: tuple[int, ...]
    proven: bool


def fewest_structures(
    regions: Regions, sets: Sequence[tuple[int, ...]], begin: int, end: int
) -> Crossing | None:
    """Search regions from ``begin`` to ``end`` for the way that meets the walls of the fewest structures.

    First every region is settled with the first set of structures that it is reached with, which is quick and
    often the answer: where it is one structure, or those that the ends lie in, there is no smaller. Otherwise
    it is a bound for the exact search, over pairs of a region and the set of structures met so far, walls
    overlapping and a structure being met more than once; a pair is dropped where the region was reached with
    a part of its set. That may take exponentially long (the problem is that of a path of fewest colours,
    which is NP-hard), so after 50,000 pairs it ends, and ``proven`` is false.

    Parameters
    ----------
    regions
        Whose value is an index into ``sets``, 0 being free and -1 never passed.
    sets
        Structures whose walls a voxel of that value is in.
    begin, end
        Regions to go from and to.

    Returns
    -------
    Crossing or None
        ``None`` where no way is left even through walls.
    """
    ends = {int(regions.value[begin]), int(regions.value[end])}
    if CLOSED in ends:
        return None
    quick, _ = _search(regions, sets, begin, end, settle=True, below=None)
    if quick is None:
        return None
    fewest = max(1, len({label for value in ends for label in sets[value]}))
    if len(quick.structures) == fewest:
        return replace(quick, proven=True)
    better, whole = _search(regions, sets, begin, end, settle=False, below=len(quick.structures))
    return replace(better or quick, proven=whole)


def _search(
    regions: Regions,
    sets: Sequence[tuple[int, ...]],
    begin: int,
    end: int,
    *,
    settle: bool,
    below: int | None,
) -> tuple[Crossing | None, bool]:
    """Uniform-cost search for a way of less than ``below`` structures, and whether it saw all there was to see."""
    begins, lists = regions.neighbours
    met = frozenset(sets[regions.value[begin]])
    heap = [(len(met), 0, 0)]  # structures met, regions gone through, state
    states = [(begin, met, -1)]
    reached: dict[int, list[frozenset[int]]] = {begin: [met]}
    while heap:
        _, hops, state = heappop(heap)
        region, met, _ = states[state]
        if region == end:
            return _crossing(regions, sets, states, state), True
        for other in lists[begins[region] : begins[region + 1]].tolist():
            value = int(regions.value[other])
            if value == CLOSED:
                continue
            wider = met.union(sets[value])
            before = reached.setdefault(other, [])
            known = any(part <= wider for part in before)
            if settle:
                known = any(len(part) <= len(wider) for part in before)
            if known or (below is not None and len(wider) >= below):
                continue
            before.append(wider)
            heappush(heap, (len(wider), hops + 1, len(states)))
            states.append((other, wider, state))
        if not settle and len(states) > MOST_STATES:
            return None, False
    return None, True


def _crossing(
    regions: Regions,
    sets: Sequence[tuple[int, ...]],
    states: list[tuple[int, frozenset[int], int]],
    state: int,
) -> Crossing:
    """The way that led to a state, not yet proven."""
    way: list[int] = []
    while state >= 0:
        region, _, state = states[state]
        way.append(region)
    way.reverse()
    met = dict.fromkeys(label for region in way for label in sets[regions.value[region]])
    return Crossing(structures=tuple(met), regions=tuple(way), proven=False)
