"""What a database says when it cannot, in the house's words; the driver's own text may quote values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from suwen.core.errors import Conflict, SuwenError, Untrusted


class Unavailable(Conflict):
    """The store cannot take this now; nothing acknowledged is lost."""

    code = "store-unavailable"
    http_status = 503


class StorageFull(Unavailable):
    """No space is left for the record."""

    code = "storage-full"
    http_status = 507


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the drivers raise into :class:`~suwen.core.errors.SuwenError`.

    Raises
    ------
    StorageFull
        The disk is full.
    Unavailable
        The database is locked, read-only, or does not answer.
    Untrusted
        The file is no database, or is damaged (code ``damaged-store``).
    """
    try:
        yield
    except SuwenError:
        raise
    except sqlite3.DatabaseError as error:
        raise _sqlite(error) from None
    except Exception as error:
        found = _postgres(error)
        if found is None:
            raise
        raise found from None


def _sqlite(error: sqlite3.DatabaseError) -> SuwenError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL") or name == "SQLITE_IOERR_WRITE":
        return StorageFull("there is no space left for the record", fix="Free some space and send it again")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Unavailable(
            "another program holds the record's database locked",
            fix="Wait until it is done, or stop it, and send this again",
            code="store-locked",
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return Untrusted(
            "the record's database is damaged",
            fix="Run `suwen records verify`, and restore a copy that verifies",
            code="damaged-store",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")):
        return Unavailable(
            "the record's database cannot be opened for writing",
            fix="Check the folder, its owner and the disk",
        )
    return Unavailable(
        f"the database refused a statement ({name or type(error).__name__})",
        fix="Run `suwen records verify`; if it says ok, report this",
        code="store-failed",
    )


def _postgres(error: Exception) -> SuwenError | None:
    """The same for psycopg, which need not be installed."""
    if type(error).__module__.partition(".")[0] != "psycopg":
        return None
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith("53"):
        return StorageFull("the database server has no space or connections left", fix="Free some, and retry")
    if state.startswith("40") or state == "55P03":
        return Unavailable(
            "the database server is busy with another writer", fix="Send this again", code="store-locked"
        )
    return Unavailable(
        f"the database server does not answer as it should (SQLSTATE {state or 'none'})",
        fix="Check --db and that the server runs",
    )
