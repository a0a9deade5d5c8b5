"""New master keys for old, while others read and write; nothing is lost, old keys are gone."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import Conflict, Refused
from suwen.records import rotation
from suwen.records.interactions.messages import Request
from suwen.records.keys.keyring import VARIABLE
from suwen.records.keys.wrap import MasterKey
from suwen.records.ledger.events import decode
from suwen.records.record import Record
from suwen.records.rotation import masters, rotate


def put(record: Record, ident: str) -> None:
    body = json.dumps({"resourceType": "Patient", "id": ident}).encode()
    record.perform(Request(method="PUT", path=f"Patient/{ident}", body=body))


def read(record: Record, ident: str) -> int:
    return record.perform(Request(method="GET", path=f"Patient/{ident}")).status


def actions(record: Record) -> list[str]:
    with record.database.reading() as db:
        return [decode(bytes(row[0])).action for row in db.rows("SELECT entry FROM leaf ORDER BY position")]


def test_everything_is_under_the_new_key_and_opens(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    for number in range(30):
        put(record, f"p{number}")
    (old,) = masters(record)
    told: list[int] = []
    result = rotate(record, actor="tester", progress=told.append)
    assert (result.retired, result.kept, result.rewrapped) == ((old["id"],), (), 32)
    assert told[-1] == 32
    (new,) = masters(record)
    assert (new["id"], new["current"], new["keys"]) == (result.current, True, 32)
    assert {"key-rotate", "key-retire"} <= set(actions(record))
    url = record.database.url if record.database.postgres else None
    record.close()
    assert old["id"] not in (tmp_path / "store" / "keys" / "master.json").read_text()
    with Record.open(tmp_path / "store", url) as again:
        assert {read(again, f"p{number}") for number in range(30)} == {200}


def test_old_keys_may_be_kept(sqlite_record: Record) -> None:
    put(sqlite_record, "a")
    (old,) = masters(sqlite_record)
    result = rotate(sqlite_record, actor="tester", keep_old=True)
    assert (result.retired, result.kept) == ((), (old["id"],))
    assert [(key["id"], key["keys"]) for key in masters(sqlite_record)] == [
        (old["id"], 0),
        (result.current, 3),
    ]
    assert rotate(sqlite_record, actor="tester").retired == (old["id"], result.current)


def test_others_read_and_write_meanwhile(sqlite_record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 5)
    for number in range(20):
        put(sqlite_record, f"p{number}")
    done, failures, written = threading.Event(), [], []

    def work() -> None:
        number = 0
        while not done.is_set():
            try:
                put(sqlite_record, f"new{number}")
                assert read(sqlite_record, f"p{number % 20}") == 200
                written.append(f"new{number}")
            except Exception as error:
                failures.append(error)
                return
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(3):
        rotate(sqlite_record, actor="tester")
    done.set()
    thread.join()
    assert failures == []
    assert written
    assert len(masters(sqlite_record)) == 1
    for owner in [row[0] for row in _rows(sqlite_record)]:
        sqlite_record.vault.forget(owner)
    assert {read(sqlite_record, ident) for ident in (*written, "p0")} == {200}


def _rows(record: Record) -> list[Any]:
    with record.database.reading() as db:
        return db.rows("SELECT owner FROM data_key")


def test_a_key_still_in_use_is_looked_for_again(
    sqlite_record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may wrap under the old key after the sweep."""
    put(sqlite_record, "a")
    retire, calls = sqlite_record.vault.retire, []

    def late(db: Any, key: str) -> None:
        calls.append(key)
        if len(calls) == 1:
            raise Conflict("1 keys are still under the master key", code="master-in-use")
        retire(db, key)

    monkeypatch.setattr(sqlite_record.vault, "retire", late)
    assert len(rotate(sqlite_record, actor="tester").retired) == 1
    assert len(calls) == 2


def test_a_key_given_by_the_environment_cannot_be_rotated_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = MasterKey.generate()
    monkeypatch.setenv(VARIABLE, key.to_text())
    with Record.open(tmp_path / "store") as record:
        put(record, "a")
        assert masters(record) == [{"id": key.key_id, "created": None, "current": True, "keys": 3}]
        with pytest.raises(Refused) as refused:
            rotate(record, actor="tester")
    assert refused.value.code == "keyring-fixed"
