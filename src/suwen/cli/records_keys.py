"""``suwen records erase`` and ``suwen records keys``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from suwen.cli.options import Db, Json, Store
from suwen.cli.output import emit, line, progress, who
from suwen.cli.records_common import opened
from suwen.core.errors import Refused


def erase(
    patient: Annotated[str, typer.Argument(help="Id of the Patient.", metavar="PATIENT")],
    store: Store = None,
    db: Db = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really: it cannot be undone.")] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Rewrite the tables too; as slow as they are large.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Erase a patient for good: destroy the key, take every resource out, print a signed receipt."""
    if not yes:
        raise Refused(
            "an erasure cannot be undone, and nothing was done",
            fix="Add --yes if that is what you want",
            code="not-confirmed",
        )
    from suwen.core.documents import write_json
    from suwen.records.erasure import erase as destroy

    with opened(store, db) as record:
        receipt = destroy(record, patient, actor=who(), compact=compact)
        kept = record.folder / "receipts" / f"{receipt['patient']}-{time.time_ns()}.json"
        write_json(kept, receipt)
    if as_json:
        emit(receipt)
        return
    line(f"{receipt['resources']} resources and {receipt['files']} files of {receipt['patient']} erased")
    if receipt["log_emptied"] is False:
        line("Somebody is reading: the write-ahead log is emptied when the record is next closed by all")
    line(f"{receipt['elsewhere']} resources of others still refer to this patient")
    line(f"master key {receipt['master']}: {receipt['backups']}")
    line(f"the signed receipt is in {kept}")


def rotate(
    store: Store = None,
    db: Db = None,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Leave the old master keys, to open backups with.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a new master key, wrap every data key under it, destroy the old ones; others may go on working."""
    from suwen.records.rotation import rotate as renew

    with opened(store, db) as record:
        result = renew(
            record, actor=who(), keep_old=keep_old, progress=lambda n: progress(f"{n} keys wrapped anew")
        )
    if as_json:
        emit(result.document())
    else:
        line(f"{result.rewrapped} keys are now under the master key {result.current}")
        for word, keys in (("destroyed", result.retired), ("kept", result.kept)):
            for key in keys:
                line(f"{word}: {key}")


def list_(store: Store = None, db: Db = None, as_json: Json = False) -> None:
    """List the master keys and how many data keys lie under each; never the keys themselves."""
    from suwen.records.rotation import masters

    with opened(store, db) as record:
        found = masters(record)
    if as_json:
        emit({"masters": found})
        return
    for key in found:
        line(f"{'*' if key['current'] else ' '} {key['id']}  {key['keys']} data keys  {key['created'] or ''}")


def group() -> typer.Typer:
    """The verbs of ``suwen records keys``."""
    keys = typer.Typer(help="Master keys: list, rotate.", no_args_is_help=True)
    keys.command("rotate")(rotate)
    keys.command("list")(list_)
    return keys
