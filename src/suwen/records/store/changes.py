"""Write resources: rows, index entries and ledger events of one transaction, a statement per table."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suwen.records.fhir.body import binding
from suwen.records.fhir.index import Entries, pack, unpack
from suwen.records.ledger.events import Event
from suwen.records.store.index_rows import put_in, take_out

if TYPE_CHECKING:
    from suwen.records.keys.blind import Blind
    from suwen.records.keys.vault import Vault
    from suwen.records.store.writer import Transaction

ACTIONS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
Check = Callable[["Current | None"], None]


@dataclass(frozen=True, slots=True)
class Current:
    """The row of a resource as it is now."""

    rid: int
    seq: int
    version: int
    updated: int
    owner: int
    deleted: bool
    entries: bytes


@dataclass(slots=True)
class Change:
    """One resource to write.

    Attributes
    ----------
    method
        POST for a resource that is new for certain, PUT, PATCH or DELETE.
    kind, ident
        Type and id.
    body
        What :func:`suwen.records.fhir.body.strip` gives; ``None`` to delete.
    entries
        Its rows in the indexes; ``None`` to delete.
    check
        Looks at the row there is before anything is written, and raises to refuse.
    """

    method: str
    kind: str
    ident: str
    body: bytes | None = None
    entries: Entries | None = None
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as it was written or found."""

    kind: str
    ident: str
    version: int
    updated: int
    body: bytes | None
    created: bool = False
    method: str = "PUT"


@dataclass(slots=True)
class _Rows:
    """What goes into each table."""

    new: list[tuple[Any, ...]] = field(default_factory=list)
    changed: list[tuple[Any, ...]] = field(default_factory=list)
    version: list[tuple[Any, ...]] = field(default_factory=list)
    entries: dict[int, Entries] = field(default_factory=dict)


_NOTHING = pack(Entries(terms=[], spans=[], links=[], present=0, patient=None))


class Changes:
    """Applies changes with the keys of one store."""

    def __init__(self, blind: Blind, vault: Vault) -> None:
        self.blind, self.vault = blind, vault

    def apply(
        self, tx: Transaction, changes: Sequence[Change], *, actor: str, event: str = ""
    ) -> list[Stored]:
        """Write all of them, or raise and write none.

        Parameters
        ----------
        tx
            The writer's transaction.
        changes
            At most one for each resource.
        actor
            Who is answerable, for the ledger.
        event
            Ledger action instead of create, update, patch or delete: a prediction, say.
        """
        rows, stored = _Rows(), []
        for change in changes:
            ref = self.blind.ref(f"{change.kind}/{change.ident}")
            current = None if change.method == "POST" else self.current(tx, ref)
            if change.check:
                change.check(current)
            stored.append(self._one(tx, rows, change, ref, current, actor, event))
        self._write(tx, rows)
        return stored

    def current(self, tx: Transaction, ref: int) -> Current | None:
        """The row of a resource, by its pseudonym."""
        row = tx.db.row(
            "SELECT rid, seq, version, updated, owner, deleted, entries FROM resource WHERE ref = ?", (ref,)
        )
        if row is None:
            return None
        return Current(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6])

    def _one(
        self,
        tx: Transaction,
        rows: _Rows,
        change: Change,
        ref: int,
        current: Current | None,
        actor: str,
        event: str,
    ) -> Stored:
        seq = tx.next_seq()
        rid = current.rid if current else seq
        version = current.version + 1 if current else 1
        entries = change.entries
        owner = self._owner(tx, entries) if entries else (current.owner if current else 1)
        blob = None
        if change.body is not None:
            cipher = self.vault.cipher(tx.db, owner)
            blob = cipher.seal(change.body, binding(change.kind, change.ident, version))
        rows.version.append((seq, rid, version, tx.now, change.method, owner, blob))
        if entries:
            rows.entries[rid] = entries
        packed, present = (pack(entries), entries.present) if entries else (_NOTHING, 0)
        if current:
            take_out(tx.db, current.rid, unpack(current.entries))
            gone = int(change.body is None)
            rows.changed.append((seq, version, tx.now, owner, gone, present, packed, rid))
        else:
            rows.new.append(
                (rid, ref, change.kind, change.ident, seq, version, tx.now, owner, 0, present, packed)
            )
        tx.events.append(
            Event(
                action=event or ("create" if current is None else ACTIONS[change.method]),
                at_us=tx.now,
                actor=actor,
                ref=ref,
                seq=seq,
                version=version,
                digest=hashlib.sha256(blob).digest() if blob is not None else b"",
            )
        )
        created = current is None or current.deleted
        return Stored(change.kind, change.ident, version, tx.now, change.body, created, change.method)

    def _owner(self, tx: Transaction, entries: Entries) -> int:
        """The data key of the patient a resource belongs to, made when it is the first."""
        if entries.patient is None:
            return self.vault.shared(tx.db)
        patient = self.blind.ref(entries.patient)
        found = self.vault.owner(tx.db, patient)
        if found is not None:
            return found
        # Random, so that a number is never used again after a transaction that was undone.
        owner = secrets.randbits(62) | 1 << 61
        self.vault.create(tx.db, patient, owner, tx.now)
        tx.events.append(Event(action="key-create", at_us=tx.now, actor="system", ref=patient, seq=owner))
        return owner

    @staticmethod
    def _write(tx: Transaction, rows: _Rows) -> None:
        db = tx.db
        if rows.new:
            db.run_many(
                "INSERT INTO resource (rid, ref, type, id, seq, version, updated, owner, deleted, present, "
                "entries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows.new,
            )
        if rows.changed:
            db.run_many(
                "UPDATE resource SET seq = ?, version = ?, updated = ?, owner = ?, deleted = ?, present = ?, "
                "entries = ? WHERE rid = ?",
                rows.changed,
            )
        db.run_many(
            "INSERT INTO version (seq, rid, version, updated, method, owner, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows.version,
        )
        put_in(db, rows.entries)
