"""A store altered behind its back: found offline, from one earlier tree head, with the public key alone.

What cannot be found is that the newest commits were cut off whole, heads and all, down to the kept head itself:
such a store is what it honestly was at that moment. So keep a new head now and then.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suwen.core.errors import Untrusted
from suwen.records.interactions.messages import Request
from suwen.records.keys.signing import public_pem
from suwen.records.ledger import checkpoint
from suwen.records.ledger.verify import Verdict, verify_store
from suwen.records.record import ORIGIN, Record
from suwen.records.store import migrations
from suwen.records.store.database import Database
from suwen.records.verifying import head, publish_key, verify

EARLY, LATE = 160, 60
"""Observations in each of two fillings before the kept head, and after it; 256 leaves make a ``node`` row."""


@dataclass(frozen=True)
class Witnessed:
    """A store, and what somebody else keeps of it: a tree head and the public key. And an older copy."""

    folder: Path
    older: Path
    head: Path
    public: Path

    def verify(self, folder: Path, *more_keys: Path) -> Verdict:
        """What ``suwen records verify --against`` says of a folder that holds the database alone."""
        assert not (folder / "keys").exists()
        return verify(folder, None, keys=[self.public, *more_keys], against=self.head)


def _observation(patient: str, value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value, "unit": "/min"},
    }


def _transaction(record: Record, asked: list[tuple[str, str, dict[str, Any] | None]]) -> None:
    entries = [
        {"request": {"method": method, "url": url}} | ({"resource": resource} if resource else {})
        for method, url, resource in asked
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert record.perform(Request(method="POST", path="", resource=bundle)).status == 200


def _fill(record: Record, number: int, start: int) -> None:
    """Patients and their observations under chosen ids, two updates, one deletion, one read, one search."""
    _transaction(
        record,
        [("PUT", f"Patient/{name}", {"resourceType": "Patient", "id": name}) for name in ("a", "b")]
        + [
            ("PUT", f"Observation/o{at}", _observation("ab"[at % 2], at) | {"id": f"o{at}"})
            for at in range(start, start + number)
        ],
    )
    name = f"o{start}"
    for value in (71.0, 72.0):
        _transaction(record, [("PUT", f"Observation/{name}", _observation("a", value) | {"id": name})])
    _transaction(record, [("DELETE", f"Observation/o{start + 1}", None)])
    record.perform(Request(method="GET", path=f"Observation/{name}"))
    record.perform(Request(method="GET", path="Observation", query=[("code", "8867-4")]))


def _alone(database: Path, folder: Path) -> Path:
    """A folder with a copy of a database and nothing else."""
    folder.mkdir(parents=True)
    shutil.copy(database, folder / "record.db")
    return folder


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Witnessed:
    place = tmp_path_factory.mktemp("witnessed")
    store, kept = place / "store", place / "head"
    with Record.open(store) as record:
        _fill(record, EARLY, 0)
    older = _alone(store / "record.db", place / "older")
    with Record.open(store) as record:
        _fill(record, EARLY, 1000)
        kept.write_text(head(store, None).note)
        _fill(record, LATE, 2000)
        public = publish_key(store)
    assert public is not None
    return Witnessed(store, older, kept, Path(shutil.copy(public, place)))


@pytest.fixture
def copy(witnessed: Witnessed, tmp_path: Path) -> Path:
    """The database alone, without the store's keys."""
    return _alone(witnessed.folder / "record.db", tmp_path / "copy")


def _flip(data: bytes, place: float = 0.5, bit: int = 0) -> bytes:
    at = int(place * (len(data) - 1))
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def _forge(note: str) -> str:
    """The same tree head, signed by somebody else."""
    return checkpoint.sign(checkpoint.parse(note), Ed25519PrivateKey.generate())


