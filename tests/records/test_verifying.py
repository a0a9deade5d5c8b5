"""A copy of a store verifies offline: without secret keys, read-only, against an earlier tree head."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from suwen.core.errors import NotFound, Untrusted
from suwen.records.interactions.messages import Request
from suwen.records.record import Record
from suwen.records.verifying import head, public_keys, publish_key, verify


def put(record: Record, ident: str) -> None:
    body = json.dumps({"resourceType": "Patient", "id": ident}).encode()
    record.perform(Request(method="PUT", path=f"Patient/{ident}", body=body))


@pytest.fixture
def copy(sqlite_record: Record, tmp_path: Path) -> Path:
    """A copy of a closed store, of which nobody took the secret keys."""
    for number in range(5):
        put(sqlite_record, f"p{number}")
    sqlite_record.close()
    folder = tmp_path / "copy"
    (folder / "keys").mkdir(parents=True)
    shutil.copy(sqlite_record.database.path, folder)
    shutil.copy(publish_key(sqlite_record.folder) or "", folder / "keys")
    return folder


def test_a_copy_verifies_and_is_not_touched(copy: Path, listing: object) -> None:
    before = {path.name: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    verdict = verify(copy, None)
    assert (verdict.ok, verdict.problems) == (True, ())
    assert verdict.tree_size == head(copy, None).size
    assert {path.name: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_live_store_verifies_with_what_is_in_its_log(sqlite_record: Record) -> None:
    put(sqlite_record, "a")
    publish_key(sqlite_record.folder)
    first = head(sqlite_record.folder, None)
    put(sqlite_record, "b")
    assert verify(sqlite_record.folder, None).tree_size == head(sqlite_record.folder, None).size > first.size


def test_it_is_held_against_an_earlier_head(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "head").write_text(head(copy, None).note)
    assert verify(copy, None, against=tmp_path / "head").ok
    raw = sqlite3.connect(copy / "record.db")
    size = raw.execute("SELECT MAX(size) FROM head").fetchone()[0]
    raw.execute("DELETE FROM head WHERE size = ?", (size,))
    (left,) = raw.execute("SELECT MAX(size) FROM head").fetchone()
    raw.execute("DELETE FROM leaf WHERE position >= ?", (left,))
    raw.execute("DELETE FROM version WHERE seq = (SELECT MAX(seq) FROM version)")
    raw.commit()
    raw.close()
    assert not verify(copy, None, against=tmp_path / "head").ok


def test_a_flipped_bit_is_found(copy: Path) -> None:
    raw = sqlite3.connect(copy / "record.db")
    raw.execute("UPDATE leaf SET entry = replace(entry, 'anonymous', 'anonymouz') WHERE position = 1")
    raw.commit()
    raw.close()
    assert not verify(copy, None).ok


def test_other_keys_are_not_believed(copy: Path, tmp_path: Path) -> None:
    with Record.open(tmp_path / "other") as other:
        strange = publish_key(other.folder)
    assert strange is not None
    own = copy / "keys" / "ledger.pub"
    assert not verify(copy, None, keys=[strange]).ok
    assert verify(copy, None, keys=[strange, own]).ok
    both = tmp_path / "both.pem"
    both.write_bytes(strange.read_bytes() + own.read_bytes())
    assert len(public_keys(None, [both])) == 2
    (tmp_path / "no.pem").write_text("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n")
    for path in (tmp_path / "no.pem", copy / "record.db"):
        with pytest.raises(Untrusted) as bad:
            public_keys(None, [path])
        assert bad.value.code == "bad-public-key"


def test_what_is_missing_is_named(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as none:
        verify(tmp_path / "nowhere", None, keys=[copy / "keys" / "ledger.pub"])
    assert none.value.code == "no-record"
    (copy / "keys" / "ledger.pub").unlink()
    with pytest.raises(NotFound) as keyless:
        verify(copy, None)
    assert keyless.value.code == "no-public-key"
    with Record.open(tmp_path / "empty"), pytest.raises(NotFound) as empty:
        head(tmp_path / "empty", None)
    assert empty.value.code == "empty-ledger"
