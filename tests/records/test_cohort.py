"""Views over the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import BadInput, NotFound
from suwen.records.cohort import rows, save_view, view_rows, views
from suwen.records.exchange import exporting
from suwen.records.exchange.importing import import_files
from suwen.records.exchange.workers import Workers
from suwen.records.fhir.views import run_view
from suwen.records.ledger.events import decode
from suwen.records.record import Record

VIEW: dict[str, Any] = {
    "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "sex", "path": "gender"}]}],
    "where": [{"path": "gender = 'female'"}],
}


def test_rows_are_those_of_the_pure_function(
    record: Record, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip
    import json

    monkeypatch.setattr(exporting, "PAGE", 3)
    path = data_dir / "records" / "bulk10" / "Patient.ndjson.gz"
    import_files(record, [path], actor="tester", workers=Workers(0))
    resources = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    expected = run_view(VIEW, resources)
    assert list(view_rows(record, VIEW, actor="tester")) == expected
    assert 0 < len(expected) < len(resources)
    save_view(record, "women", VIEW)
    assert list(rows(record, "women", actor="tester")) == expected
    with record.database.reading() as db:
        (last,) = db.row("SELECT entry FROM leaf ORDER BY position DESC LIMIT 1") or ()
    event = decode(bytes(last))
    assert (event.action, event.note, event.count) == ("view", "women", len(resources))


def test_views_are_kept_by_name(sqlite_record: Record) -> None:
    save_view(sqlite_record, "women", VIEW)
    save_view(sqlite_record, "women", VIEW | {"where": []})
    assert views(sqlite_record) == {"women": VIEW | {"where": []}}
    with pytest.raises(NotFound) as missing:
        rows(sqlite_record, "wimen")
    assert "women" in str(missing.value)
    with pytest.raises(BadInput):
        save_view(sqlite_record, "a/b", VIEW)
    with pytest.raises(BadInput):
        save_view(sqlite_record, "bad", {"resource": "Patient"})