def _alter(folder: Path, sql: str) -> None:
    """Alter a database with a script that may call ``flip`` and ``forge``."""
    with closing(sqlite3.connect(folder / "record.db")) as raw:
        raw.create_function("flip", -1, _flip)
        raw.create_function("forge", 1, _forge)
        before = raw.total_changes
        raw.executescript(sql)
        raw.commit()
        assert raw.total_changes > before, "nothing was altered"


_POINT_AT_LAST = (
    "UPDATE resource SET (seq, version, updated, owner, deleted) = (SELECT seq, version, updated, owner, "
    "body IS NULL FROM version v WHERE v.rid = resource.rid ORDER BY v.version DESC LIMIT 1);"
)
_UPDATED = "(SELECT rid FROM resource WHERE version = 3 AND deleted = 0 LIMIT 1)"
"""A resource of three versions. Row 9 and row 11 of ``version`` are two observations of one patient."""
_SWAP_LEAVES = (
    "CREATE TEMP TABLE kept AS SELECT * FROM leaf WHERE position IN ({0}, {1});"
    "UPDATE leaf SET entry = (SELECT entry FROM kept WHERE kept.position = {0} + {1} - leaf.position) "
    "WHERE position IN ({0}, {1})"
)

TAMPERS = {
    "first leaf flipped": "UPDATE leaf SET entry = flip(entry) WHERE position = 0",
    "leaf before the head flipped": "UPDATE leaf SET entry = flip(entry) WHERE position = 100",
    "last leaf flipped": "UPDATE leaf SET entry = flip(entry) WHERE position = (SELECT max(position) FROM leaf)",
    "leaf removed": "DELETE FROM leaf WHERE position = 40",
    "leaf removed, the rest moved up": "DELETE FROM leaf WHERE position = 40;"
    "UPDATE leaf SET position = -position WHERE position > 40;"
    "UPDATE leaf SET position = -position - 1 WHERE position < 0",
    "leaf inserted, the rest moved down": "UPDATE leaf SET position = -position - 1 WHERE position >= 40;"
    "UPDATE leaf SET position = -position WHERE position < 0;"
    "INSERT INTO leaf SELECT 40, entry FROM leaf WHERE position = 39",
    "neighbouring leaves swapped": _SWAP_LEAVES.format(40, 41),
    "distant leaves swapped": _SWAP_LEAVES.format(20, 250),
    "leaf appended under no head": "INSERT INTO leaf SELECT max(position) + 1, entry FROM leaf",
    "last leaf cut off": "DELETE FROM leaf WHERE position = (SELECT max(position) FROM leaf)",
    "tail cut off with its heads": "DELETE FROM head WHERE size > "
    "(SELECT size FROM head ORDER BY size DESC LIMIT 1 OFFSET 5);"
    "DELETE FROM leaf WHERE position >= (SELECT max(size) FROM head)",
    "all cut back to before the kept head": "DELETE FROM head WHERE size > (SELECT min(size) FROM head);"
    "DELETE FROM leaf WHERE position >= (SELECT max(size) FROM head);"
    "DELETE FROM node WHERE (position + 1) << level > (SELECT max(size) FROM head);"
    "DELETE FROM version WHERE updated > (SELECT updated FROM version WHERE seq = 1);"
    "DELETE FROM resource WHERE rid NOT IN (SELECT rid FROM version);" + _POINT_AT_LAST,
    "head removed": "DELETE FROM head WHERE size = (SELECT size FROM head ORDER BY size LIMIT 1 OFFSET 2)",
    "heads dated anew": "UPDATE head SET checkpoint = replace(checkpoint, 'time 1', 'time 2')",
    "head signed by another key": "UPDATE head SET checkpoint = forge(checkpoint) "
    "WHERE size = (SELECT max(size) FROM head)",
    "frontier changed": "UPDATE head SET frontier = flip(frontier) WHERE size = (SELECT max(size) FROM head)",
    "stored subtree changed": "UPDATE node SET hash = flip(hash)",
    "stored subtree removed": "DELETE FROM node",
    "body changed": "UPDATE version SET body = flip(body) WHERE seq = 9",
    "body replaced by the one before": "UPDATE version SET body = (SELECT body FROM version o "
    f"WHERE o.rid = version.rid AND o.version = 2) WHERE version = 3 AND rid = {_UPDATED}",
    "bodies swapped": "CREATE TEMP TABLE kept AS SELECT seq, body FROM version WHERE seq IN (9, 11);"
    "UPDATE version SET body = (SELECT body FROM kept WHERE kept.seq = 20 - version.seq) WHERE seq IN (9, 11)",
    "body removed": "UPDATE version SET body = NULL WHERE seq = 9",
    "version removed": "DELETE FROM version WHERE seq = 9",
    "update undone": f"DELETE FROM version WHERE version = 3 AND rid = {_UPDATED};" + _POINT_AT_LAST,
    "version inserted": "INSERT INTO version SELECT (SELECT max(seq) FROM version) + 1, rid, 99, updated, "
    "method, owner, body FROM version WHERE seq = 9",
    "version renumbered": "UPDATE version SET version = 77 WHERE seq = 9",
    "version dated back": "UPDATE version SET updated = updated - 86400000000 WHERE seq = 9",
    "version moved to another resource": "UPDATE version SET rid = 11, version = 50 WHERE seq = 9",
    "version under another key": "UPDATE version SET owner = 1 WHERE seq = 9",
    "resource pointed at an older version": "UPDATE resource SET (seq, version, updated) = "
    "(SELECT seq, version, updated FROM version v WHERE v.rid = resource.rid AND v.version = 1) "
    f"WHERE rid = {_UPDATED}",
    "deletion undone": "UPDATE resource SET deleted = 0 WHERE deleted = 1",
    "resource hidden": "UPDATE resource SET deleted = 1 WHERE rid = 9",
    "resource removed": "DELETE FROM resource WHERE rid = 9",
    "resources exchanged": "CREATE TEMP TABLE kept AS SELECT rid, ref FROM resource WHERE rid IN (9, 11);"
    "UPDATE resource SET ref = -rid WHERE rid IN (9, 11);"
    "UPDATE resource SET ref = (SELECT ref FROM kept WHERE kept.rid = 20 - resource.rid) WHERE rid IN (9, 11)",
    "key removed without an erasure": "DELETE FROM data_key WHERE owner = (SELECT max(owner) FROM data_key)",
}


