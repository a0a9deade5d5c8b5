"""Verify a whole record offline: log, tree heads, stored subtrees, versions; with public keys only.

One pass over the leaves. Where a stretch of the log is not what was signed, the next head that is itself in
order gives the frontier to go on from, so that a second alteration is found as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suwen.core.errors import Untrusted
from suwen.records.ledger import checkpoint as heads
from suwen.records.ledger.events import decode
from suwen.records.ledger.findings import Findings, pages
from suwen.records.ledger.merkle import STORED_LEVELS, Frontier, Node, leaf_hash
from suwen.records.ledger.versions import Versions, check_resources

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from suwen.records.store.connection import Connection

CHUNK = 2048
"""Leaves hashed at a time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verification.

    Parameters
    ----------
    ok
        Whether nothing was found.
    tree_size
        Leaves under the last tree head.
    problems
        What was found: table, row and reason, no content.
    """

    ok: bool
    tree_size: int
    problems: tuple[str, ...]


def verify_store(
    db: Connection,
    public_keys: Sequence[Ed25519PublicKey],
    *,
    against: str | None = None,
    pseudonym: Callable[[str], int] | None = None,
) -> Verdict:
    """Check everything the ledger can prove of a store.

    Parameters
    ----------
    db
        A connection in one transaction, so that all tables are seen at one moment. Nothing is written.
    public_keys
        Keys whose tree heads are believed.
    against
        Text of a tree head kept elsewhere: the log must continue it. Without one, a log that was cut back or
        rewritten as a whole by a holder of the signing key cannot be told from an honest one.
    pseudonym
        The store's keyed hash of ``Type/id`` (`Blind.ref`), where its secret is at hand: then types and ids
        are checked too.

    Returns
    -------
    Verdict
        Never raises for what is stored, however damaged.
    """
    findings = Findings()
    if not db.postgres:
        with findings.reading("database"):
            for (text,) in db.rows("PRAGMA quick_check(10)"):
                if text != "ok":
                    findings.add(f"database: {str(text)[:200]}")
    log = _Log(db, public_keys, findings)
    with findings.reading("checkpoint"):
        log.expect(against)
    with findings.reading("leaf"):
        log.walk()
    with findings.reading("version"):
        log.versions.finish()
    with findings.reading("resource"):
        check_resources(db, findings, pseudonym)
    problems = findings.all()
    return Verdict(not problems, log.size, problems)


class _Log:
    """The pass over heads and leaves."""

    def __init__(self, db: Connection, keys: Sequence[Ed25519PublicKey], findings: Findings) -> None:
        self.db, self.keys, self.findings = db, keys, findings
        self.versions = Versions(db, findings)
        self.size = 0
        self.frontier: Frontier | None = Frontier()  # none after a gap, until a head gives the next one
        self.origin: str | None = None
        self.earlier: heads.Checkpoint | None = None  # the one given, until it has been compared
        self._leaves = _Peekable(
            pages(db, "SELECT position, entry FROM leaf WHERE position > ? ORDER BY position", CHUNK)
        )

    def expect(self, note: str | None) -> None:
        """Take the earlier tree head the log must continue."""
        if note is None:
            return
        try:
            self.earlier = heads.verify(note, self.keys)
        except Untrusted as error:
            self.findings.add(f"checkpoint: the earlier tree head cannot be used: {error.what}")
            return
        self.origin = self.earlier.origin
        self._compare()

    def walk(self) -> None:
        """Go through all heads and the leaves under each."""
        sql = "SELECT size, checkpoint, frontier FROM head WHERE size > ? ORDER BY size"
        for size, note, stored in pages(self.db, sql, 512):
            checkpoint = self._head(size, note)
            self._under(size, checkpoint, stored)
            self.size = size
        left = self._leaves.peek()
        if left is not None:
            self.findings.add(f"leaf {left[0]}: from here on, under no tree head")
            self._take(None, [])
        if self.earlier and self.earlier.size > self.size:
            self.findings.add(
                f"checkpoint: the log has {self.size} entries, the earlier tree head {self.earlier.size}"
            )
        elif self.earlier:
            self.findings.add("checkpoint: the log is too damaged where the earlier tree head ends")
        expected = sum(self.size >> level for level in range(STORED_LEVELS, 64, STORED_LEVELS))
        found = self.db.row("SELECT COUNT(*) FROM node")
        if found != (expected,):
            self.findings.add(
                f"node: {expected} rows belong to a log of {self.size} entries, others are there"
            )

    def _head(self, size: int, note: Any) -> heads.Checkpoint | None:
        """Check a head by itself and with the one before it; what it says, if it can be believed."""
        try:
            checkpoint = heads.verify(str(note), self.keys)
        except Untrusted as error:
            self.findings.add(f"head {size}: {error.what}")
            return None
        self.origin = self.origin or checkpoint.origin
        if checkpoint.size != size or checkpoint.origin != self.origin:
            self.findings.add(f"head {size}: was signed for another size or another log")
            return None
        if checkpoint.previous != self.size:
            self.findings.add(f"head {checkpoint.previous}: missing before head {size}, or one too many")
        return checkpoint

    def _under(self, size: int, checkpoint: heads.Checkpoint | None, stored: Any) -> None:
        """Check the leaves since the last head against this one."""
        nodes: list[Node] = []
        self._take(size, nodes)
        root = self.frontier.root() if self.frontier else None
        if self.frontier and self.frontier.size < size:
            self.findings.add(f"leaf {self.frontier.size}: missing under head {size}, and what follows")
        elif checkpoint and root is not None and root != checkpoint.root:
            self.findings.add(
                f"leaf {self.size} to {size - 1}: not the entries that head {size} was signed for"
            )
        elif self.frontier:
            self._nodes(nodes)
            if self.frontier.to_bytes() != stored:
                self.findings.add(f"head {size}: its frontier is not that of the entries")
            return
        self.frontier = _trusted(size, stored, checkpoint)
        self._compare()

    def _take(self, size: int | None, nodes: list[Node]) -> None:
        """Read leaves below a size, or all that are left; hash them onto the frontier."""
        hashes: list[bytes] = []
        expected = self.frontier.size if self.frontier else self.size
        earlier = self.earlier.size if self.earlier else -1
        while (row := self._leaves.peek()) is not None and (size is None or row[0] < size):
            position, entry = row
            self._leaves.skip()
            if position != expected:
                if position > expected and self.frontier is not None:
                    self.findings.add(f"leaf {expected}: missing, the next one is {position}")
                elif position < expected:
                    self.findings.add(f"leaf {position}: out of place")
                self.frontier, hashes, expected = None, [], position
            expected += 1
            self._event(position, entry)
            hashes.append(leaf_hash(entry if type(entry) is bytes else b""))
            if self.frontier and (len(hashes) == CHUNK or expected == earlier):
                self.frontier, hashes = self.frontier.extend(hashes, nodes), []
                self._compare()
        if self.frontier:
            self.frontier = self.frontier.extend(hashes, nodes)

    def _event(self, position: int, entry: Any) -> None:
        try:
            event = decode(entry)
        except Untrusted:
            self.findings.add(f"leaf {position}: not an event")
            return
        self.versions.see(position, event)

    def _compare(self) -> None:
        """Hold the tree against the earlier head, once it has that size."""
        if self.earlier and self.frontier and self.frontier.size == self.earlier.size:
            if self.frontier.root() != self.earlier.root:
                self.findings.add("checkpoint: the log does not continue the earlier tree head")
            self.earlier = None

    def _nodes(self, nodes: list[Node]) -> None:
        for level, position, node in nodes:
            found = self.db.row("SELECT hash FROM node WHERE level = ? AND position = ?", (level, position))
            if found != (node,):
                self.findings.add(f"node {level}/{position}: missing or not the root of its subtree")


def _trusted(size: int, stored: Any, checkpoint: heads.Checkpoint | None) -> Frontier | None:
    """The frontier kept with a head, if the head vouches for it."""
    try:
        frontier = Frontier.from_bytes(size, bytes(stored))
    except (Untrusted, TypeError):
        return None
    return frontier if checkpoint and frontier.root() == checkpoint.root else None


class _Peekable:
    """Rows one can look at before taking them."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next: tuple[Any, ...] | None = None
        self._started = False

    def peek(self) -> tuple[Any, ...] | None:
        """The next row, left where it is."""
        if not self._started:
            self.skip()
        return self._next

    def skip(self) -> None:
        """Go past the next row."""
        self._started = True
        self._next = next(self._rows, None)
