"""Master keys kept by this machine: in a file of mode 0600, or in the environment.

The file is JSON: ``{"format": "suwen-keyring-1", "current": ID, "keys": [{"id", "created", "secret"}]}``;
``secret`` is what :meth:`MasterKey.to_text` gives. It is read again whenever it changed, so a running server
follows a rotation made beside it; a master key another process retired stays in its memory until it ends.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.documents import now
from suwen.core.errors import BadInput, Conflict, NotFound, Refused, Unreadable, Untrusted
from suwen.records.keys import secret_files
from suwen.records.keys.wrap import MasterKey, unwrap, wrap

if TYPE_CHECKING:
    from suwen.records.keys.provider import MasterProvider

FORMAT = "suwen-keyring-1"
VARIABLE = "SUWEN_MASTER_KEY"
"""Environment variable with the master key's base64; older ones may follow it after commas."""
PATH_VARIABLE = "SUWEN_KEYRING"
"""Environment variable that names the keyring file."""


@dataclass(frozen=True)
class _Held:
    """Some master keys, by id in the order they were made, and which one wraps."""

    current: str
    keys: dict[str, MasterKey] = field(repr=False)
    created: dict[str, str]

    def document(self) -> bytes:
        keys = [
            {"id": key_id, "created": self.created[key_id], "secret": key.to_text()}
            for key_id, key in self.keys.items()
        ]
        return (
            json.dumps({"format": FORMAT, "current": self.current, "keys": keys}, indent=1) + "\n"
        ).encode()


