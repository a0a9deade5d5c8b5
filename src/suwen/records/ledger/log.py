"""The log in the database: entries, subtrees that make proofs cheap, and a signed head for every commit."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, Untrusted
from suwen.records.ledger import checkpoint as heads
from suwen.records.ledger import paths
from suwen.records.ledger.merkle import STORED_LEVELS, Frontier, Node, leaf_hash, node_hash

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from suwen.records.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head of this store.

    Parameters
    ----------
    checkpoint
        What was signed.
    note
        The signed text, to be kept elsewhere.
    frontier
        What the log goes on from.
    """

    checkpoint: heads.Checkpoint
    note: str
    frontier: Frontier

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """Root of the tree, 32 bytes."""
        return self.checkpoint.root


def append(db: Connection, frontier: Frontier, entries: Iterable[bytes]) -> Frontier:
    """Add entries to the log, in the caller's transaction; the frontier after them.

    Parameters
    ----------
    db
        Connection of the one writer.
    frontier
        Where the log stands, from `load` or the last `append`.
    entries
        Events as bytes, in order (`events.encode`).
    """
    listed = list(entries)
    db.run_many("INSERT INTO leaf (position, entry) VALUES (?, ?)", enumerate(listed, frontier.size))
    stored: list[Node] = []
    grown = frontier.extend(map(leaf_hash, listed), stored)
    if stored:
        db.run_many("INSERT INTO node (level, position, hash) VALUES (?, ?, ?)", stored)
    return grown


def seal(
    db: Connection,
    frontier: Frontier,
    signer: Ed25519PrivateKey,
    origin: str,
    *,
    at_us: int | None = None,
    previous: int | None = None,
) -> Head:
    """Sign the log as it now stands and keep the head, in the caller's transaction.

    Parameters
    ----------
    db
        Connection of the one writer.
    frontier
        Where the log stands.
    signer
        The store's signing key.
    origin
        The store's name for its log.
    at_us
        When, in microseconds since 1970; now when not given.
    previous
        Size of the last head, where the writer knows it; read when not given.

    Raises
    ------
    BadInput
        When nothing was appended since the last head (code ``nothing-to-seal``).
    """
    if previous is None:
        previous = (db.row("SELECT MAX(size) FROM head") or (None,))[0] or 0
    if frontier.size <= previous:
        raise BadInput("nothing was appended since the last tree head", code="nothing-to-seal")
    at_us = time.time_ns() // 1000 if at_us is None else at_us
    checkpoint = heads.Checkpoint(origin, frontier.size, frontier.root(), at_us, previous)
    note = heads.sign(checkpoint, signer)
    db.run(
        "INSERT INTO head (size, checkpoint, frontier) VALUES (?, ?, ?)",
        (frontier.size, note, frontier.to_bytes()),
    )
    return Head(checkpoint, note, frontier)


def latest(db: Connection) -> Head | None:
    """Return the last signed head; none before the first commit.

    Raises
    ------
    Untrusted
        When what is stored is no head (codes ``bad-checkpoint``, ``bad-frontier``). Its signature is for
        `verify_store` to check.
    """
    found = db.row("SELECT size, checkpoint, frontier FROM head ORDER BY size DESC LIMIT 1")
    if found is None:
        return None
    size, note, frontier = found
    return Head(heads.parse(note), note, Frontier.from_bytes(size, frontier))


def load(db: Connection) -> Frontier:
    """Return the frontier to go on from."""
    head = latest(db)
    return head.frontier if head else Frontier()


def inclusion_proof(db: Connection, index: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that entry `index` is in the tree of `size` leaves, for `verify_inclusion`.

    Raises
    ------
    BadInput
        When there is no such entry in a tree of that size, or no such tree yet (code ``bad-range``).
    Untrusted
        When rows of the ledger are missing (code ``ledger-gap``).
    """
    _check_size(db, size)
    return paths.inclusion(index, size, lambda level, position: _subtree(db, level, position))


def consistency_proof(db: Connection, size1: int, size2: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of `size2` leaves continues that of `size1`, for `verify_consistency`.

    Raises
    ------
    BadInput
        When the sizes are not 0 < size1 <= size2, or there is no such tree yet (code ``bad-range``).
    Untrusted
        When rows of the ledger are missing (code ``ledger-gap``).
    """
    _check_size(db, size2)
    return paths.consistency(size1, size2, lambda level, position: _subtree(db, level, position))


def _check_size(db: Connection, size: int) -> None:
    last = (db.row("SELECT MAX(position) FROM leaf") or (None,))[0]
    if last is None or size > last + 1:
        raise BadInput("the ledger has no tree of that size yet", where=f"size {size}", code="bad-range")


def _subtree(db: Connection, level: int, position: int) -> bytes:
    """Hash of a complete subtree, from at most 128 rows of the stored level below it."""
    base = level - level % STORED_LEVELS
    first, count = position << (level - base), 1 << (level - base)
    between = (first, first + count - 1)
    if base:
        sql = "SELECT hash FROM node WHERE level = ? AND position BETWEEN ? AND ? ORDER BY position"
        hashes: list[bytes] = [one for (one,) in db.rows(sql, (base, *between))]
    else:
        sql = "SELECT entry FROM leaf WHERE position BETWEEN ? AND ? ORDER BY position"
        hashes = [leaf_hash(entry) for (entry,) in db.rows(sql, between)]
    if len(hashes) != count:
        raise Untrusted("rows of the ledger are missing", fix="Run: suwen records verify", code="ledger-gap")
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
