"""``suwen records import``: everything once, whatever happens, and what is wrong is told."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import Conflict, NotFound
from suwen.records.exchange import importing, workers
from suwen.records.exchange.importing import Import, import_files
from suwen.records.exchange.workers import Workers, default_workers
from suwen.records.ledger.events import decode
from suwen.records.record import Record
from suwen.records.store.failures import StorageFull
from suwen.records.verifying import publish_key, verify

INLINE = Workers(0)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder for files to import, beside the store."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def take(record: Record, *paths: Path, **more: Any) -> Import:
    return import_files(record, paths, actor="tester", workers=INLINE, **more)


def count(record: Record, table: str = "resource") -> int:
    with record.database.reading() as db:
        row = db.row(f"SELECT COUNT(*) FROM {table}")
    return int(row[0]) if row else 0


def write(folder: Path, name: str, *resources: Any) -> Path:
    path = folder / name
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in resources))
    return path


def patient(ident: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": ident, **more}


def test_real_bundles_and_lines_once(record: Record, data_dir: Path) -> None:
    folder = data_dir / "records"
    paths = [folder / "synthea_r4" / "p001.json.gz", folder / "bulk10" / "Patient.ndjson.gz"]
    progress: list[tuple[int, int, int]] = []
    first = take(record, *paths, progress=lambda *told: progress.append(told))
    stored = count(record)
    assert (first.imported, first.rejected, first.skipped) == (stored, 0, 0)
    assert stored > 50
    assert progress[-1] == (sum(path.stat().st_size for path in paths),) * 2 + (stored,)
    again = take(record, *paths)
    assert (again.imported, again.skipped, count(record)) == (0, stored, stored)
    with record.database.reading() as db:
        events = [decode(bytes(entry)) for (entry,) in db.rows("SELECT entry FROM leaf ORDER BY position")]
    assert [event.count for event in events if event.action == "import"] == [stored, 0]
    assert {event.actor for event in events} == {"tester", "system"}


def test_importing_again_on_purpose_updates_what_has_an_id(sqlite_record: Record, inbox: Path) -> None:
    path = write(inbox, "x.ndjson", patient("a"), patient("b"))
    assert take(sqlite_record, path).imported == 2
    assert take(sqlite_record, path, repeat=True).imported == 2
    assert (count(sqlite_record), count(sqlite_record, "version")) == (2, 4)


def test_the_same_content_under_another_name_is_known(sqlite_record: Record, inbox: Path) -> None:
    write(inbox, "a.ndjson", patient("a"), patient("b"))
    write(inbox, "b.ndjson", patient("a"), patient("b"))
    result = take(sqlite_record, inbox)
    assert (result.imported, result.skipped, result.files) == (2, 2, 2)


def test_bad_lines_are_told_each_time_and_do_not_stop_the_rest(sqlite_record: Record, inbox: Path) -> None:
    path = write(inbox, "x.ndjson", patient("a"), '{"resourceType": "Pat', patient("b"), patient("c d"))
    told: list[dict[str, Any]] = []
    for imported, skipped in ((2, 0), (0, 2)):
        result = take(sqlite_record, path, on_error=told.append)
        assert (result.imported, result.rejected, result.skipped) == (imported, 2, skipped)
        assert [(error["file"], error["line"]) for error in result.errors] == [(str(path), 2), (str(path), 4)]
    assert [error["code"] for error in told] == ["invalid-json", "invalid-resource"] * 2
    assert count(sqlite_record) == 2


def test_only_what_changed_of_a_corrected_file_is_imported(
    sqlite_record: Record, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suwen.records.exchange.sources.PIECE_LINES", 2)
    lines: list[Any] = [patient("a"), patient("b"), "{oops", patient("d"), patient("e")]
    take(sqlite_record, write(inbox, "x.ndjson", *lines))
    lines[2] = patient("c")
    result = take(sqlite_record, write(inbox, "x.ndjson", *lines))
    assert (result.imported, result.skipped, result.rejected) == (2, 3, 0)


def test_files_that_cannot_be_read_are_told(sqlite_record: Record, inbox: Path) -> None:
    (inbox / "LICENSE").write_text("Apache")
    (inbox / "cut.json.gz").write_bytes(gzip.compress(json.dumps(patient("a")).encode())[:-8])
    (inbox / "deep.json").write_text("[" * 100)
    (inbox / "picture.json").write_bytes(b"\x89PNG")
    (inbox / "empty.ndjson").write_text("")
    result = take(sqlite_record, inbox)
    assert result.nothing_read
    assert {Path(error["file"]).name: error["code"] for error in result.errors} == {
        "cut.json.gz": "bad-gzip",
        "deep.json": "no-fhir",
        "picture.json": "no-fhir",
    }
    named = take(sqlite_record, inbox / "LICENSE")
    assert [error["code"] for error in named.errors] == ["no-fhir"]
    with pytest.raises(NotFound):
        take(sqlite_record, inbox / "none")


def test_errors_are_counted_beyond_those_that_are_listed(
    sqlite_record: Record, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_ERRORS", 3)
    result = take(sqlite_record, write(inbox, "x.ndjson", *["{oops"] * 10))
    assert (result.rejected, len(result.errors)) == (10, 3)


def _conditional(reference: str) -> dict[str, Any]:
    encounter = {
        "resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
        "participant": [{"individual": {"reference": reference}}],
    }  # fmt: skip
    request = {"method": "POST", "url": "Encounter"}
    entry = {"fullUrl": "urn:uuid:1", "resource": encounter, "request": request}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def test_a_condition_may_be_met_by_a_later_file(sqlite_record: Record, inbox: Path) -> None:
    write(inbox, "a.json", _conditional("Practitioner?identifier=http://npi|1"))
    write(inbox, "b.json", _conditional("Practitioner?identifier=http://npi|none"))
    doctor = {
        "resourceType": "Practitioner",
        "id": "d",
        "identifier": [{"system": "http://npi", "value": "1"}],
    }
    write(inbox, "z.json", doctor)
    result = take(sqlite_record, inbox)
    assert (result.imported, result.rejected) == (2, 1)
    assert [(Path(one["file"]).name, one["code"]) for one in result.errors] == [("b.json", "no-match")]
    with sqlite_record.database.reading() as db:
        (rid,) = db.row("SELECT rid FROM resource WHERE type = 'Encounter'") or ()
        (encounter,) = sqlite_record.reading.parsed(db, [rid]).values()
    assert encounter["participant"][0]["individual"]["reference"] == "Practitioner/d"


def test_a_full_disk_stops_the_import_and_it_goes_on_later(
    sqlite_record: Record, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suwen.records.exchange.sources.PIECE_LINES", 1)
    path = write(inbox, "x.ndjson", *map(patient, "abcd"))
    apply, calls = sqlite_record.changes.apply, []

    def full(*arguments: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise StorageFull("there is no space left for the record")
        return apply(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_record.changes, "apply", full)
        with pytest.raises(StorageFull):
            take(sqlite_record, path)
    result = take(sqlite_record, path)
    assert result.imported + result.skipped == 4
    assert count(sqlite_record) == count(sqlite_record, "version") == 4


def test_processes_do_the_same(sqlite_record: Record, data_dir: Path) -> None:
    folder = data_dir / "records"
    with Workers(1) as helpers:
        helpers._up[0].result()
        paths = [folder / "synthea_r4" / "p002.json.gz", folder / "bulk10" / "Device.ndjson.gz"]
        result = import_files(sqlite_record, paths, actor="tester", workers=helpers)
    assert result.imported == count(sqlite_record) > 50
    assert result.rejected == 0


def test_processes_are_started_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_workers(1000) == 0
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert (default_workers(1 << 20), default_workers(1 << 30)) == (1, 2)
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda _: set(range(32)), raising=False)
    assert default_workers(1 << 30) == workers.MOST
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert default_workers(1 << 30) == 0


def test_a_killed_process_is_told_and_the_import_goes_on_later(sqlite_record: Record, data_dir: Path) -> None:
    folder = data_dir / "records" / "bulk10"
    with Workers(1) as helpers:
        helpers._up[0].result()
        assert helpers._pool is not None
        for process in helpers._pool._processes.values():
            process.kill()
        with pytest.raises(Conflict) as lost:
            import_files(sqlite_record, [folder / "Device.ndjson.gz"], actor="t", workers=helpers)
    assert lost.value.code == "worker-lost"
    assert take(sqlite_record, folder / "Device.ndjson.gz").imported > 0


def test_killed_it_goes_on_and_writes_nothing_twice(tmp_path: Path, data_dir: Path) -> None:
    folder, store = data_dir / "records" / "synthea_r4", tmp_path / "store"
    words = [sys.executable, "-m", "suwen", "records", "import", str(folder), "--store", str(store)]
    process = subprocess.Popen([*words, "--workers", "0"], stdout=subprocess.DEVNULL, env=os.environ | {})
    _wait_for(lambda: _rows(store / "record.db") > 300, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Record.open(store) as record:
        before = count(record)
        result = take(record, folder)
        assert 300 < before < 3955
        assert (result.skipped, result.imported, result.rejected) == (before, 3955 - before, 0)
        assert count(record) == count(record, "version") == 3955
    publish_key(store)
    assert verify(store, None).ok


def _rows(path: Path) -> int:
    if not path.exists():
        return 0
    raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(raw.execute("SELECT COUNT(*) FROM resource").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        raw.close()


def _wait_for(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, "it was done before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.01)
