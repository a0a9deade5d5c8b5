"""Views over the store: a ViewDefinition's rows, and definitions kept in the store under a name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, NotFound, nearest
from suwen.records.exchange.exporting import current
from suwen.records.fhir import wire
from suwen.records.fhir.views import compile_view, read_view
from suwen.records.ledger.events import Event
from suwen.records.store.reading import content

if TYPE_CHECKING:
    from suwen.records.record import Record

_PREFIX = "view:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def view_rows(
    record: Record, view: Mapping[str, Any], *, actor: str, note: str = ""
) -> Iterator[dict[str, Any]]:
    """Rows of a view over all current resources of its type, in bounded memory.

    Parameters
    ----------
    record
        Whose resources.
    view
        A ViewDefinition.
    actor
        Who is answerable, for the ledger, which has the view before the first row is given.
    note
        What the ledger says of it besides: the name of a kept view.

    Raises
    ------
    BadInput
        When the view is wrong, or does not fit a resource (code ``bad-view``).
    """
    checked = read_view(view)
    rows_of = compile_view(checked)
    with record.database.reading() as db:
        held = db.row("SELECT COUNT(*) FROM resource WHERE type = ? AND deleted = 0", (checked.resource,))
        said = Event("view", record.now(), actor, count=int((held or (0,))[0]), note=note or checked.resource)
        record.logged([said])
        for stored in current(record, db, checked.resource):
            yield from rows_of(wire.read(content(stored)))


def save_view(record: Record, name: str, view: Mapping[str, Any]) -> None:
    """Keep a view in the store, in the place of one of the same name.

    Raises
    ------
    BadInput
        When the view is wrong (code ``bad-view``) or the name is no name (``bad-view-name``).
    """
    if not _NAME.fullmatch(name):
        raise BadInput(
            "a view's name is 1 to 64 letters, digits, '-', '_' and '.'",
            fix="Choose a plain name, such as diabetes-2020",
            code="bad-view-name",
        )
    read_view(view)
    value, row = wire.write(dict(view)), _PREFIX + name

    def work(tx: Any) -> None:
        tx.db.run("DELETE FROM setting WHERE name = ?", (row,))
        tx.db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (row, value))

    record.writer.do(work)


def views(record: Record) -> dict[str, dict[str, Any]]:
    """Every view kept in the store, by name."""
    with record.database.reading() as db:
        rows = db.rows("SELECT name, value FROM setting WHERE name LIKE ? ORDER BY name", (_PREFIX + "%",))
    return {str(name).removeprefix(_PREFIX): json.loads(bytes(value)) for name, value in rows}


def rows(record: Record, name: str, *, actor: str = "suwen") -> Iterator[dict[str, Any]]:
    """Rows of a view kept in the store: what ``record:NAME`` stands for.

    Raises
    ------
    NotFound
        When there is no view of this name (code ``no-view``).
    """
    kept = views(record)
    if name not in kept:
        fix = nearest(name, kept) if kept else "Keep one: suwen records view FILE.json --save NAME"
        raise NotFound(f"the record has no view '{name}'", fix=fix, code="no-view")
    return view_rows(record, kept[name], actor=actor, note=name)
