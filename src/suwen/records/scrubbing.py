"""After an erasure: nothing of what was deleted may be left in a log or in the free space of a page.

SQLite overwrites deleted rows (``secure_delete``). But when it moves rows from a full page to another, their
bytes stay in the free space of the first, and deleting them later does not reach these copies. A resource's
id is the only text there in clear. So the file is searched for the ids, and rewritten if it has one of them.
PostgreSQL keeps deleted rows until a table is rewritten.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.records.store.failures import explained

if TYPE_CHECKING:
    from suwen.records.store.database import Database

_PATIENCE_MS = 500
"""How long to wait for readers to finish."""
_IN_MEMORY = 256 << 20
"""Databases up to this size are rewritten by way of memory, larger ones by way of a temporary file."""
_TABLES = "resource, term, span, link"


def scrub(database: Database, names: Iterable[tuple[str, str]], *, compact: bool) -> tuple[bool, bool]:
    """Leave nothing behind of deleted rows.

    Parameters
    ----------
    database
        After the commit.
    names
        Type and id of the resources that were deleted.
    compact
        Whether to rewrite tables in any case: numbers and dates in free space then go as well.

    Returns
    -------
    bool
        Whether the write-ahead log is empty; it cannot be emptied while others read.
    bool
        Whether the tables were rewritten.
    """
    emptied = _empty_log(database)
    rewrite = compact or (not database.postgres and remnants(database.path, names))
    if rewrite:
        _rewrite(database)
        emptied = _empty_log(database)
    return emptied, rewrite


def remnants(path: Path, names: Iterable[tuple[str, str]]) -> bool:
    """Whether a database file still has the type and id of one of these resources, which lie side by side.

    Notes
    -----
    Linear in the size of the file: about half a second for a gigabyte that is in memory.
    """
    wanted: dict[bytes, set[bytes]] = {}
    for name, ident in names:
        wanted.setdefault(name.encode(), set()).add(ident.encode())
    with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data:
        for kind, idents in wanted.items():
            lengths = sorted({len(ident) for ident in idents})
            at = data.find(kind)
            while at >= 0:
                at += len(kind)
                if any(data[at : at + length] in idents for length in lengths):
                    return True
                at = data.find(kind, at)
    return False


def _empty_log(database: Database) -> bool:
    if database.postgres:
        database.scrub()
        return True
    with explained(), closing(database.connect()) as raw:
        raw.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _rewrite(database: Database) -> None:
    with explained(), closing(database.connect()) as raw:
        if database.postgres:
            for table in _TABLES.split(", "):
                raw.execute(f"VACUUM (FULL) {table}")
            return
        if database.path.stat().st_size > _IN_MEMORY:
            raw.execute("PRAGMA temp_store = FILE")
        raw.execute("VACUUM")
