"""Index a store again whose indexes were laid out by another version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.records.fhir.index import Entries, pack, unpack
from suwen.records.store.connection import Connection
from suwen.records.store.index_rows import put_in, take_out
from suwen.records.store.reading import CHUNK

if TYPE_CHECKING:
    from suwen.records.fhir.index import Indexer
    from suwen.records.store.reading import Reading

LAYOUT = "index-layout"
"""Row of ``setting`` with the fingerprint of what the indexes hold."""


def bring_up_to_date(db: Connection, indexer: Indexer, reading: Reading) -> int:
    """Write the index rows of every resource anew where the layout has changed.

    Search parameters share slots, and ``resource.present`` counts them: rows of another layout would be found
    by the wrong parameter, or not at all.

    Parameters
    ----------
    db
        A transaction that may write; readers see the old indexes until it is committed.
    indexer, reading
        Of the store.

    Returns
    -------
    int
        Resources that were indexed again.
    """
    row = db.row("SELECT value FROM setting WHERE name = ?", (LAYOUT,))
    if row is not None and bytes(row[0]).decode() == indexer.layout:
        return 0
    done, last = 0, -1
    while rows := db.rows(
        "SELECT rid, entries FROM resource WHERE rid > ? AND deleted = 0 ORDER BY rid LIMIT ?", (last, CHUNK)
    ):
        resources = reading.parsed(db, [rid for rid, _ in rows])
        for rid, packed in rows:
            _index(db, rid, unpack(bytes(packed)), indexer.entries(resources[rid]))
        done, last = done + len(rows), rows[-1][0]
    db.run("DELETE FROM setting WHERE name = ?", (LAYOUT,))
    db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (LAYOUT, indexer.layout.encode()))
    return done


def _index(db: Connection, rid: int, old: Entries, new: Entries) -> None:
    take_out(db, rid, old)
    put_in(db, {rid: new})
    db.run("UPDATE resource SET present = ?, entries = ? WHERE rid = ?", (new.present, pack(new), rid))
