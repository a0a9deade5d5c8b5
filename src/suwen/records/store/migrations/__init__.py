"""Versions of the tables: a new store walks through all of them, an old one through what it lacks."""

from __future__ import annotations

from pathlib import Path

from suwen.core.errors import Conflict
from suwen.records.store.connection import Connection
from suwen.records.store.database import Database
from suwen.records.store.migrations import fresh

HEAD = "0002"
"""Newest revision in ``versions/``."""


def upgrade(database: Database, *, to: str = HEAD) -> bool:
    """Bring a database to this version's tables.

    Parameters
    ----------
    database
        Empty, current or older.
    to
        Revision to stop at; tests make an older store with it.

    Returns
    -------
    bool
        Whether anything was done.

    Raises
    ------
    Conflict
        When a newer suwen wrote it (code ``newer-store``).
    """
    found = revision(database)
    if found == to:
        return False
    if found is not None and found > HEAD:
        raise Conflict(
            f"this record was written by a newer suwen (tables {found}, known {HEAD})",
            fix="Install that version, or restore an older copy",
            code="newer-store",
        )
    if found is None and to == HEAD:
        with database.writing() as db:
            if _revision(db) is None:  # nobody else was first
                fresh.create(db, HEAD)
        return True
    _migrate(database, to)
    return True


def _migrate(database: Database, to: str) -> None:
    """Walk through the revisions there are between."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    engine = create_engine(database.url, poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    engine.dispose()


def revision(database: Database) -> str | None:
    """Revision of the tables there are; ``None`` for an empty database."""
    with database.reading() as db:
        return _revision(db)


def _revision(db: Connection) -> str | None:
    if db.postgres:
        there = db.row("SELECT to_regclass('alembic_version')")
        if there is None or there[0] is None:
            return None
    elif db.row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'") is None:
        return None
    found = db.row("SELECT version_num FROM alembic_version")
    return None if found is None else str(found[0])
