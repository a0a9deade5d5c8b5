"""An erasure leaves nothing of the patient, keeps the ledger whole, and gives a receipt that can be checked."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from suwen.core.errors import NotFound, SuwenError, Untrusted
from suwen.records import receipts, scrubbing
from suwen.records.erasure import FILES, erase
from suwen.records.exchange.importing import import_files
from suwen.records.exchange.workers import Workers
from suwen.records.files.folder import FileStore
from suwen.records.interactions.messages import Request
from suwen.records.record import Record
from suwen.records.scrubbing import Scrubbed
from suwen.records.store.failures import StorageFull
from suwen.records.verifying import publish_key, verify

CANARIES = {
    "id": "canary-patient-7f3a",
    "family": "Zzyzxqueue",
    "identifier": "MRN-8812-0097",
    "note": "Canary sings in the coal mine",
    "observation": "canary-obs-51",
    "value": "Xylocanary",
    "street": "Rue du Canari 12",
}


def canary_record() -> list[dict[str, Any]]:
    patient = {
        "resourceType": "Patient", "id": CANARIES["id"], "birthDate": "1931-07-09",
        "name": [{"family": CANARIES["family"], "given": ["Ada"]}],
        "identifier": [{"system": "http://hospital", "value": CANARIES["identifier"]}],
        "address": [{"line": [CANARIES["street"]]}],
    }  # fmt: skip
    observation = {
        "resourceType": "Observation", "id": CANARIES["observation"], "status": "final",
        "code": {"text": "c"}, "subject": {"reference": f"Patient/{CANARIES['id']}"},
        "note": [{"text": CANARIES["note"]}], "valueString": CANARIES["value"],
    }  # fmt: skip
    return [patient, observation]


def put(record: Record, resource: dict[str, Any]) -> None:
    path = f"{resource['resourceType']}/{resource['id']}"
    body = json.dumps(resource).encode()
    assert record.perform(Request(method="PUT", path=path, body=body)).status in {200, 201}


def status(record: Record, path: str) -> int:
    try:
        return record.perform(Request(method="GET", path=path)).status
    except SuwenError as error:
        return error.http_status


def found_in(folder: Path, words: list[str]) -> Iterator[tuple[str, str]]:
    """Files that hold one of the words, in any coding one would think of."""
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for word in words:
            raw = word.encode()
            codings = [raw, word.encode("utf-16-le"), word.encode("utf-16-be"), raw.hex().encode()]
            codings += [base64.b64encode(raw[at:])[: len(raw) - 6] for at in range(3)]
            if any(one in data for one in codings):
                yield path.name, word


def test_nothing_is_left_and_others_are_untouched(
    record: Record, tmp_path: Path, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    import_files(
        record, [data_dir / "records" / "synthea_r4" / "p001.json.gz"], actor="t", workers=Workers(0)
    )
    for resource in canary_record():
        put(record, resource)
        put(record, resource | {"language": "en"})
    group = {
        "resourceType": "List", "id": "ward", "status": "current", "mode": "working",
        "subject": {"reference": "Group/g"}, "entry": [{"item": {"reference": f"Patient/{CANARIES['id']}"}}],
    }  # fmt: skip
    put(record, group)
    with record.database.reading() as db:
        (before,) = db.row("SELECT COUNT(*) FROM resource") or ()
        tables = [db.row(f"SELECT COUNT(*) FROM {name}") for name in ("term", "link", "span")]
    receipt = erase(record, CANARIES["id"], actor="tester")
    assert (receipt["resources"], receipt["log_emptied"]) == (2, None if record.database.postgres else True)
    words = list(CANARIES.values())
    assert list(found_in(tmp_path, words)) == []
    assert not any(word in caplog.text for word in words)
    for path in (f"Patient/{CANARIES['id']}", f"Observation/{CANARIES['observation']}"):
        assert status(record, path) == 404
        assert status(record, path + "/_history/1") == 404
    assert status(record, "List/ward") == 200
    with record.database.reading() as db:
        assert db.row("SELECT COUNT(*) FROM resource") == (before - 2,)
        after = [db.row(f"SELECT COUNT(*) FROM {name}") for name in ("term", "link", "span")]
        assert all(a and b and a[0] <= b[0] for a, b in zip(after, tables, strict=True))
        orphans = "SELECT COUNT(*) FROM {} WHERE rid NOT IN (SELECT rid FROM resource)"
        for name in ("term", "link", "span"):
            assert db.row(orphans.format(name)) == (0,), name
    publish_key(record.folder)
    url = record.database.url if record.database.postgres else None
    assert verify(record.folder, url).ok
    with pytest.raises(NotFound) as gone:
        erase(record, CANARIES["id"], actor="tester")
    assert gone.value.code == "no-patient"


def test_a_patient_may_come_back_under_a_new_key(sqlite_record: Record) -> None:
    for resource in canary_record():
        put(sqlite_record, resource)
    first = erase(sqlite_record, CANARIES["id"], actor="tester")
    put(sqlite_record, canary_record()[0])
    assert status(sqlite_record, f"Patient/{CANARIES['id']}") == 200
    assert status(sqlite_record, f"Patient/{CANARIES['id']}/_history/2") == 404
    second = erase(sqlite_record, CANARIES["id"], actor="tester")
    assert first["patient"] == second["patient"]
    assert first["key"] != second["key"]


def test_the_receipt_can_be_checked_and_not_changed(sqlite_record: Record) -> None:
    for resource in canary_record():
        put(sqlite_record, resource)
    receipt = json.loads(json.dumps(erase(sqlite_record, CANARIES["id"], actor="tester")))
    keys = [sqlite_record.signer.public_key()]
    receipts.check(receipt, keys)
    assert not any(word in json.dumps(receipt) for word in CANARIES.values())
    for name in receipt:
        forged = copy.deepcopy(receipt)
        value = forged[name]
        forged[name] = value + 1 if isinstance(value, int) else "x" if isinstance(value, str) else {}
        with pytest.raises(Untrusted):
            receipts.check(forged, keys)
    with pytest.raises(Untrusted):
        receipts.check(receipt, [Ed25519PrivateKey.generate().public_key()])
    for nonsense in (None, [], {}, {"format": receipts.FORMAT}):
        with pytest.raises(Untrusted):
            receipts.check(nonsense, keys)


def test_the_patients_files_go_and_others_stay(sqlite_record: Record) -> None:
    patient = canary_record()[0]
    put(sqlite_record, patient)
    put(sqlite_record, patient | {"id": "other"})
    store = FileStore(sqlite_record.folder / FILES)
    import io

    with sqlite_record.database.reading() as db:
        entries = []
        for ident in (CANARIES["id"], "other"):
            owner = sqlite_record.vault.owner(db, sqlite_record.ref("Patient", ident))
            key = sqlite_record.vault.cipher(db, owner or 0).derive(FILES)
            entries.append(store.put(key, io.BytesIO(b"x" * 100_000)))
    assert erase(sqlite_record, CANARIES["id"], actor="tester")["files"] == 1
    assert list(store.shelf) == [entries[1].file_id]


def test_copies_in_free_space_are_found_and_removed(sqlite_record: Record) -> None:
    """Rows that grow move to other pages, and SQLite leaves their old bytes behind."""
    database, random = sqlite_record.database, Random(3)
    ids = [f"{'other' if number % 3 else 'canary'}-{number:05d}" for number in range(4000)]
    names = [("Basic", one) for one in ids if one.startswith("canary")]
    with database.writing() as db:
        rows = [(at * 3, at, "Basic", one, at % 3) for at, one in enumerate(ids)]
        db.run_many("INSERT INTO resource VALUES (?, ?, ?, ?, 0, 1, 0, ?, 0, 0, x'00')", rows)
    for _ in range(10):
        with database.writing() as db:
            grown = [(random.choice((10, 100, 900, 5000)), random.randrange(1, 4000) * 3) for _ in range(800)]
            db.run_many("UPDATE resource SET entries = zeroblob(?) WHERE rid = ?", grown)
    with database.writing() as db:
        db.run("DELETE FROM resource WHERE owner = 0")
    assert scrubbing.scrub(database, [], compact=False) == Scrubbed(log_emptied=True, compacted=False)
    assert scrubbing.remnants(database.path, names)
    assert scrubbing.scrub(database, names, compact=False) == Scrubbed(log_emptied=True, compacted=True)
    assert not scrubbing.remnants(database.path, names)
    assert b"canary-" not in database.path.read_bytes()


def test_somebody_reading_is_told(sqlite_record: Record) -> None:
    for resource in canary_record():
        put(sqlite_record, resource)
    reader = sqlite3.connect(sqlite_record.database.path, isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM resource").fetchone()
        reader.execute("SELECT 1")
        receipt = erase(sqlite_record, CANARIES["id"], actor="tester")
        assert not receipt["log_emptied"]
    finally:
        reader.close()


def test_many_resources_are_erased(sqlite_record: Record, data_dir: Path) -> None:
    path = data_dir / "records" / "synthea_r4" / "big_3010268.json.gz"
    import_files(sqlite_record, [path], actor="tester", workers=Workers(0))
    entries = json.loads(gzip.decompress(path.read_bytes()))["entry"]
    with sqlite_record.database.reading() as db:
        (ident, owner) = db.row("SELECT id, owner FROM resource WHERE type = 'Patient'") or ()
        ids = [row[0] for row in db.rows("SELECT id FROM resource WHERE owner = ?", (owner,))]
    receipt = erase(sqlite_record, ident, actor="tester", compact=True)
    assert receipt["resources"] == len(ids) > 0.9 * len(entries)
    assert receipt["compacted"]
    assert list(found_in(sqlite_record.folder, ids[:50])) == []


def test_an_erasure_that_cannot_be_tidied_still_gives_its_receipt(
    sqlite_record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for resource in canary_record():
        put(sqlite_record, resource)

    def full(*_: object) -> None:
        raise StorageFull("there is no space left for the record")

    connect = sqlite_record.database.connect
    calls: list[int] = []

    def second_fails() -> Any:
        calls.append(1)
        return full() if len(calls) == 2 else connect()

    monkeypatch.setattr(sqlite_record.database, "connect", second_fails)
    receipt = erase(sqlite_record, CANARIES["id"], actor="tester", compact=True)
    assert (receipt["compacted"], receipt["resources"]) == (False, 2)
    receipts.check(receipt, [sqlite_record.signer.public_key()])
