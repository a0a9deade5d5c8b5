"""Hold the stored versions and resources against what the log says was written."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from suwen.records.ledger.findings import Findings, pages

if TYPE_CHECKING:
    from suwen.records.ledger.events import Event
    from suwen.records.store.connection import Connection

PAGE = 128
"""Versions read at a time: they carry their bodies."""

_VERSIONS = """
SELECT v.seq, v.version, v.updated, v.body, v.method, v.owner, k.owner, r.ref
FROM version v LEFT JOIN data_key k ON k.owner = v.owner LEFT JOIN resource r ON r.rid = v.rid
WHERE v.seq > ? ORDER BY v.seq"""

_NOT_CURRENT = """
SELECT r.rid FROM resource r LEFT JOIN version v ON v.seq = r.seq
WHERE v.seq IS NULL OR v.rid <> r.rid OR v.version <> r.version OR v.updated <> r.updated
OR v.owner <> r.owner OR CASE WHEN v.body IS NULL THEN 1 ELSE 0 END <> r.deleted
OR EXISTS (SELECT 1 FROM version w WHERE w.rid = r.rid AND w.version > r.version)
ORDER BY r.rid LIMIT 1000"""

_LOST = """
SELECT DISTINCT v.rid FROM version v LEFT JOIN resource r ON r.rid = v.rid WHERE r.rid IS NULL
AND NOT EXISTS (SELECT 1 FROM version w LEFT JOIN data_key k ON k.owner = w.owner
                WHERE w.rid = v.rid AND k.owner IS NULL)
ORDER BY v.rid LIMIT 1000"""


class Versions:
    """Two streams side by side: writes as the log has them, rows of ``version`` as they are stored."""

    def __init__(self, db: Connection, findings: Findings) -> None:
        self._db, self._findings = db, findings
        self._rows = pages(db, _VERSIONS, PAGE)
        self._row: tuple[Any, ...] | None = None
        self._started = False
        self._last = 0
        self._erased: set[int] = set()
        self._keyless: set[int] = set()

    def see(self, position: int, event: Event) -> None:
        """Take the next event of the log."""
        seq = event.wrote
        if event.action == "erase" and event.outcome == "ok":
            self._erased.add(event.seq)
        if not seq:
            return
        if seq <= self._last:
            self._findings.add(f"leaf {position}: write {seq} comes twice or out of order")
            return
        self._last = seq
        row = self._upto(seq)
        if row is None or row[0] != seq:
            self._findings.add(f"version {seq}: missing, leaf {position} says it was written")
            return
        self._advance()
        wrong = _difference(row, event)
        if wrong:
            self._findings.add(f"version {seq}: {wrong} not as leaf {position} has it")

    def finish(self) -> None:
        """Look at the rows no event spoke of, and at data keys that are gone."""
        self._upto(None)
        for owner in sorted(self._keyless - self._erased):
            self._findings.add(f"data_key {owner}: missing, and no erasure in the log")
        for owner in sorted(self._erased):
            if self._db.row("SELECT owner FROM data_key WHERE owner = ?", (owner,)):
                self._findings.add(f"data_key {owner}: there, though the log says it was destroyed")

    def _upto(self, seq: int | None) -> tuple[Any, ...] | None:
        """Pass the rows before a write: they have no event."""
        if not self._started:
            self._advance()
        while self._row is not None and (seq is None or self._row[0] < seq):
            self._findings.add(f"version {self._row[0]}: no entry in the log")
            self._advance()
        return self._row

    def _advance(self) -> None:
        self._started = True
        self._row = next(self._rows, None)
        if self._row is not None and self._row[6] is None:
            self._keyless.add(self._row[5])


def _difference(row: tuple[Any, ...], event: Event) -> str:
    """What of a version is not what its event says; empty when all is."""
    _, version, updated, body, method, _, _, ref = row
    if body is None:
        if event.digest or method != "DELETE":
            return "the body is gone,"
    elif not event.digest or type(body) is not bytes or sha256(body).digest() != event.digest:
        return "the body is"
    if version != event.version or updated != event.at_us:
        return "its number or time is"
    if ref is not None and ref != event.ref:
        return "its resource is"
    return ""


def check_resources(db: Connection, findings: Findings, pseudonym: Callable[[str], int] | None) -> None:
    """Check that every resource points at its last version, and that none is missing but erased patients'.

    Parameters
    ----------
    db
        Where to read.
    findings
        Where problems go.
    pseudonym
        The store's keyed hash of ``Type/id``, if its secret is at hand.
    """
    for (rid,) in db.rows(_NOT_CURRENT):
        findings.add(f"resource {rid}: not at its last version")
    for (rid,) in db.rows(_LOST):
        findings.add(f"resource {rid}: missing, its versions are there and nobody erased them")
    if pseudonym is None:
        return
    for rid, kind, ident, ref in pages(
        db, "SELECT rid, type, id, ref FROM resource WHERE rid > ? ORDER BY rid", 4096
    ):
        if pseudonym(f"{kind}/{ident}") != ref:
            findings.add(f"resource {rid}: its type or id is not the one it was written with")
