"""What the verbs of the record share: where it is, who asks, and opening it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from suwen.records.record import Record

Store = Annotated[
    Path | None,
    typer.Option("--store", help="Folder of the record; by default SUWEN_HOME/record.", metavar="DIR"),
]
Db = Annotated[
    str | None,
    typer.Option("--db", help="PostgreSQL database of the record, postgresql+psycopg://…", metavar="URL"),
]
PatientId = Annotated[str | None, typer.Option("--patient", help="Id of one Patient.", metavar="ID")]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--key", help="Public key that is believed, PEM; may be repeated.", metavar="FILE"),
]


def opened(store: Path | None, db: str | None, *, create: bool = False) -> Record:
    """The record, for a ``with`` block."""
    from suwen.records.record import Record
    from suwen.records.verifying import publish_key

    record = Record.open(folder_of(store), db, create=create)
    publish_key(record.folder)
    return record


def folder_of(store: Path | None) -> Path:
    """Where the record, or at least its keys, are."""
    from suwen.records.record import home_folder

    return store or home_folder()


def actor() -> str:
    """Who the ledger says it was: the account that runs this program."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # an account without a name
        return "cli"
