"""The Merkle tree of RFC 9162, section 2.1: hashes, and the frontier that grows it in constant memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from suwen.core.errors import Untrusted

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""
STORED_LEVELS = 8
"""Roots of complete subtrees are kept at every eighth level: of 256 leaves, of 65,536, and so on."""

Node = tuple[int, int, bytes]
"""A complete subtree: its level (0 is a leaf), its position among those of its level, its hash."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry: SHA-256 over 0x00 and the entry."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash over two subtrees: SHA-256 over 0x01 and their hashes."""
    return sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be remembered of a tree to let it grow and to know its root (a compact range from 0).

    Parameters
    ----------
    size
        Number of leaves.
    hashes
        Roots of the complete subtrees the tree falls into, largest first: one for each bit set in ``size``.

    Raises
    ------
    Untrusted
        When the number or the length of the hashes does not fit the size (code ``bad-frontier``).
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        fits = self.size >= 0 and len(self.hashes) == self.size.bit_count()
        if not fits or any(len(one) != HASH_BYTES for one in self.hashes):
            raise Untrusted(
                "the frontier of the ledger does not fit its size",
                where=f"size {self.size}",
                fix="Run: suwen records verify",
                code="bad-frontier",
            )

    def extend(self, leaf_hashes: Iterable[bytes], stored: list[Node] | None = None) -> Frontier:
        """Return the frontier after further leaves.

        Parameters
        ----------
        leaf_hashes
            Hashes of the new leaves, in order.
        stored
            Receives every subtree completed on the way whose level is a multiple of `STORED_LEVELS`.
        """
        size, stack = self.size, list(self.hashes)
        keep = [] if stored is None else stored
        for one in leaf_hashes:
            node, size = one, size + 1
            rest, level = size, 0
            while not rest & 1:  # as many subtrees are completed as the new size has trailing zero bits
                node = sha256(b"\1" + stack.pop() + node).digest()
                rest >>= 1
                level += 1
                if not level % STORED_LEVELS:
                    keep.append((level, rest - 1, node))
            stack.append(node)
        return Frontier(size, tuple(stack))

    def root(self) -> bytes:
        """Root of the tree, 32 bytes."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            node = sha256(b"\1" + left + node).digest()
        return node

    def to_bytes(self) -> bytes:
        """Return the hashes, one after the other; the size is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Return the frontier that `to_bytes` wrote."""
        return cls(size, tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)))
