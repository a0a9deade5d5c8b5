"""``suwen records verify``: a store, or a copy of one, opened without keys and without writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from suwen.core.errors import NotFound, Untrusted
from suwen.records.keys.signing import public_pem, signing_key
from suwen.records.store.connection import Connection
from suwen.records.store.database import Database
from suwen.records.store.failures import explained

if TYPE_CHECKING:
    from suwen.records.ledger.log import Head
    from suwen.records.ledger.verify import Verdict

PRIVATE, PUBLIC = "ledger.pem", "ledger.pub"
"""In the folder ``keys`` of a store: the key that signs tree heads, and what verifies them."""


def publish_key(folder: Path) -> Path | None:
    """Write a store's public key beside its private one, unless it is there; where it is."""
    public, private = folder / "keys" / PUBLIC, folder / "keys" / PRIVATE
    if public.exists():
        return public
    if not private.exists():
        return None
    from suwen.core.documents import write_bytes

    write_bytes(public, public_pem(signing_key(private).public_key()))
    return public


def public_keys(folder: Path | None, given: Sequence[Path] = ()) -> list[Ed25519PublicKey]:
    """Keys whose tree heads are believed: those given, else the store's own.

    Parameters
    ----------
    folder
        Of the store.
    given
        PEM files; one may hold several keys, one after the other, as after the signing key was replaced.

    Raises
    ------
    NotFound
        When there is none (code ``no-public-key``).
    Untrusted
        When a file holds something else (code ``bad-public-key``).
    """
    paths = list(given)
    if not paths and folder is not None:
        own = publish_key(folder) if _writable(folder) else folder / "keys" / PUBLIC
        paths = [own] if own is not None and own.exists() else []
    if not paths:
        raise NotFound(
            "there is no public key to verify the ledger with",
            where=None if folder is None else str(folder / "keys" / PUBLIC),
            fix="Give the store's ledger.pub with --key",
            code="no-public-key",
        )
    return [key for path in paths for key in _read_keys(path)]


def verify(
    folder: Path | None, url: str | None, *, keys: Sequence[Path] = (), against: Path | None = None
) -> Verdict:
    """Check a store against its ledger.

    Parameters
    ----------
    folder
        Of the store, or of a copy; may be read-only.
    url
        PostgreSQL database, where the record is in one.
    keys
        PEM files of public keys; by default the folder's ``keys/ledger.pub``.
    against
        File with a tree head printed earlier (``suwen records head``).
    """
    from suwen.records.ledger.verify import verify_store

    trusted = public_keys(folder, keys)
    earlier = None if against is None else _text(against)
    with opened(folder, url) as db:
        return verify_store(db, trusted, against=earlier)


def head(folder: Path | None, url: str | None) -> Head:
    """The newest tree head.

    Raises
    ------
    NotFound
        When nothing was ever written (code ``empty-ledger``).
    """
    from suwen.records.ledger.log import latest

    with opened(folder, url) as db:
        found = latest(db)
    if found is None:
        raise NotFound("the ledger of this record is empty", fix="Write to it first", code="empty-ledger")
    return found


@contextmanager
def opened(folder: Path | None, url: str | None) -> Iterator[Connection]:
    """One consistent view of a store, for which nothing is written and no secret is needed.

    Raises
    ------
    NotFound
        When there is no store (code ``no-record``).
    """
    if url:
        database = Database(url)
        try:
            with database.reading() as db:
                yield db
        finally:
            database.close()
        return
    path = (folder or Path()) / "record.db"
    if not path.exists():
        raise NotFound(
            "there is no record here",
            where=str(folder),
            fix="Name its folder with --store",
            code="no-record",
        )
    with explained():
        raw = _read_only(path)
        try:
            raw.execute("BEGIN")
            yield Connection(raw, postgres=False)
        finally:
            raw.close()


def _read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, and makes no file beside the database where there is no log to read."""
    wal = path.with_name(path.name + "-wal")
    still = "&immutable=1" if not wal.exists() else ""
    address = f"file:{quote(str(path.resolve()))}?mode=ro{still}"
    raw = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        raw.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        raw.close()
        if not wal.exists() or wal.stat().st_size:
            raise
        # An empty log in a folder that cannot be written to.
        raw = sqlite3.connect(
            f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True, isolation_level=None
        )
    raw.execute("PRAGMA temp_store = MEMORY")
    raw.execute("PRAGMA cache_size = -65536")
    return raw


def _read_keys(path: Path) -> list[Ed25519PublicKey]:
    end = b"-----END PUBLIC KEY-----"
    parts = [part + end for part in path.read_bytes().split(end)[:-1]]
    try:
        keys = [serialization.load_pem_public_key(part.lstrip()) for part in parts]
    except ValueError:
        keys = []
    found = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not found or len(found) < len(keys):
        raise Untrusted(
            "this is no file of Ed25519 public keys in PEM",
            where=str(path),
            fix="Give the ledger.pub of the store",
            code="bad-public-key",
        )
    return found


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _writable(folder: Path) -> bool:
    import os

    return os.access(folder / "keys", os.W_OK)
