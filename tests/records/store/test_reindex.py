"""A store whose indexes were laid out differently is indexed again when it is opened."""

from __future__ import annotations

import json
from pathlib import Path

from suwen.records.interactions.messages import Request
from suwen.records.record import Record
from suwen.records.store.reindex import LAYOUT


def _total(record: Record, path: str, *query: tuple[str, str]) -> int:
    answer = record.perform(Request(method="GET", path=path, query=list(query)))
    return int(json.loads(answer.body)["total"])


def test_another_layout_is_indexed_anew(record: Record, tmp_path: Path) -> None:
    for number in range(3):
        patient = {"resourceType": "Patient", "id": f"p{number}", "name": [{"family": f"Han{number}"}]}
        record.perform(Request(method="PUT", path=f"Patient/p{number}", resource=patient))
    record.perform(Request(method="DELETE", path="Patient/p2"))
    url = record.database.url if record.database.postgres else None
    with record.database.writing() as db:
        db.run("UPDATE setting SET value = ? WHERE name = ?", (b"of another version", LAYOUT))
        db.run("DELETE FROM term")
        db.run("UPDATE resource SET present = 0")
    assert _total(record, "Patient", ("name", "han")) == 0
    with Record.open(record.folder, url) as again:
        assert _total(again, "Patient", ("name", "han")) == 2
        assert _total(again, "Patient", ("name:missing", "false")) == 2
        with again.database.reading() as db:
            (found,) = db.row("SELECT value FROM setting WHERE name = ?", (LAYOUT,)) or (None,)
        assert bytes(found or b"").decode() == again.indexer.layout


def test_a_current_layout_is_left_alone(sqlite_record: Record) -> None:
    from suwen.records.store.reindex import bring_up_to_date

    sqlite_record.perform(
        Request(method="PUT", path="Patient/a", resource={"resourceType": "Patient", "id": "a"})
    )
    with sqlite_record.database.writing() as db:
        assert bring_up_to_date(db, sqlite_record.indexer, sqlite_record.reading) == 0
