"""Proofs, made: which subtrees prove that an entry is in a tree, or that a tree continues an earlier one."""

from __future__ import annotations

from collections.abc import Callable

from suwen.core.errors import BadInput
from suwen.records.ledger.merkle import node_hash

Subtree = Callable[[int, int], bytes]
"""Hash of the complete subtree of a level and a position."""


def inclusion(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the inclusion proof of an entry (``PATH`` of RFC 9162, 2.1.3.1), lowest sibling first.

    Parameters
    ----------
    index
        The entry, from 0.
    size
        Leaves of the tree.
    subtree
        Where hashes come from.

    Raises
    ------
    BadInput
        When the tree has no such entry (code ``bad-range``).
    """
    if not 0 <= index < size:
        raise BadInput("the tree has no such entry", where=f"entry {index} of {size}", code="bad-range")
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return tuple(_range(start, end, subtree) for start, end in reversed(siblings))


def consistency(size1: int, size2: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the consistency proof between two trees (``PROOF`` of RFC 9162, 2.1.4.1).

    Raises
    ------
    BadInput
        When not 0 < size1 <= size2 (code ``bad-range``).
    """
    if not 0 < size1 <= size2:
        raise BadInput("the earlier tree is empty or larger", where=f"{size1} of {size2}", code="bad-range")
    start, end = 0, size2
    ranges: list[tuple[int, int]] = []
    while end != size1:
        middle = start + _split(end - start)
        if size1 <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the earlier root itself is the seed, and is known
        ranges.append((start, end))
    return tuple(_range(start, end, subtree) for start, end in reversed(ranges))


def _split(size: int) -> int:
    """Largest power of two below a size of at least 2."""
    return int(1 << ((size - 1).bit_length() - 1))


def _range(start: int, end: int, subtree: Subtree) -> bytes:
    """Hash over leaves from `start` to `end`; `start` is a multiple of the power of two that covers them."""
    size, hashes = end - start, []
    while size:
        level = size.bit_length() - 1
        hashes.append(subtree(level, start >> level))
        start += 1 << level
        size -= 1 << level
    node = hashes.pop()
    while hashes:
        node = node_hash(hashes.pop(), node)
    return node
