"""The data keys of a store: made, found, unwrapped, re-wrapped and destroyed.

A data key lies in the table ``data_key`` under a master key; its additional data is the store's origin, its
own number (owner) and its patient, so a row copied to another place or another store does not open.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from suwen.core.errors import Conflict, NotFound, Untrusted
from suwen.records.keys.cipher import KEY_BYTES, Cipher

if TYPE_CHECKING:
    from suwen.records.keys.provider import MasterProvider
    from suwen.records.store.connection import Connection

SHARED = 1
"""Owner of the data key for what belongs to no patient; its ``patient`` is 0."""
INDEX_KEY = "index-key"
"""Row of ``setting`` with the wrapped key of the blind indexes."""
CACHED = 4096
"""Ciphers a process keeps unwrapped."""


class Vault:
    """Ciphers by owner, for one store.

    Parameters
    ----------
    provider
        Who holds the master keys.
    origin
        The store's own name, the same for its whole life.

    Notes
    -----
    A cipher is remembered by its owner number alone, so a number must never come back for another patient,
    not even after a rollback or an erasure: draw it at random (62 bits).
    """

    def __init__(self, provider: MasterProvider, origin: str) -> None:
        self.provider, self.origin = provider, origin
        self._ciphers: OrderedDict[int, Cipher] = OrderedDict()
        self._guard = threading.Lock()
        self._swept = ("", 0)

    def prepare(self, db: Connection, created_us: int) -> None:
        """Make what every store has, unless it is there: the shared data key and the key of the indexes."""
        if self.owner(db, 0) is None:
            self.create(db, 0, SHARED, created_us)
        if self._index_row(db) is None:
            master, wrapped = self.provider.wrap(secrets.token_bytes(KEY_BYTES), self._index_aad())
            db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (INDEX_KEY, _pack(master, wrapped)))

    def shared(self, db: Connection) -> int:
        """Return the owner for resources of no patient.

        Raises
        ------
        NotFound
            When the store was never prepared (code ``erased``).
        """
        self.cipher(db, SHARED)
        return SHARED

    def owner(self, db: Connection, patient_ref: int) -> int | None:
        """Return the owner number of a patient, or None; never from memory, for it may be erased by now."""
        row = db.row("SELECT owner FROM data_key WHERE patient = ?", (patient_ref,))
        return None if row is None else int(row[0])

    def create(self, db: Connection, patient_ref: int, owner: int, created_us: int) -> Cipher:
        """Make the data key of a patient, in the caller's transaction.

        Parameters
        ----------
        db
            A transaction that may write.
        patient_ref
            Keyed hash of ``Patient/id``.
        owner
            A number never used before.
        created_us
            Microseconds since 1970, UTC.
        """
        return self.create_many(db, [(patient_ref, owner)], created_us)[0]

    def create_many(
        self, db: Connection, patients: Iterable[tuple[int, int]], created_us: int
    ) -> list[Cipher]:
        """Make the data keys of several patients, given as (patient_ref, owner)."""
        rows, ciphers = [], []
        for patient_ref, owner in patients:
            data_key = secrets.token_bytes(KEY_BYTES)
            master, wrapped = self.provider.wrap(data_key, self._aad(owner, patient_ref))
            rows.append((owner, patient_ref, master, wrapped, created_us))
            ciphers.append(Cipher(data_key))
            self._remember(owner, ciphers[-1])
        db.run_many(
            "INSERT INTO data_key (owner, patient, master, wrapped, created) VALUES (?, ?, ?, ?, ?)", rows
        )
        return ciphers

    def cipher(self, db: Connection, owner: int) -> Cipher:
        """Return the cipher of an owner.

        Raises
        ------
        NotFound
            When the key was destroyed (code ``erased``).
        Untrusted
            When it does not open (codes ``undecryptable`` and ``master-missing``).
        """
        with self._guard:
            known = self._ciphers.get(owner)
            if known is not None:
                self._ciphers.move_to_end(owner)
                return known
        row = db.row("SELECT patient, master, wrapped FROM data_key WHERE owner = ?", (owner,))
        if row is None:
            raise NotFound("the key of this record was destroyed: it was erased", code="erased")
        cipher = Cipher(self.provider.unwrap(row[1], bytes(row[2]), self._aad(owner, row[0])))
        self._remember(owner, cipher)
        return cipher

    def forget(self, owner: int) -> None:
        """Drop a cipher from memory."""
        with self._guard:
            self._ciphers.pop(owner, None)

    def destroy(self, db: Connection, owner: int) -> bool:
        """Destroy a data key for good; whether there was one. Call :meth:`forget` again after the commit."""
        gone = db.run("DELETE FROM data_key WHERE owner = ?", (owner,)) > 0
        self.forget(owner)
        return gone

    def index_key(self, db: Connection) -> bytes:
        """Return the 32 bytes that key the blind indexes.

        Raises
        ------
        NotFound
            When the store was never prepared (code ``no-index-key``).
        """
        row = self._index_row(db)
        if row is None:
            raise NotFound("this store has no index key", fix="Prepare the store first", code="no-index-key")
        return self.provider.unwrap(row[0], row[1], self._index_aad())

    def rewrap_some(self, db: Connection, limit: int = 100) -> int:
        """Wrap some data keys again, those not yet under the current master key; how many were done.

        Call it in one short writing transaction after another until it returns 0: others read and write
        meanwhile. Bodies are not touched, and ciphers in memory stay good.
        """
        target = self.provider.current
        after = self._swept[1] if self._swept[0] == target else 0
        rows = self._outdated(db, target, after, limit)
        if not rows and after:  # all behind the mark is done; look once more from the start
            rows = self._outdated(db, target, 0, limit)
        for owner, patient, master, wrapped in rows:
            aad = self._aad(owner, patient)
            fresh = self.provider.wrap(self.provider.unwrap(master, bytes(wrapped), aad), aad)
            db.run(
                "UPDATE data_key SET master = ?, wrapped = ? WHERE owner = ? AND master = ?",
                (*fresh, owner, master),
            )
        self._swept = (target, rows[-1][0] if rows else 0)
        done = len(rows)
        index = self._index_row(db)
        if index is not None and index[0] != target and done < limit:
            aad = self._index_aad()
            fresh = self.provider.wrap(self.provider.unwrap(*index, aad), aad)
            db.run("UPDATE setting SET value = ? WHERE name = ?", (_pack(*fresh), INDEX_KEY))
            done += 1
        return done

    def masters(self, db: Connection) -> dict[str, int]:
        """How many keys lie under each master key."""
        held = {
            str(key): int(n) for key, n in db.rows("SELECT master, COUNT(*) FROM data_key GROUP BY master")
        }
        index = self._index_row(db)
        if index is not None:
            held[index[0]] = held.get(index[0], 0) + 1
        return held

    def retire(self, db: Connection, key_id: str) -> None:
        """Destroy an old master key, once nothing of this store lies under it.

        Call it in a transaction that excludes other writers, or one of them may wrap under it meanwhile.

        Raises
        ------
        Conflict
            When data keys are still under it (code ``master-in-use``), or as the provider does.
        """
        left = self.masters(db).get(key_id, 0)
        if left:
            raise Conflict(
                f"{left} keys are still under the master key '{key_id}'",
                fix="Re-wrap them first: suwen records keys rotate",
                code="master-in-use",
            )
        self.provider.retire(key_id)

    def _outdated(
        self, db: Connection, target: str, after: int, limit: int
    ) -> Sequence[tuple[int, int, str, bytes]]:
        return db.rows(
            "SELECT owner, patient, master, wrapped FROM data_key WHERE owner > ? AND master <> ? "
            "ORDER BY owner LIMIT ?",
            (after, target, limit),
        )

    def _remember(self, owner: int, cipher: Cipher) -> None:
        with self._guard:
            self._ciphers[owner] = cipher
            self._ciphers.move_to_end(owner)
            if len(self._ciphers) > CACHED:
                self._ciphers.popitem(last=False)

    def _aad(self, owner: int, patient_ref: int) -> bytes:
        return f"suwen data key\0{self.origin}\0{owner}\0{patient_ref}".encode()

    def _index_aad(self) -> bytes:
        return f"suwen index key\0{self.origin}".encode()

    def _index_row(self, db: Connection) -> tuple[str, bytes] | None:
        row = db.row("SELECT value FROM setting WHERE name = ?", (INDEX_KEY,))
        return None if row is None else _unpack(bytes(row[0]))


def _pack(master: str, wrapped: bytes) -> bytes:
    return master.encode() + b"\0" + wrapped


def _unpack(value: bytes) -> tuple[str, bytes]:
    master, separator, wrapped = value.partition(b"\0")
    try:
        if separator:
            return master.decode("utf-8"), wrapped
    except UnicodeDecodeError:
        pass
    raise Untrusted("the stored index key is damaged", fix="Restore the store", code="undecryptable")