def test_the_untouched_copy_is_in_order(witnessed: Witnessed, copy: Path) -> None:
    verdict = witnessed.verify(copy)
    assert verdict.ok, verdict.problems
    assert verdict.tree_size > 2 * EARLY + LATE


@pytest.mark.parametrize("name", TAMPERS)
def test_every_alteration_is_found(witnessed: Witnessed, copy: Path, name: str) -> None:
    _alter(copy, TAMPERS[name])
    verdict = witnessed.verify(copy)
    assert not verdict.ok
    assert verdict.problems


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(leaf=st.floats(0, 1), place=st.floats(0, 1), bit=st.integers(0, 7))
def test_any_bit_of_any_leaf(witnessed: Witnessed, copy: Path, leaf: float, place: float, bit: int) -> None:
    position = f"(SELECT CAST({leaf} * max(position) AS INTEGER) FROM leaf)"
    flip = f"UPDATE leaf SET entry = flip(entry, {place}, {bit}) WHERE position = {position}"
    _alter(copy, flip)
    assert not witnessed.verify(copy).ok
    _alter(copy, flip)  # and back, for the next
    assert witnessed.verify(copy).ok


def test_the_command_says_so(witnessed: Witnessed, copy: Path, suwen: Callable[..., Any]) -> None:
    asked = ("records", "verify", "--store", copy, "--key", witnessed.public, "--against", witnessed.head)
    assert suwen(*asked, "--json").document["ok"]
    _alter(copy, TAMPERS["body changed"])
    said = suwen(*asked, "--json")
    assert said.code == 3
    assert not said.document["ok"]


