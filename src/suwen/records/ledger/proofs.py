"""Proofs, checked: RFC 9162, 2.1.3.2 and 2.1.4.2, and their forms for subtrees.

A subtree ``[start, end)`` is what the Merkle Tree Certificates draft calls so: `start` is a multiple of the
smallest power of two not below its length. A whole tree is the subtree that starts at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from suwen.core.errors import Untrusted
from suwen.records.ledger.merkle import EMPTY_ROOT, HASH_BYTES, node_hash

LARGEST = (1 << 64) - 1
"""Largest size of a tree: sizes are unsigned 64-bit numbers."""


def verify_inclusion(
    leaf_hash: bytes, index: int, tree_size: int, proof: Sequence[bytes] | None, root: bytes
) -> None:
    """Return if the proof shows that a leaf is in a tree; raise otherwise.

    Parameters
    ----------
    leaf_hash
        Hash of the entry, 32 bytes.
    index
        Its position, from 0.
    tree_size
        Leaves of the tree.
    proof
        Hashes of 32 bytes each, lowest first.
    root
        Root of the tree.

    Raises
    ------
    Untrusted
        When it does not, or anything given is malformed (code ``bad-proof``).
    """
    verify_subtree_inclusion(leaf_hash, index, 0, tree_size, proof, root)


def verify_consistency(
    size1: int, size2: int, proof: Sequence[bytes] | None, root1: bytes, root2: bytes
) -> None:
    """Return if the proof shows that a tree continues an earlier one; raise otherwise.

    Parameters
    ----------
    size1, size2
        Leaves of the earlier and the later tree. Nothing can be shown from an empty one: it is refused.
    proof
        Hashes of 32 bytes each; none for equal sizes.
    root1, root2
        Roots of both.

    Raises
    ------
    Untrusted
        When it does not, or anything given is malformed (code ``bad-proof``).
    """
    _need(size1 != 0, "nothing is shown by the consistency with an empty tree")
    verify_subtree_consistency(0, size1, size2, proof, root1, root2)


def verify_subtree_inclusion(
    leaf_hash: bytes, index: int, start: int, end: int, proof: Sequence[bytes] | None, root: bytes
) -> None:
    """Return if the proof shows that a leaf is in a subtree; raise otherwise.

    Parameters
    ----------
    leaf_hash, index
        Hash and position of the entry, counted in the whole tree.
    start, end
        The subtree.
    proof, root
        As for `verify_inclusion`, of the subtree.

    Raises
    ------
    Untrusted
        When it does not, or anything given is malformed (code ``bad-proof``).
    """
    path = _checked(proof, start, index, end)
    _need(start <= index < end, "there is no such entry in the tree")
    _need(_is_subtree(start, end), "this range of entries is not a subtree")
    _need(type(leaf_hash) is bytes and len(leaf_hash) == HASH_BYTES, "the leaf's hash has not 32 bytes")
    node, at, last = leaf_hash, index - start, end - start - 1
    for sibling in path:
        _need(last != 0, "the proof is too long")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:  # no sibling on the right edge: the subtree is its own parent
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    _need(last == 0, "the proof is too short")
    _need(_same(node, root), "the proof leads to another root")


def verify_subtree_consistency(
    start: int, end: int, size: int, proof: Sequence[bytes] | None, root1: bytes, root2: bytes
) -> None:
    """Return if the proof shows that a subtree is part of a tree; raise otherwise.

    Parameters
    ----------
    start, end
        The subtree. The empty one is part of every tree: then `root1` must be the empty root.
    size
        Leaves of the tree.
    proof
        Hashes of 32 bytes each.
    root1, root2
        Root of the subtree, root of the tree.

    Raises
    ------
    Untrusted
        When it does not, or anything given is malformed (code ``bad-proof``).
    """
    path = _checked(proof, start, end, size)
    _need(start <= end <= size, "the sizes are not in order")
    _need(_is_subtree(start, end), "this range of entries is not a subtree")
    if start == end or (start == 0 and end == size):
        _need(not path, "the proof is too long")
        _need(_same(root1, root2 if end > start else EMPTY_ROOT), "the roots differ")
        return
    first, last, edge = start, end - 1, size - 1
    while first != last and (last & 1 or end == size):
        first, last, edge = first >> 1, last >> 1, edge >> 1
    if first == last:  # the subtree is complete, or ends with the tree: its root is a node of the tree
        _need(type(root1) is bytes and len(root1) == HASH_BYTES, "the first root has not 32 bytes")
        old = new = root1
    else:
        _need(bool(path), "the proof is too short")
        old = new = path.pop(0)
    for sibling in path:
        _need(edge != 0, "the proof is too long")
        if last & 1 or last == edge:
            if first < last:
                old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not last & 1 and last:
                first, last, edge = first >> 1, last >> 1, edge >> 1
        else:
            new = node_hash(new, sibling)
        first, last, edge = first >> 1, last >> 1, edge >> 1
    _need(edge == 0, "the proof is too short")
    _need(_same(old, root1), "the proof leads to another first root")
    _need(_same(new, root2), "the proof leads to another root")


def _checked(proof: Sequence[bytes] | None, *numbers: int) -> list[bytes]:
    """Return the proof as a list, once it and the numbers are of the right kind."""
    _need(
        all(type(number) is int and 0 <= number <= LARGEST for number in numbers),
        "a size or a position is not an unsigned 64-bit number",
    )
    _need(proof is None or isinstance(proof, (list, tuple)), "the proof is not a list of hashes")
    path = list(proof or ())
    _need(len(path) <= 2 * LARGEST.bit_length(), "the proof is too long")
    _need(
        all(type(one) is bytes and len(one) == HASH_BYTES for one in path),
        "a hash of the proof has not 32 bytes",
    )
    return path


def _is_subtree(start: int, end: int) -> bool:
    width = 1 << max(end - start - 1, 0).bit_length()
    return start % width == 0


def _same(left: bytes, right: bytes) -> bool:
    return type(left) is bytes and type(right) is bytes and compare_digest(left, right)


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Untrusted(otherwise, fix="Ask for the proof again, or trust another copy", code="bad-proof")
