"""``suwen records export``: current resources as NDJSON, a packed file per type, with all their digits.

What is stored is put together as bytes and never parsed. The ledger has the export before the files appear.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.errors import Conflict, NotFound, nearest
from suwen.records.interactions.compartment import everything_about
from suwen.records.ledger.events import Event
from suwen.records.store.reading import content

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.changes import Stored
    from suwen.records.store.connection import Connection

PAGE = 500
"""Resources opened at a time."""
_LEVEL = 5  # of gzip: a third of the time of the highest for a few percent of size


@dataclass(frozen=True, slots=True)
class Export:
    """What was written: the folder, and resources by type."""

    folder: Path
    counts: dict[str, int]

    def document(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "folder": str(self.folder),
            "exported": sum(self.counts.values()),
            "types": self.counts,
            "files": [file_name(kind) for kind in self.counts],
        }


def file_name(kind: str) -> str:
    """Name of the file of a type."""
    return f"{kind}.ndjson.gz"


def export(
    record: Record, folder: Path, *, actor: str, types: Iterable[str] = (), patient: str | None = None
) -> Export:
    """Write the record's current resources into a folder, as one consistent state of all of them.

    Parameters
    ----------
    record
        Where they come from.
    folder
        Made when missing, readable by its owner alone: what lies in it is no longer encrypted.
    actor
        Who is answerable, for the ledger.
    types
        Resource types; all when none is named.
    patient
        Id of the one patient whose record is wanted: the compartment and what that refers to.

    Raises
    ------
    Conflict
        When a file of the export is there already (code ``export-exists``).
    NotFound
        For a type FHIR does not have (``unknown-type``) or a patient the record does not have.
    """
    wanted = frozenset(types)
    for kind in wanted - record.definitions.resource_types:
        raise NotFound(
            f"FHIR R4 has no resource type '{kind}'",
            fix=nearest(kind, record.definitions.resource_types),
            code="unknown-type",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    taken = sorted(path.name for path in folder.glob("*.ndjson.gz"))
    if taken:
        raise Conflict(
            f"there is an export in this folder already ({taken[0]})",
            where=str(folder),
            fix="Name another folder",
            code="export-exists",
        )
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))  # mode 0700
    try:
        with record.database.reading() as db:
            counts = _write(_selected(record, db, wanted, patient), beside)
        subject = record.ref("Patient", patient) if patient is not None else 0
        record.logged(
            [
                Event(
                    "export",
                    record.now(),
                    actor,
                    ref=subject,
                    count=sum(counts.values()),
                    note=",".join(sorted(wanted)),
                )
            ]
        )
        for path in beside.iterdir():
            path.rename(folder / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Export(folder, counts)


def current(record: Record, db: Connection, kind: str | None = None) -> Iterator[Stored]:
    """Every current resource, or those of one type; in the order in which they were first written."""
    where, parameters = ("type = ? AND ", (kind,)) if kind else ("", ())
    sql = f"SELECT rid FROM resource WHERE {where}rid > ? AND deleted = 0 ORDER BY rid LIMIT {PAGE}"  # noqa: S608  (values are bound)
    after = 0
    while rids := [row[0] for row in db.rows(sql, (*parameters, after))]:
        found = record.reading.many(db, rids)
        yield from (found[rid] for rid in rids)
        after = rids[-1]


def _selected(
    record: Record, db: Connection, wanted: frozenset[str], patient: str | None
) -> Iterator[Stored]:
    if patient is not None:
        yield from _of_patient(record, db, wanted, patient)
    elif not wanted:
        yield from current(record, db)
    for kind in sorted(wanted) if patient is None else ():
        yield from current(record, db, kind)


def _of_patient(record: Record, db: Connection, wanted: frozenset[str], patient: str) -> Iterator[Stored]:
    ref = record.ref("Patient", patient)
    owner = record.vault.owner(db, ref)
    if owner is None:
        raise NotFound("the record has no such patient", fix="Check the id: that of the Patient resource")
    # All under the patient's own key as well, so that what is erased with it can be exported before.
    own = [row[0] for row in db.rows("SELECT rid FROM resource WHERE owner = ?", (owner,))]
    rids = sorted({*own, *everything_about(record, db, ref, wanted or None)})
    for start in range(0, len(rids), PAGE):
        page = record.reading.many(db, rids[start : start + PAGE])
        for rid in sorted(page):
            if page[rid].body is not None and (not wanted or page[rid].kind in wanted):
                yield page[rid]


def _write(resources: Iterable[Stored], folder: Path) -> dict[str, int]:
    """One packed file per type, on the disk when this returns."""
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        files: dict[str, gzip.GzipFile] = {}
        for stored in resources:
            file = files.get(stored.kind)
            if file is None:
                raw = stack.enter_context((folder / file_name(stored.kind)).open("wb"))
                stack.callback(os.fsync, raw.fileno())
                file = files[stored.kind] = gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0)
                stack.callback(raw.flush)
                stack.enter_context(file)
            file.write(content(stored) + b"\n")
            counts[stored.kind] = counts.get(stored.kind, 0) + 1
    return dict(sorted(counts.items()))
