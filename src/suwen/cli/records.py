"""``suwen records``: what goes into the record and comes out of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suwen.cli import records_keys, records_ledger
from suwen.cli.options import Db, Json, Store
from suwen.cli.output import emit, line, progress, who
from suwen.cli.records_common import PatientId, opened

if TYPE_CHECKING:
    from suwen.records.exchange.importing import Progress

Paths = Annotated[
    list[Path],
    typer.Argument(help="FHIR R4 bundles, resources, NDJSON, packed or not; folders.", metavar="PATH..."),
]
SAID = 1000
"""Rejections told on stderr."""
SHOWN = 20
"""Rows of a view shown to a reader."""


def import_(
    paths: Paths,
    store: Store = None,
    db: Db = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=0, max=64, help="Processes that prepare; by default as many as help."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Import what an earlier import has already written, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import files into the record; run again after an interruption, it goes on where it was."""
    started = time.perf_counter()
    from suwen.core import collector
    from suwen.records.exchange.sources import find
    from suwen.records.exchange.workers import Workers, default_workers

    size = sum(source.size for source in find(paths))
    # The processes start while the record is being opened.
    with Workers(default_workers(size) if workers is None else workers) as helpers:
        from suwen.records.exchange.importing import import_files

        collector.for_large_documents()
        with opened(store, db, create=True) as record, _bar() as told:
            result = import_files(
                record,
                paths,
                actor=who(),
                workers=helpers,
                repeat=again,
                progress=told,
                on_error=_told_once(),
            )
        result.seconds = time.perf_counter() - started
    if as_json:
        emit(result.document())
    else:
        line(
            f"{result.imported} resources imported, {result.rejected} rejected, "
            f"{result.skipped} already there, in {result.seconds:.1f} s"
        )
    if result.nothing_read:
        raise typer.Exit(3)


def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.", metavar="DIR")],
    store: Store = None,
    db: Db = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="A resource type; may be repeated. All without it.", metavar="TYPE"),
    ] = None,
    patient: PatientId = None,
    as_json: Json = False,
) -> None:
    """Write current resources as NDJSON, one packed file per type; what lies there is no longer encrypted."""
    from suwen.records.exchange.exporting import export as write

    with opened(store, db) as record:
        result = write(record, folder, actor=who(), types=types or (), patient=patient)
    if as_json:
        emit(result.document())
    else:
        for kind, count in result.counts.items():
            line(f"{count:9d}  {kind}")


def view(
    file: Annotated[Path, typer.Argument(help="A ViewDefinition (SQL on FHIR v2) as JSON.", metavar="FILE")],
    store: Store = None,
    db: Db = None,
    save: Annotated[
        str | None,
        typer.Option(
            "--save", help="Keep the view in the record, as record:NAME for SOURCE.", metavar="NAME"
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows as CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Print the rows of a view over the record; without --json or --csv the first of them."""
    from suwen.core.documents import read_json
    from suwen.records.cohort import save_view, view_rows
    from suwen.records.fhir.views import columns

    definition = read_json(file)
    names = columns(definition)
    with opened(store, db) as record:
        if save is not None:
            save_view(record, save, definition)
        rows = view_rows(record, definition, actor=who(), note=save or "")
        if as_json:
            _print_json(rows)
        elif as_csv:
            _print_csv(names, rows)
        else:
            _print_some(names, rows)


def _print_json(rows: Iterator[dict[str, Any]]) -> None:
    """One list, with the digits that numbers came with; nothing of it if a row cannot be made."""
    from suwen.records.fhir import wire

    encoded = [wire.write(row).decode() for row in rows]
    sys.stdout.write("[" + ",\n".join(encoded) + "]\n")


def _print_csv(names: list[str], rows: Iterator[dict[str, Any]]) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row.values()] for row in rows)


def _print_some(names: list[str], rows: Iterator[dict[str, Any]]) -> None:
    line("\t".join(names))
    count = 0
    for count, row in enumerate(rows, 1):
        if count <= SHOWN:
            line("\t".join(_cell(value) for value in row.values()))
    line(f"{count} rows")


def _cell(value: Any) -> str:
    """A value as text: numbers with their digits, lists as JSON, nothing for nothing."""
    from suwen.records.fhir import wire

    if value is None:
        return ""
    return value if isinstance(value, str) else wire.write(value).decode()


def _told_once() -> Callable[[dict[str, Any]], None]:
    """Say what is rejected: the first of every kind in every file, so that a million can be read."""
    said: set[tuple[str, str]] = set()

    def tell(error: dict[str, Any]) -> None:
        if (kind := (error["file"], error["what"])) not in said and len(said) < SAID:
            said.add(kind)
            progress("{file}:{line}: {what} [{code}]".format(**error))

    return tell


@contextmanager
def _bar() -> Iterator[Progress | None]:
    """A progress bar where somebody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    parts = (
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[count]} resources"),
    )
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("import", total=None, count=0)

        def told(read: int, total: int, count: int) -> None:
            bar.update(task, completed=read, total=total, count=count)

        yield told


VERBS: dict[str, Callable[..., None]] = {
    "import": import_,
    "export": export,
    "view": view,
    **records_ledger.VERBS,
    "erase": records_keys.erase,
}


def register(app: typer.Typer) -> None:
    """Add this group of verbs."""
    group = typer.Typer(
        help="The patient record: import, export, views, the ledger, keys, erasure.", no_args_is_help=True
    )
    for name, verb in VERBS.items():
        group.command(name)(verb)
    group.add_typer(records_keys.group(), name="keys")
    app.add_typer(group, name="records")
