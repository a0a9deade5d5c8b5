"""``suwen records keys``: new master keys for old, while others read and write."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from suwen.core.errors import Conflict
from suwen.records.ledger.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from suwen.records.record import Record
    from suwen.records.store.writer import Transaction

BATCH = 100
"""Data keys wrapped anew in one commit: some tens of milliseconds in which other writers wait."""
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the new master key, data keys under it, old master keys destroyed and kept."""

    current: str
    rewrapped: int
    retired: tuple[str, ...]
    kept: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "current": self.current,
            "rewrapped": self.rewrapped,
            "retired": list(self.retired),
            "kept": list(self.kept),
        }


def rotate(
    record: Record,
    *,
    actor: str,
    keep_old: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Rotation:
    """Make a new master key, wrap every data key under it, and destroy the old master keys.

    Bodies are not touched. Cut off at any moment, it leaves a store that opens; run again, it makes one more
    master key and finishes what is left.

    Parameters
    ----------
    record
        Whose keys.
    actor
        Who is answerable, for the ledger.
    keep_old
        Whether to leave the old master keys in the keyring, for backups that must still be opened.
    progress
        Told how many data keys are done.

    Raises
    ------
    Refused
        When the holder of the master keys cannot make one (code ``keyring-fixed``).
    """
    current = record.vault.provider.rotate()
    record.logged([Event("key-rotate", record.now(), actor, note=current)])
    done = _rewrap(record, progress)
    retired = []
    old = [key for key in _held(record) if key != current]
    for key in () if keep_old else old:
        # Another process may still have wrapped under it; so look again, in commits of their own: a master
        # key is destroyed only when nothing that could be rolled back has been wrapped away from it.
        for _ in range(_ATTEMPTS):
            try:
                record.writer.do(partial(_retire, record, key, actor))
            except Conflict as error:
                if error.code != "master-in-use":
                    raise
                done += _rewrap(record, None)
            else:
                retired.append(key)
                break
    return Rotation(current, done, tuple(retired), tuple(key for key in old if key not in retired))


def masters(record: Record) -> list[dict[str, Any]]:
    """Master keys: id, when made, whether it wraps from now on, and how many data keys lie under it."""
    provider = record.vault.provider
    with record.database.reading() as db:
        counts = record.vault.masters(db)
    created: dict[str, str] = getattr(provider, "created", {})
    current = provider.current
    return [
        {"id": key, "created": created.get(key), "current": key == current, "keys": counts.get(key, 0)}
        for key in dict.fromkeys([*created, current, *counts])
    ]


def _held(record: Record) -> list[str]:
    """Master keys the holder tells of; a service that tells of none keeps its old ones by its own rules."""
    return list(getattr(record.vault.provider, "created", {}))


def _rewrap(record: Record, progress: Callable[[int], None] | None) -> int:
    """Wrap all that is under an old master key, a batch per commit; how many."""
    done = 0
    while count := record.writer.do(lambda tx: record.vault.rewrap_some(tx.db, BATCH)):
        done += count
        if progress:
            progress(done)
    return done


def _retire(record: Record, key: str, actor: str, tx: Transaction) -> None:
    record.vault.retire(tx.db, key)
    tx.events.append(Event("key-retire", tx.now, actor, note=key))
