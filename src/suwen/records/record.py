"""The record as a whole: opened from a folder or a database address, asked through :meth:`Record.perform`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from suwen.core.errors import NotFound
from suwen.core.home import home
from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.index import Indexer
from suwen.records.fhir.instants import now_us
from suwen.records.fhir.validate import Validator
from suwen.records.interactions.paging import Cursors
from suwen.records.keys.blind import Blind
from suwen.records.keys.cipher import Cipher
from suwen.records.keys.keyring import open_provider
from suwen.records.keys.signing import signing_key
from suwen.records.keys.vault import Vault
from suwen.records.ledger.events import Event
from suwen.records.store import migrations
from suwen.records.store.changes import Changes
from suwen.records.store.database import Database
from suwen.records.store.reading import Reading
from suwen.records.store.reindex import bring_up_to_date
from suwen.records.store.search import Search
from suwen.records.store.writer import Writer
from suwen.records.verifying import publish_key

if TYPE_CHECKING:
    from suwen.records.interactions.messages import Request, Response
    from suwen.records.keys.provider import MasterProvider
    from suwen.records.store.connection import Connection

STORE_VARIABLE, DB_VARIABLE = "SUWEN_STORE", "SUWEN_DB"
"""Environment: folder and database of the record that is meant when nobody names one."""
ORIGIN = "origin"
"""Row of ``setting`` that names this store's log."""


class Record:
    """An open record.

    Use :meth:`open`; close it when done, so that what is under way is finished.
    """

    def __init__(self, database: Database, folder: Path, provider: MasterProvider) -> None:
        self.database, self.folder = database, folder
        self.opened_us = now_us()
        self.definitions = definitions()
        self.signer = signing_key(folder / "keys" / "ledger.pem")
        publish_key(folder)
        with database.writing() as db:
            self.origin = _origin(db)
            self.vault = Vault(provider, self.origin)
            self.vault.prepare(db, self.opened_us)
            index_key = self.vault.index_key(db)
            shared = self.vault.cipher(db, self.vault.shared(db))
            self.blind = Blind(index_key)
            self.indexer = Indexer(self.definitions, self.blind)
            self.reading = Reading(self.vault)
            bring_up_to_date(db, self.indexer, self.reading)
        self.validator = Validator(self.definitions)
        self.changes = Changes(self.blind, self.vault)
        self.search = Search(self.definitions, self.blind, self.reading.parsed)
        self.cursors = Cursors(Cipher(shared.derive("cursors")))
        self.writer = Writer(database, self.signer, self.origin)

    @classmethod
    def open(
        cls,
        store: Path | None = None,
        url: str | None = None,
        *,
        provider: MasterProvider | None = None,
        create: bool = True,
    ) -> Record:
        """Open a record, making or upgrading its tables.

        Parameters
        ----------
        store
            Folder of keys and files, and of the SQLite database when no ``url`` is given.
        url
            ``postgresql+psycopg://...``; keys and files still lie in ``store``.
        provider
            Who holds the master keys; by default the environment or a keyring in ``store``.
        create
            Whether a record that is not there is made.

        Raises
        ------
        NotFound
            When it is not there and may not be made (code ``no-record``).
        Unavailable
            When the database does not answer or is locked.
        """
        folder = store or home_folder()
        url = url or os.environ.get(DB_VARIABLE)
        database = Database(url) if url else Database.at(folder)
        if not create and not url and not database.path.exists():
            raise NotFound(
                "there is no record here",
                where=str(folder),
                fix="Name its folder with --store, or import into it first: suwen records import",
                code="no-record",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A lost keyring must be missed, not replaced: a new one opens nothing that is there.
        fresh = migrations.revision(database) is None
        migrations.upgrade(database)
        return cls(database, folder, provider or open_provider(folder, create=fresh))

    def perform(self, request: Request) -> Response:
        """Answer a FHIR request; see :func:`suwen.records.interactions.dispatch.perform`."""
        from suwen.records.interactions.dispatch import perform

        return perform(self, request)

    def ref(self, kind: str, ident: str) -> int:
        """Keyed pseudonym of a resource."""
        return self.blind.ref(f"{kind}/{ident}")

    def now(self) -> int:
        """The present, for events; microseconds since 1970 UTC."""
        return now_us()

    def logged(self, events: Sequence[Event]) -> None:
        """Return once the ledger holds these events."""
        if events:
            self.writer.log(*events).result()

    def close(self) -> None:
        """Finish what is under way and let go of the database."""
        self.writer.close()
        self.database.close()

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def home_folder() -> Path:
    """Where the record is when nobody says: ``SUWEN_STORE``, or ``SUWEN_HOME/record``."""
    given = os.environ.get(STORE_VARIABLE)
    return Path(given) if given else home() / "record"


def _origin(db: Connection) -> str:
    """Name of this store's log, drawn once."""
    row = db.row("SELECT value FROM setting WHERE name = ?", (ORIGIN,))
    if row is not None:
        return bytes(row[0]).decode()
    origin = f"suwen.dev/record/{secrets.token_hex(8)}"
    db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (ORIGIN, origin.encode()))
    return origin
