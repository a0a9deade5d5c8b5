"""A full disk and a locked database: said clearly, nothing acknowledged lost, and on it goes afterwards."""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from suwen.records.interactions.messages import Request
from suwen.records.ledger.verify import verify_store
from suwen.records.record import Record
from suwen.records.store import database
from suwen.records.store.failures import StorageFull, Unavailable

SOON_MS = 200
"""Busy timeout of these tests."""
ROOM_BYTES = 600_000
"""What the server below may still write to one file: tables and their write-ahead log."""


def _note(ident: str, size: int = 0) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": ident, "code": {"text": "x" * size or "note"}}


def _put(record: Record, ident: str, size: int = 0) -> int:
    return record.perform(Request(method="PUT", path=f"Basic/{ident}", resource=_note(ident, size))).status


def _stored(record: Record) -> set[str]:
    with record.database.reading() as db:
        return {row[0] for row in db.rows("SELECT id FROM resource")}


def _verified(record: Record) -> bool:
    with record.database.reading() as db:
        return verify_store(db, [record.signer.public_key()]).ok


def _fill_up(record: Record) -> set[str]:
    """Write until the store is full; what was acknowledged."""
    done: set[str] = set()
    with pytest.raises(StorageFull) as full:
        for at in range(1000):
            _put(record, f"n{at}", 20_000)
            done.add(f"n{at}")
    assert full.value.http_status == 507
    assert full.value.fix
    return done


def _limit_pages(record: Record, more: int) -> None:
    """Let the database grow by so many pages and no further; the limit holds for the writer's connection."""
    with record.database.writing() as db:
        pages = db.row("PRAGMA page_count")
        assert pages is not None
        db.row(f"PRAGMA max_page_count = {pages[0] + more}")


def test_a_full_database_loses_nothing_and_goes_on(sqlite_record: Record) -> None:
    _put(sqlite_record, "first")
    _limit_pages(sqlite_record, 60)
    done = _fill_up(sqlite_record)
    assert _stored(sqlite_record) == done | {"first"}
    with pytest.raises(StorageFull):  # a second time as clearly as the first
        _put(sqlite_record, "late", 20_000)
    _limit_pages(sqlite_record, 10_000)
    assert _put(sqlite_record, "late", 20_000) == 201
    assert _stored(sqlite_record) == done | {"first", "late"}
    assert _verified(sqlite_record)


def test_a_full_database_undoes_whole_transactions(sqlite_record: Record) -> None:
    _limit_pages(sqlite_record, 60)
    entries = [
        {"request": {"method": "PUT", "url": f"Basic/t{at}"}, "resource": _note(f"t{at}", 20_000)}
        for at in range(100)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    with pytest.raises(StorageFull):
        sqlite_record.perform(Request(method="POST", path="", resource=bundle))
    assert _stored(sqlite_record) == set()
    assert _verified(sqlite_record)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Another program in the middle of writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_MS", SOON_MS)
    with Record.open(tmp_path) as record:
        _put(record, "before")
        with _locked(record.database.path):
            for _ in range(2):
                with pytest.raises(Unavailable) as locked:
                    _put(record, "during")
                assert locked.value.code == "store-locked"
                assert locked.value.http_status == 503
        assert _stored(record) == {"before"}
        assert _put(record, "after") == 201
        assert _stored(record) == {"before", "after"}
        assert _verified(record)


def test_a_locked_database_is_no_reason_to_wait_for_ever_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", SOON_MS)
    with Record.open(tmp_path) as record:
        path = record.database.path
    with _locked(path), pytest.raises(Unavailable) as locked:
        Record.open(tmp_path)
    assert locked.value.code == "store-locked"
    with Record.open(tmp_path) as record:
        assert _put(record, "after") == 201


@contextmanager
def _served(store: Path, log: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "suwen", "serve", "--store", str(store), "--port", "0"],
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            assert "http://" in said, log.read_text()
            with httpx.Client(
                base_url=said[said.index("http://") :].split()[0] + "/fhir", timeout=30
            ) as client:
                yield server, client
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=30)


@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="only Linux limits a running process from outside"
)
def test_a_server_on_a_full_disk(tmp_path: Path) -> None:
    """The server may write no more: 507 for everybody. Space is back: it goes on, without a restart."""
    store, log = tmp_path / "store", tmp_path / "log"
    with _served(store, log) as (server, client):
        assert client.put("/Basic/first", json=_note("first")).status_code == 201
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, resource.RLIM_INFINITY))
        done = ["first"]
        for at in range(200):
            answer = client.put(f"/Basic/n{at}", json=_note(f"n{at}", 20_000))
            if answer.status_code != 201:
                break
            done.append(f"n{at}")
        assert answer.status_code == 507
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert outcome["issue"][0]["code"] == "no-store"
        assert "xxx" not in answer.text
        free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, free)
        assert client.put("/Basic/late", json=_note("late", 20_000)).status_code == 201
        assert all(client.get(f"/Basic/{ident}").status_code == 200 for ident in [*done, "late"])
    with Record.open(store) as record:
        assert _stored(record) == {*done, "late"}
        assert _verified(record)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert not any("xxx" in str(line) for line in lines)
