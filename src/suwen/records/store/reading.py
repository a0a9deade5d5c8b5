"""Read versions: rows out of the tables, opened and put together as whole resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suwen.records.fhir import wire
from suwen.records.fhir.body import binding, splice
from suwen.records.store.changes import Stored
from suwen.records.store.connection import Connection

if TYPE_CHECKING:
    from suwen.records.keys.vault import Vault

_SELECT = (
    "SELECT r.rid, r.type, r.id, v.version, v.updated, v.owner, v.method, v.body, v.seq "
    "FROM resource r JOIN version v ON "
)
CHUNK = 500
"""Rows asked for at once; SQLite counts parameters."""


class Reading:
    """Opens what is stored, with the keys of one store."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def current(self, db: Connection, ref: int) -> Stored | None:
        """The newest version, which may be a deletion; ``None`` when there never was one."""
        row = db.row(_SELECT + "v.seq = r.seq WHERE r.ref = ?", (ref,))
        return None if row is None else self._open(db, row)

    def version(self, db: Connection, ref: int, version: int) -> Stored | None:
        """One version of a resource."""
        row = db.row(_SELECT + "v.rid = r.rid WHERE r.ref = ? AND v.version = ?", (ref, version))
        return None if row is None else self._open(db, row)

    def many(self, db: Connection, rids: Sequence[int]) -> dict[int, Stored]:
        """Newest versions by ``rid``."""
        found: dict[int, Stored] = {}
        for start in range(0, len(rids), CHUNK):
            some = rids[start : start + CHUNK]
            marks = ",".join("?" * len(some))
            for row in db.rows(_SELECT + f"v.seq = r.seq WHERE r.rid IN ({marks})", some):
                found[row[0]] = self._open(db, row)
        return found

    def parsed(self, db: Connection, rids: Sequence[int]) -> Mapping[int, dict[str, Any]]:
        """The same as parsed resources, for criteria that an index only narrows down."""
        return {rid: wire.read(content(stored)) for rid, stored in self.many(db, rids).items() if stored.body}

    def versions(
        self, db: Connection, where: str, parameters: Iterable[Any], limit: int
    ) -> list[tuple[int, Stored]]:
        """Versions from the newest back, each with its ``seq``: a history."""
        sql = _SELECT + f"v.rid = r.rid WHERE {where} ORDER BY v.seq DESC LIMIT ?"
        return [(row[8], self._open(db, row)) for row in db.rows(sql, [*parameters, limit])]

    def _open(self, db: Connection, row: tuple[Any, ...]) -> Stored:
        _, kind, ident, version, updated, owner, method, blob, _ = row
        body = None
        if blob is not None:
            body = self.vault.cipher(db, owner).open(blob, binding(kind, ident, version))
        return Stored(kind, ident, version, updated, body, version == 1, method)


def content(stored: Stored) -> bytes:
    """A stored version as JSON; it must not be a deletion."""
    assert stored.body is not None  # noqa: S101
    return splice(stored.kind, stored.ident, stored.version, stored.updated, stored.body)
