"""Verify a whole record offline: log, tree heads, stored subtrees, versions; with public keys only.

One pass over the leaves. Where a stretch of the log is not what was signed, the next head that is itself in
order gives the frontier to go on from, so that a second alteration is found as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
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
HEADS = 512
"""Heads whose signatures are checked at a time."""


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
            for (text,) in db.rows("PRAGMA integrity_check(10)"):
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
        rows = pages(self.db, sql, HEADS)
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as pool:  # while a signature is checked, other threads run
            while batch := list(islice(rows, HEADS)):
                shares = [[note for _, note, _ in batch[at::cores]] for at in range(cores)]
                believed = list(pool.map(self._believed, shares))
                for at, (size, _, stored) in enumerate(batch):
                    self._under(size, self._head(size, believed[at % cores][at // cores]), stored)
                    self.size = size
        outside = "SELECT MIN(position), COUNT(*) FROM leaf WHERE position < 0 OR position >= ?"
        first, count = self.db.row(outside, (self.size,)) or (None, 0)
        if count:
            self.findings.add(f"leaf {first}: {count} entries from here on are under no tree head")
        if self.earlier and self.earlier.size > self.size:
            self.findings.add(
                f"checkpoint: the log has {self.size} entries, the earlier tree head {self.earlier.size}"
            )
        elif self.earlier:
            self.findings.add("checkpoint: the log is too damaged where the earlier tree head ends")
        expected = sum(self.size >> level for level in range(STORED_LEVELS, 64, STORED_LEVELS))
        if self.db.row("SELECT COUNT(*) FROM node") != (expected,):
            self.findings.add(f"node: not the {expected} rows that belong to {self.size} entries")

    def _believed(self, notes: Iterable[Any]) -> list[heads.Checkpoint | Untrusted]:
        """What heads say, or why they cannot be believed."""
        found: list[heads.Checkpoint | Untrusted] = []
        for note in notes:
            try:
                found.append(heads.verify(str(note), self.keys))
            except Untrusted as error:
                found.append(error)
        return found

    def _head(self, size: int, checkpoint: heads.Checkpoint | Untrusted) -> heads.Checkpoint | None:
        """Check that a head belongs where it stands; what it says, if it can be believed."""
        if isinstance(checkpoint, Untrusted):
            self.findings.add(f"head {size}: {checkpoint.what}")
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
        middle = self.earlier.size if self.earlier and self.size < self.earlier.size < size else self.size
        self._take(self.size, middle, nodes)
        self._take(middle, size, nodes)
        if self.frontier and checkpoint and self.frontier.root() != checkpoint.root:
            self.findings.add(
                f"leaf {self.size} to {size - 1}: not the entries that head {size} was signed for"
            )
            self.frontier = None
        if self.frontier:
            self._nodes(nodes)
            if self.frontier.to_bytes() != stored:
                self.findings.add(f"head {size}: its frontier is not that of the entries")
        else:
            self.frontier = _trusted(size, stored, checkpoint)
            self._compare()

    def _take(self, start: int, end: int, nodes: list[Node]) -> None:
        """Read the leaves of a range, hash them onto the frontier, hand their events on."""
        sql = (
            "SELECT position, entry FROM leaf WHERE position >= ? AND position < ? ORDER BY position LIMIT ?"
        )
        while start < end:
            rows = self.db.rows(sql, (start, end, CHUNK))
            wanted = min(end - start, CHUNK)
            if self.frontier and len(rows) != wanted:
                gap = next((at for at, row in enumerate(rows, start) if row[0] != at), start + len(rows))
                self.findings.add(f"leaf {gap}: missing")
                self.frontier = None
            if self.frontier:
                hashes = [leaf_hash(entry if type(entry) is bytes else b"") for _, entry in rows]
                self.frontier = self.frontier.extend(hashes, nodes)
            for position, entry in rows:
                try:
                    event = decode(entry)
                except Untrusted:
                    self.findings.add(f"leaf {position}: not an event")
                else:
                    self.versions.see(position, event)
            start = rows[-1][0] + 1 if len(rows) == CHUNK else end
        self._compare()

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
