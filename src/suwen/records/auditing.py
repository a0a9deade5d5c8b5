"""``suwen records audit``: who did what, as FHIR AuditEvents made from the ledger's own entries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from suwen.records.ledger.audit_event import audit_event
from suwen.records.ledger.events import Event, decode

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.connection import Connection

PAGE = 2000
"""Entries read at a time."""


def audit_events(
    record: Record, *, actor: str, patient: str | None = None, since_us: int = 0
) -> Iterator[dict[str, Any]]:
    """AuditEvents in the order of the log. Looking at them is itself an entry of the ledger.

    Parameters
    ----------
    record
        Whose ledger.
    actor
        Who looks.
    patient
        Id of the patient whose record was touched; an erased one is known by pseudonym only.
    since_us
        Microseconds since 1970, UTC: nothing before.
    """
    ref = 0 if patient is None else record.ref("Patient", patient)
    with record.database.reading() as db:
        # What is told was told to somebody: into the log first.
        record.logged([Event("view", record.now(), actor, ref=ref, note="audit")])
        wanted = None if patient is None else _refs(record, db, ref)

        @lru_cache(maxsize=1 << 14)
        def resolve(one: int) -> str | None:
            row = db.row("SELECT type, id FROM resource WHERE ref = ?", (one,))
            return None if row is None else f"{row[0]}/{row[1]}"

        for position, event in _entries(db):
            if event.at_us < since_us or (wanted is not None and not _about(event, wanted)):
                continue
            yield audit_event(event, position=position, origin=record.origin, resolve=resolve)


def _entries(db: Connection) -> Iterator[tuple[int, Event]]:
    after = -1
    sql = f"SELECT position, entry FROM leaf WHERE position > ? ORDER BY position LIMIT {PAGE}"  # noqa: S608  (values are bound)
    while rows := db.rows(sql, (after,)):
        for position, entry in rows:
            yield int(position), decode(bytes(entry))
        after = rows[-1][0]


def _refs(record: Record, db: Connection, patient_ref: int) -> frozenset[int]:
    """Pseudonyms of the patient and of everything under the patient's key."""
    owner = record.vault.owner(db, patient_ref)
    rows = [] if owner is None else db.rows("SELECT ref FROM resource WHERE owner = ?", (owner,))
    return frozenset({patient_ref, *(row[0] for row in rows)})


def _about(event: Event, refs: frozenset[int]) -> bool:
    return event.ref in refs or any(one in refs for one in event.subjects)
