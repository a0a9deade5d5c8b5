"""Open a record's database, SQLite or PostgreSQL, and hand out transactions."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from suwen.core.errors import BadInput, MissingExtra
from suwen.records.store.connection import Connection
from suwen.records.store.failures import Unavailable, explained

LOCK = 0x7375_7765
"""Advisory lock that PostgreSQL's writers queue for: the log has one end."""
BUSY_MS = 10_000
"""How long a statement waits for another process before it gives up."""


class Database:
    """Connections to one database; readers never wait for the writer.

    Parameters
    ----------
    url
        ``sqlite:///PATH`` or ``postgresql+psycopg://...``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.postgres = url.startswith("postgresql")
        if not self.postgres and not url.startswith("sqlite:///"):
            raise BadInput(
                "this is no database the record can live in",
                fix="Give --store FOLDER, or --db postgresql+psycopg://USER@HOST/NAME",
                code="unknown-database",
            )
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        self._writer: Any = None
        self._durable = True  # as connections start

    @classmethod
    def at(cls, folder: Path) -> Database:
        """The SQLite database of a store's folder."""
        return cls(f"sqlite:///{folder / 'record.db'}")

    def connect(self, *, cache_kib: int = 8192) -> Any:
        """A new connection of the driver, in autocommit; SQLite keeps so much of the file in its own memory."""
        with explained():
            return _psycopg(self.url) if self.postgres else _sqlite(self.path, cache_kib)

    @property
    def path(self) -> Path:
        """File of the SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of what is committed."""
        try:
            raw = self._idle.get_nowait()
        except queue.Empty:
            raw = self.connect()
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if self.postgres else "BEGIN"
        try:
            with explained():
                raw.execute(begin)
                yield Connection(raw, postgres=self.postgres)
        except BaseException:
            _forget(raw)
            raise
        raw.execute("COMMIT")
        self._idle.put(raw)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """The one write transaction at a time; leaving it commits, an error rolls it back.

        Parameters
        ----------
        durable
            Whether leaving waits until the disk has it. Without, it survives a killed process and not a
            power cut: enough for the log of reads, whose next durable commit carries them along.
        """
        if self._writer is None:
            self._writer = self.connect(cache_kib=65_536)
            self._durable = True
        raw = self._writer
        try:
            with explained():
                if self.postgres:
                    raw.execute("BEGIN")
                    raw.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                    if not durable:
                        raw.execute("SET LOCAL synchronous_commit = off")
                else:
                    if durable != self._durable:
                        raw.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                        self._durable = durable
                    raw.execute("BEGIN IMMEDIATE")
                yield Connection(raw, postgres=self.postgres)
                raw.execute("COMMIT")
        except BaseException:
            with suppress(Exception):
                raw.execute("ROLLBACK")
            if self.postgres:
                self._writer = None
                _forget(raw)
            raise

    def scrub(self) -> None:
        """Leave no deleted row behind in the write-ahead log or in dead tuples, as far as readers let it."""
        raw = self.connect()
        try:
            with explained():
                raw.execute("VACUUM data_key" if self.postgres else "PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            _forget(raw)

    def close(self) -> None:
        """Close every connection that is not in use."""
        if self._writer is not None:
            _forget(self._writer)
            self._writer = None
        with suppress(queue.Empty):
            while True:
                _forget(self._idle.get_nowait())


def _sqlite(path: Path, cache_kib: int) -> sqlite3.Connection:
    raw = sqlite3.connect(
        path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    # secure_delete overwrites what is deleted: an erased key must not survive in a free page.
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        f"cache_size = -{cache_kib}",
    ):
        raw.execute(f"PRAGMA {pragma}").fetchall()
    # A checkpoint copies each page once, however often it was written since: rare ones write less.
    raw.execute("PRAGMA wal_autocheckpoint = 16384").fetchall()
    raw.execute("PRAGMA temp_store = MEMORY")
    raw.execute("PRAGMA mmap_size = 268435456")
    return raw


def _psycopg(url: str) -> Any:
    try:
        import psycopg
    except ImportError:
        raise MissingExtra("psycopg", "postgres", "a record in PostgreSQL") from None
    try:
        return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True)
    except (psycopg.OperationalError, psycopg.ProgrammingError):  # its text holds the address and user
        raise Unavailable(
            "the database server cannot be reached", fix="Check --db and that the server runs"
        ) from None


def _forget(raw: Any) -> None:
    with suppress(Exception):
        raw.close()
