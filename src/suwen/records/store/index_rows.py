"""The rows of resources in ``term``, ``span`` and ``link``: put in, taken out."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.records.fhir.index import Entries
from suwen.records.store.connection import Connection


def take_out(db: Connection, rid: int, old: Entries) -> None:
    """Remove a resource's rows from the indexes."""
    db.run_many("DELETE FROM term WHERE key = ? AND rid = ?", [(key, rid) for key in old.terms])
    db.run_many(
        "DELETE FROM link WHERE key = ? AND target = ? AND rid = ?",
        [(key, target, rid) for key, target in old.links],
    )
    if old.spans:
        db.run("DELETE FROM span WHERE rid = ?", (rid,))


def put_in(db: Connection, rows: Mapping[int, Entries]) -> None:
    """Add rows to the indexes for resources by ``rid``, in the order of the trees they go into."""
    terms = sorted((key, rid) for rid, entries in rows.items() for key in entries.terms)
    spans = [(rid, *span) for rid, entries in rows.items() for span in entries.spans]
    links = sorted((key, target, rid) for rid, entries in rows.items() for key, target in entries.links)
    if terms:
        db.run_many("INSERT INTO term (key, rid) VALUES (?, ?)", terms)
    if spans:
        db.run_many("INSERT INTO span (rid, key, unit, lo, hi) VALUES (?, ?, ?, ?, ?)", spans)
    if links:
        db.run_many("INSERT INTO link (key, target, rid) VALUES (?, ?, ?)", links)