def test_an_older_copy_put_in_place(witnessed: Witnessed) -> None:
    """An honest database, but from before the kept head: what was written since is missing."""
    verdict = witnessed.verify(witnessed.older)
    assert any("earlier tree head" in problem for problem in verdict.problems)


def _rewritten(store: Path) -> Path:
    """The same resources in the same order, written into a store anew; its database alone."""
    with Record.open(store) as record:
        _fill(record, EARLY, 0)
        _fill(record, EARLY, 1000)
        _fill(record, LATE, 2000)
    return _alone(store / "record.db", store.with_name("alone"))


def test_a_database_rewritten_with_keys_of_its_own(witnessed: Witnessed, tmp_path: Path) -> None:
    """It is in order by itself, and neither under the known key nor against the kept head."""
    alone = _rewritten(tmp_path / "fresh")
    own = publish_key(tmp_path / "fresh")
    assert own is not None
    assert verify(alone, None, keys=[own]).ok
    assert not witnessed.verify(alone).ok
    assert not verify(alone, None, keys=[own], against=witnessed.head).ok
    assert not witnessed.verify(alone, own).ok


def test_a_database_rewritten_by_who_holds_the_signing_key(witnessed: Witnessed, tmp_path: Path) -> None:
    """Every signature holds, the log has the same name, and still it does not continue the kept head."""
    forged = tmp_path / "forged"
    shutil.copytree(witnessed.folder / "keys", forged / "keys")
    database = Database.at(forged)
    migrations.upgrade(database)
    origin = checkpoint.parse(witnessed.head.read_text()).origin
    with database.writing() as db:
        db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (ORIGIN, origin.encode()))
    database.close()
    alone = _rewritten(forged)
    assert verify(alone, None, keys=[witnessed.public]).ok
    assert witnessed.verify(alone).problems == (
        "checkpoint: the log does not continue the earlier tree head",
    )


def test_a_forged_head_is_no_earlier_head(witnessed: Witnessed, copy: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    forged.write_text(_forge(witnessed.head.read_text()))
    assert not verify(copy, None, keys=[witnessed.public], against=forged).ok


REFUSED = {
    "names exchanged": "UPDATE resource SET id = CASE id WHEN 'o2' THEN 'o4' ELSE 'o2' END "
    "WHERE id IN ('o2', 'o4')",
    "keys given to others": "UPDATE data_key SET patient = patient + 1 WHERE owner > 1",
    "keys exchanged": "CREATE TEMP TABLE kept AS SELECT owner, wrapped FROM data_key;"
    "UPDATE data_key SET wrapped = (SELECT wrapped FROM kept WHERE kept.owner > 1 "
    "AND kept.owner <> data_key.owner) WHERE owner > 1",
    "all put under the shared key": "UPDATE version SET owner = 1; UPDATE resource SET owner = 1",
}
"""Names and keys, which nobody can judge without the store's secret: the cipher refuses them to readers."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_cipher_refuses(witnessed: Witnessed, tmp_path: Path, name: str) -> None:
    store = tmp_path / "store"
    shutil.copytree(witnessed.folder, store)
    _alter(store, REFUSED[name])
    with Record.open(store) as record:
        with pytest.raises(Untrusted), record.database.reading() as db:
            # By row, as a search reads: the name is then the row's own.
            record.reading.many(db, [row[0] for row in db.rows("SELECT rid FROM resource WHERE id = 'o2'")])
        if name == "names exchanged":  # a verifier with the secret finds it too
            with record.database.reading() as db:
                keys = [record.signer.public_key()]
                assert not verify_store(db, keys, pseudonym=record.blind.ref).ok
        assert public_pem(record.signer.public_key()) == witnessed.public.read_bytes()
