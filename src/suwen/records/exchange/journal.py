"""Which pieces have been imported: written with their resources, in the same commit.

A piece is known by a keyed hash of its content. So an import that was cut off goes on where it was, a file
imported under another name is not imported twice, and of a corrected file only the pieces that changed are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suwen.records.exchange.sources import Piece
    from suwen.records.keys.blind import Blind
    from suwen.records.store.connection import Connection

_PARTLY = "!"
"""Behind the name of a piece of which something was rejected."""


@dataclass(frozen=True, slots=True)
class Done:
    """What the journal has of a piece: resources written, and whether others were rejected."""

    count: int
    partly: bool


def name_of(blind: Blind, piece: Piece) -> str:
    """Name of a piece in this store, 128 bits; without the key nobody can tell what content it is of."""
    digest = hashlib.sha256(piece.data).hexdigest()
    form = piece.form.value
    return "".join(f"{blind.term('import', form, half, digest) % (1 << 64):016x}" for half in "ab")


def look_up(db: Connection, name: str) -> Done | None:
    """What has been done of a piece; ``None`` for nothing."""
    row = db.row("SELECT source, position FROM imported WHERE source IN (?, ?)", (name, name + _PARTLY))
    return None if row is None else Done(int(row[1]), str(row[0]).endswith(_PARTLY))


def enter(db: Connection, name: str, done: Done) -> None:
    """Write that a piece is done, in the transaction that does it."""
    db.run("DELETE FROM imported WHERE source IN (?, ?)", (name, name + _PARTLY))
    db.run(
        "INSERT INTO imported (source, position) VALUES (?, ?)",
        (name + (_PARTLY if done.partly else ""), done.count),
    )