class FileKeyring:
    """A :class:`MasterProvider` in one file, made on first use.

    Parameters
    ----------
    path
        Where it is or will be. Back it up apart from the store: without it nothing can be read.
    create
        Whether to make it, with one master key, when there is none.

    Raises
    ------
    NotFound
        When there is none and none may be made (code ``keyring-missing``).
    Refused
        When others than its owner may touch it (code ``keyring-permissions``).
    Unreadable
        When it is no keyring (code ``bad-keyring``).
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._guard = threading.Lock()
        if create and not path.exists():
            fresh = MasterKey.generate()
            held = _Held(fresh.key_id, {fresh.key_id: fresh}, {fresh.key_id: now()})
            secret_files.create(path, held.document())
        self._held, self._stamp = self._read()
        # Also those another process retired since: a reader's older snapshot may still be under one of them.
        self._known = dict(self._held.keys)

    def __repr__(self) -> str:
        return f"FileKeyring({str(self.path)!r})"

    @property
    def current(self) -> str:
        """Id of the master key that wraps from now on."""
        return self._fresh().current

    @property
    def created(self) -> dict[str, str]:
        """When each master key was made, by id."""
        return dict(self._fresh().created)

    def wrap(self, data_key: bytes, aad: bytes) -> tuple[str, bytes]:
        """Return the id of the current master key, and the data key under it."""
        held = self._fresh()
        return held.current, wrap(held.keys[held.current].public, data_key, aad)

    def unwrap(self, key_id: str, blob: bytes, aad: bytes) -> bytes:
        """Return a data key; see :meth:`MasterProvider.unwrap`."""
        if key_id not in self._known:
            self._fresh()
        return _unwrap(self._known, key_id, blob, aad, str(self.path))

    def rotate(self) -> str:
        """Make a new master key the current one, and return its id; the old ones still unwrap."""
        fresh = MasterKey.generate()
        with secret_files.locked(self.path.parent):
            held = self._fresh()
            keys, created = {**held.keys, fresh.key_id: fresh}, {**held.created, fresh.key_id: now()}
            secret_files.replace(self.path, _Held(fresh.key_id, keys, created).document())
        return fresh.key_id

    def retire(self, key_id: str) -> None:
        """Destroy an old master key; see :meth:`MasterProvider.retire`."""
        with secret_files.locked(self.path.parent):
            held = self._fresh()
            if key_id not in held.keys:
                raise NotFound(f"no master key '{key_id}' in this keyring", where=str(self.path))
            if key_id == held.current:
                raise Conflict(
                    "the current master key cannot be retired",
                    where=str(self.path),
                    fix="Rotate first: suwen records keys rotate",
                    code="master-current",
                )
            keys = {other: key for other, key in held.keys.items() if other != key_id}
            created = {other: held.created[other] for other in keys}
            secret_files.replace(self.path, _Held(held.current, keys, created).document(), wipe=True)
        self._fresh()
        self._known.pop(key_id, None)

    def _fresh(self) -> _Held:
        if secret_files.stamp(self.path) != self._stamp:
            with self._guard:
                self._held, self._stamp = self._read()
                self._known.update(self._held.keys)
        return self._held

    def _read(self) -> tuple[_Held, tuple[int, int, int]]:
        for _ in range(
            2
        ):  # a file being wiped by a retirement reads as zeros; the next look finds the new one
            data, seen = secret_files.read(self.path)
            held = _parse(data)
            if held is not None:
                return held, seen
        raise Unreadable(
            "this file is not a keyring",
            where=str(self.path),
            fix="Put back the keyring from its backup; do not make a new one for an old store",
            code="bad-keyring",
        )


class EnvironmentKeyring:
    """A :class:`MasterProvider` whose keys were given in ``SUWEN_MASTER_KEY``; it writes nothing anywhere.

    Parameters
    ----------
    text
        The current master key as :meth:`MasterKey.to_text` gives it, and after commas older ones, which only
        unwrap.

    Raises
    ------
    BadInput
        When one of them is no master key (code ``bad-master-key``).
    """

    def __init__(self, text: str) -> None:
        try:
            keys = [MasterKey.from_text(part) for part in text.split(",")]
        except BadInput as error:
            raise BadInput(error.what, where=VARIABLE, code=error.code) from None
        self._held = _Held(keys[0].key_id, {key.key_id: key for key in keys}, {})

    def __repr__(self) -> str:
        return f"EnvironmentKeyring({self.current})"

    @property
    def current(self) -> str:
        """Id of the master key that wraps: the first one given."""
        return self._held.current

    def wrap(self, data_key: bytes, aad: bytes) -> tuple[str, bytes]:
        """Return the id of the current master key, and the data key under it."""
        return self.current, wrap(self._held.keys[self.current].public, data_key, aad)

    def unwrap(self, key_id: str, blob: bytes, aad: bytes) -> bytes:
        """Return a data key; see :meth:`MasterProvider.unwrap`."""
        return _unwrap(self._held.keys, key_id, blob, aad, VARIABLE)

    def rotate(self) -> str:
        """Refuse: only whoever sets the environment can (code ``keyring-fixed``)."""
        raise self._fixed("Put a new key and a comma before the present ones, restart, and re-wrap")

    def retire(self, key_id: str) -> None:
        """Refuse: only whoever sets the environment can (code ``keyring-fixed``)."""
        raise self._fixed(f"Take the key '{key_id}' out of it and restart")

    def _fixed(self, fix: str) -> Refused:
        return Refused(
            "master keys given by the environment cannot be changed from here",
            where=VARIABLE,
            fix=fix,
            code="keyring-fixed",
        )


def open_provider(store: Path | None, *, create: bool = True) -> MasterProvider:
    """Return the holder of the master keys: the environment's, else the file's.

    Parameters
    ----------
    store
        Folder of the store, whose ``keys/master.json`` serves when neither ``SUWEN_MASTER_KEY`` nor
        ``SUWEN_KEYRING`` is set. None for a store in a database.
    create
        Whether a missing keyring file is made: only for a new store, never for one that has data.

    Raises
    ------
    Refused
        When nothing says where the keyring is (code ``keyring-unnamed``), or as :class:`FileKeyring`.
    """
    text = os.environ.get(VARIABLE)
    if text:
        return EnvironmentKeyring(text)
    named = os.environ.get(PATH_VARIABLE)
    if not named and store is None:
        raise Refused(
            "a record in a database needs a keyring, and nothing says where it is",
            fix=f"Name its file with {PATH_VARIABLE}, or give the key itself in {VARIABLE}",
            code="keyring-unnamed",
        )
    path = Path(named) if named else Path(store or ".") / "keys" / "master.json"
    return FileKeyring(path, create=create)


def _unwrap(keys: dict[str, MasterKey], key_id: str, blob: bytes, aad: bytes, where: str) -> bytes:
    key = keys.get(key_id)
    if key is None:
        raise Untrusted(
            f"the master key '{key_id}' is not among those held here",
            where=where,
            fix="Put back the keyring this store was written with",
            code="master-missing",
        )
    return unwrap(key, blob, aad)


def _parse(data: bytes) -> _Held | None:
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            return None
        keys, created = {}, {}
        for entry in document["keys"]:
            key = MasterKey.from_text(entry["secret"])
            if key.key_id != entry["id"]:  # the id is the fingerprint: a key damaged on disk is noticed
                return None
            keys[key.key_id], created[key.key_id] = key, str(entry["created"])
        return _Held(document["current"], keys, created) if document["current"] in keys else None
    except (ValueError, KeyError, TypeError, BadInput):
        return None
