"""What the verbs of the record share: opening it, and options of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from suwen.records.record import Record

PatientId = Annotated[str | None, typer.Option("--patient", help="Id of one Patient.", metavar="ID")]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--key", help="Public key that is believed, PEM; may be repeated.", metavar="FILE"),
]


def opened(store: Path | None, db: str | None, *, create: bool = False) -> Record:
    """The record, for a ``with`` block."""
    from suwen.records.record import Record

    return Record.open(folder_of(store), db, create=create)


def folder_of(store: Path | None) -> Path:
    """Where the record, or at least its keys, are."""
    from suwen.records.record import home_folder

    return store or home_folder()
