"""After an erasure: nothing of what was deleted may be left in a log or in the free space of a page.

SQLite overwrites deleted rows (``secure_delete``). But when it moves rows from a full page to another, their
bytes stay in the free space of the first, and deleting them later does not reach these copies. A resource's
id is the only text there in clear. So the file is searched for the ids, and rewritten if it has one of them.
PostgreSQL keeps deleted rows until a table is rewritten: that of the keys and that of the ids always are.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.records.store.failures import Unavailable, explained

if TYPE_CHECKING:
    from suwen.records.store.database import Database

_PATIENCE_MS = 500
"""How long to wait for readers to finish."""
_IN_MEMORY = 256 << 20
"""Databases up to this size are rewritten by way of memory, larger ones by way of a temporary file."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What could be done.

    Attributes
    ----------
    log_emptied
        Whether SQLite's write-ahead log is empty; it cannot be while others read, and is when the last of them
        closes. None for PostgreSQL, whose server keeps its log by its own rules.
    compacted
        Whether tables were rewritten.
    """

    log_emptied: bool | None
    compacted: bool


def scrub(database: Database, names: Iterable[tuple[str, str]], *, compact: bool) -> Scrubbed:
    """Leave nothing behind of deleted rows, as far as the database lets us; what was erased stays erased.

    Parameters
    ----------
    database
        After the commit.
    names
        Type and id of the resources that were deleted.
    compact
        Whether to rewrite tables in any case: numbers and dates in free space then go as well.
    """
    if database.postgres:
        tables = ("data_key", "resource", *(("term", "span", "link") if compact else ()))
        return Scrubbed(None, _rewritten(database, [f"VACUUM (FULL) {table}" for table in tables]))
    emptied = _empty_log(database)
    if not compact and not (emptied and remnants(database.path, names)):
        return Scrubbed(emptied, compacted=False)
    by_way_of = "MEMORY" if database.path.stat().st_size < _IN_MEMORY else "FILE"
    compacted = _rewritten(database, [f"PRAGMA temp_store = {by_way_of}", "VACUUM"])
    return Scrubbed(_empty_log(database), compacted)


def remnants(path: Path, names: Iterable[tuple[str, str]]) -> bool:
    """Whether a database file still has the type and id of one of these resources, which lie side by side.

    Notes
    -----
    Linear in the size of the file: some three seconds for a gigabyte that is in memory.
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
    with explained(), closing(database.connect()) as raw:
        raw.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _rewritten(database: Database, statements: Iterable[str]) -> bool:
    try:
        with explained(), closing(database.connect()) as raw:
            for statement in statements:
                raw.execute(statement)
    except Unavailable:  # locked, or no space for a second copy: the receipt says that it was not done
        return False
    return True
