"""A store altered behind its back: found offline, from one earlier tree head, with public keys alone."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
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
from suwen.records.keys.signing import public_pem, signing_key
from suwen.records.ledger import checkpoint, log
from suwen.records.ledger.verify import Verdict, verify_store
from suwen.records.record import ORIGIN, Record
from suwen.records.store import migrations
from suwen.records.store.database import Database

Tamper = Callable[[sqlite3.Connection], None]
EARLY, LATE = 320, 60
"""Observations before the tree head that is kept, and after it; 256 leaves make a ``node`` row."""


@dataclass(frozen=True)
class Witnessed:
    """A store, the tree head somebody kept of it, and a copy made before that head."""

    folder: Path
    older: Path
    head: str
    public: Any

    @property
    def database(self) -> Path:
        return self.folder / "record.db"

    def verify(self, database: Path, *, keys: list[Any] | None = None) -> Verdict:
        """What a verifier says who has the database, the public key and the head."""
        opened = Database(f"sqlite:///{database}")
        with opened.reading() as db:
            verdict = verify_store(db, keys or [self.public], against=self.head)
        opened.close()
        return verdict


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
    """Patients and their observations under chosen ids, one update, one deletion, one read, one search."""
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


def _head(record: Record) -> str:
    with record.database.reading() as db:
        found = log.latest(db)
    assert found is not None
    return found.note


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Witnessed:
    folder = tmp_path_factory.mktemp("witnessed")
    store, older = folder / "store", folder / "older.db"
    with Record.open(store) as record:
        _fill(record, EARLY // 2, 0)
    shutil.copy(store / "record.db", older)
    with Record.open(store) as record:
        _fill(record, EARLY // 2, 1000)
        head = _head(record)
        _fill(record, LATE, 2000)
        public = record.signer.public_key()
    assert not (store / "record.db-wal").exists()
    return Witnessed(store, older, head, public)


@pytest.fixture
def copy(witnessed: Witnessed, tmp_path: Path) -> Iterator[Path]:
    """The database alone, without the store's keys."""
    place = tmp_path / "record.db"
    shutil.copy(witnessed.database, place)
    yield place


def _alter(database: Path, tamper: Tamper) -> None:
    with closing(sqlite3.connect(database)) as raw:
        before = raw.total_changes
        tamper(raw)
        raw.commit()
        assert raw.total_changes > before, "nothing was altered"


def _value(raw: sqlite3.Connection, sql: str, *parameters: Any) -> Any:
    return raw.execute(sql, parameters).fetchone()[0]


def _flipped(data: bytes, at: int = 0, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def _leaves(raw: sqlite3.Connection) -> int:
    return int(_value(raw, "SELECT count(*) FROM leaf"))


def _flip_leaf(share: float) -> Tamper:
    """Flip a bit of the leaf that lies at this share of the log."""

    def tamper(raw: sqlite3.Connection) -> None:
        at = int(share * (_leaves(raw) - 1))
        entry = _value(raw, "SELECT entry FROM leaf WHERE position = ?", at)
        raw.execute("UPDATE leaf SET entry = ? WHERE position = ?", (_flipped(entry, len(entry) // 2), at))

    return tamper


def _remove_leaf(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM leaf WHERE position = 40")


def _close_gap(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM leaf WHERE position = 40")
    raw.execute("UPDATE leaf SET position = -position WHERE position > 40")
    raw.execute("UPDATE leaf SET position = -position - 1 WHERE position < 0")


def _insert_leaf(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE leaf SET position = -position - 1 WHERE position >= 40")
    raw.execute("UPDATE leaf SET position = -position WHERE position < 0")
    raw.execute("INSERT INTO leaf SELECT 40, entry FROM leaf WHERE position = 39")


def _swap_leaves(first: int, second: int) -> Tamper:
    def tamper(raw: sqlite3.Connection) -> None:
        one, other = (_value(raw, "SELECT entry FROM leaf WHERE position = ?", at) for at in (first, second))
        raw.execute("UPDATE leaf SET entry = ? WHERE position = ?", (other, first))
        raw.execute("UPDATE leaf SET entry = ? WHERE position = ?", (one, second))

    return tamper


def _append_leaf(raw: sqlite3.Connection) -> None:
    raw.execute("INSERT INTO leaf SELECT max(position) + 1, entry FROM leaf")


def _cut_leaves(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM leaf WHERE position = (SELECT max(position) FROM leaf)")


def _cut_after_head(raw: sqlite3.Connection) -> None:
    """Take the last commit out of log and heads, and leave what it wrote."""
    size = _value(raw, "SELECT size FROM head ORDER BY size DESC LIMIT 1 OFFSET 5")
    raw.execute("DELETE FROM head WHERE size > ?", (size,))
    raw.execute("DELETE FROM leaf WHERE position >= ?", (size,))


def _cut_before(raw: sqlite3.Connection) -> None:
    """Cut log and heads back to the first commit, everything written since included."""
    size = _value(raw, "SELECT min(size) FROM head")
    kept = [row[0] for row in raw.execute("SELECT entry FROM leaf WHERE position < ?", (size,))]
    seqs = sum(b'"seq":' in entry and b"key-" not in entry for entry in kept)
    raw.execute("DELETE FROM head WHERE size > ?", (size,))
    raw.execute("DELETE FROM leaf WHERE position >= ?", (size,))
    raw.execute("DELETE FROM node WHERE ((position + 1) << level) > ?", (size,))
    raw.execute("DELETE FROM resource WHERE rid > ?", (seqs,))
    raw.execute("DELETE FROM version WHERE seq > ?", (seqs,))
    raw.execute(
        "UPDATE resource SET (seq, version, updated, owner, deleted) = (SELECT seq, version, updated, owner, "
        "body IS NULL FROM version WHERE version.rid = resource.rid ORDER BY seq DESC LIMIT 1)"
    )


def _remove_head(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM head WHERE size = (SELECT size FROM head ORDER BY size LIMIT 1 OFFSET 2)")


def _edit_head(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE head SET checkpoint = replace(checkpoint, 'time 1', 'time 2')")


def _forge_head(raw: sqlite3.Connection) -> None:
    """Sign the last head again, as somebody with a key of their own."""
    size, note = raw.execute("SELECT size, checkpoint FROM head ORDER BY size DESC LIMIT 1").fetchone()
    forged = checkpoint.sign(checkpoint.parse(note), Ed25519PrivateKey.generate())
    raw.execute("UPDATE head SET checkpoint = ? WHERE size = ?", (forged, size))


def _change_frontier(raw: sqlite3.Connection) -> None:
    size, frontier = raw.execute("SELECT size, frontier FROM head ORDER BY size DESC LIMIT 1").fetchone()
    raw.execute("UPDATE head SET frontier = ? WHERE size = ?", (_flipped(frontier), size))


def _change_node(raw: sqlite3.Connection) -> None:
    found = _value(raw, "SELECT hash FROM node LIMIT 1")
    raw.execute("UPDATE node SET hash = ? WHERE hash = ?", (_flipped(found), found))


def _remove_node(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM node")


def _change_body(raw: sqlite3.Connection) -> None:
    body = _value(raw, "SELECT body FROM version WHERE seq = 9")
    raw.execute("UPDATE version SET body = ? WHERE seq = 9", (_flipped(body, 40),))


def _older_body(raw: sqlite3.Connection) -> None:
    """Give the newest version of a resource the body of the one before."""
    rid, last = raw.execute(
        "SELECT rid, max(version) FROM version GROUP BY rid HAVING max(version) > 2"
    ).fetchone()
    raw.execute(
        "UPDATE version SET body = (SELECT body FROM version WHERE rid = ?1 AND version = ?2 - 1) "
        "WHERE rid = ?1 AND version = ?2",
        (rid, last),
    )


def _swap_bodies(raw: sqlite3.Connection) -> None:
    one, other = (_value(raw, "SELECT body FROM version WHERE seq = ?", seq) for seq in (9, 11))
    raw.execute("UPDATE version SET body = ? WHERE seq = 9", (other,))
    raw.execute("UPDATE version SET body = ? WHERE seq = 11", (one,))


def _drop_body(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE version SET body = NULL WHERE seq = 9")


def _remove_version(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM version WHERE seq = 9")


def _remove_newest_version(raw: sqlite3.Connection) -> None:
    """Take an update back, with its version, and point the resource at the one before."""
    rid, seq = raw.execute("SELECT rid, seq FROM resource WHERE version > 2 AND deleted = 0").fetchone()
    raw.execute("DELETE FROM version WHERE seq = ?", (seq,))
    raw.execute(
        "UPDATE resource SET (seq, version, updated) = (SELECT seq, version, updated FROM version "
        "WHERE rid = ?1 ORDER BY version DESC LIMIT 1) WHERE rid = ?1",
        (rid,),
    )


def _insert_version(raw: sqlite3.Connection) -> None:
    raw.execute(
        "INSERT INTO version SELECT (SELECT max(seq) FROM version) + 1, rid, 99, updated, method, owner, "
        "body FROM version WHERE seq = 9"
    )


def _renumber_version(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE version SET version = 77 WHERE seq = 9")


def _redate_version(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE version SET updated = updated - 86400000000 WHERE seq = 9")


def _move_version(raw: sqlite3.Connection) -> None:
    """Make one resource's version another's."""
    raw.execute("UPDATE version SET rid = 11, version = 50 WHERE seq = 9")


def _point_back(raw: sqlite3.Connection) -> None:
    rid = _value(raw, "SELECT rid FROM resource WHERE version > 2 AND deleted = 0")
    raw.execute(
        "UPDATE resource SET (seq, version, updated) = (SELECT seq, version, updated FROM version "
        "WHERE rid = ?1 AND version = 1) WHERE rid = ?1",
        (rid,),
    )


def _undelete(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE resource SET deleted = 0 WHERE deleted = 1")


def _hide(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE resource SET deleted = 1 WHERE rid = 9")


def _remove_resource(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM resource WHERE rid = 9")


def _exchange_resources(raw: sqlite3.Connection) -> None:
    """Let two resources answer to each other's names."""
    one, other = (_value(raw, "SELECT ref FROM resource WHERE rid = ?", rid) for rid in (9, 11))
    raw.execute("UPDATE resource SET ref = 5 WHERE rid = 9")
    raw.execute("UPDATE resource SET ref = ? WHERE rid = 11", (one,))
    raw.execute("UPDATE resource SET ref = ? WHERE rid = 9", (other,))


def _remove_key(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM data_key WHERE owner = (SELECT max(owner) FROM data_key)")


TAMPERS: dict[str, Tamper] = {
    "first leaf flipped": _flip_leaf(0),
    "leaf before the head flipped": _flip_leaf(0.3),
    "leaf after the head flipped": _flip_leaf(0.97),
    "last leaf flipped": _flip_leaf(1),
    "leaf removed": _remove_leaf,
    "leaf removed and the rest moved up": _close_gap,
    "leaf inserted and the rest moved down": _insert_leaf,
    "neighbouring leaves swapped": _swap_leaves(40, 41),
    "distant leaves swapped": _swap_leaves(20, 250),
    "leaf appended under no head": _append_leaf,
    "last leaf cut off": _cut_leaves,
    "tail cut off with its heads": _cut_after_head,
    "everything cut back to before the head": _cut_before,
    "head removed": _remove_head,
    "heads dated anew": _edit_head,
    "head signed by another key": _forge_head,
    "frontier changed": _change_frontier,
    "stored subtree changed": _change_node,
    "stored subtrees removed": _remove_node,
    "body changed": _change_body,
    "body replaced by an older one of its resource": _older_body,
    "bodies swapped": _swap_bodies,
    "body removed": _drop_body,
    "version removed": _remove_version,
    "update undone": _remove_newest_version,
    "version inserted": _insert_version,
    "version renumbered": _renumber_version,
    "version dated back": _redate_version,
    "version moved to another resource": _move_version,
    "resource pointed at an older version": _point_back,
    "deletion undone": _undelete,
    "resource hidden": _hide,
    "resource removed": _remove_resource,
    "resources exchanged": _exchange_resources,
    "key removed without an erasure": _remove_key,
}


def test_the_untouched_copy_is_in_order(witnessed: Witnessed, copy: Path) -> None:
    verdict = witnessed.verify(copy)
    assert verdict.ok, verdict.problems
    assert verdict.tree_size > EARLY + LATE


@pytest.mark.parametrize("name", TAMPERS)
def test_every_alteration_is_found(witnessed: Witnessed, copy: Path, name: str) -> None:
    _alter(copy, TAMPERS[name])
    verdict = witnessed.verify(copy)
    assert not verdict.ok
    assert verdict.problems


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), place=st.floats(0, 1), bit=st.integers(0, 7))
def test_any_bit_of_any_leaf(
    witnessed: Witnessed, tmp_path: Path, share: float, place: float, bit: int
) -> None:
    database = tmp_path / "any.db"
    shutil.copy(witnessed.database, database)

    def tamper(raw: sqlite3.Connection) -> None:
        at = int(share * (_leaves(raw) - 1))
        entry = _value(raw, "SELECT entry FROM leaf WHERE position = ?", at)
        changed = _flipped(entry, int(place * (len(entry) - 1)), bit)
        raw.execute("UPDATE leaf SET entry = ? WHERE position = ?", (changed, at))

    _alter(database, tamper)
    assert not witnessed.verify(database).ok


def test_an_older_copy_put_in_place(witnessed: Witnessed) -> None:
    """An honest database, but from before the head: what was written since is missing."""
    verdict = witnessed.verify(witnessed.older)
    assert any("earlier tree head" in problem for problem in verdict.problems)


def _rewritten(folder: Path, origin: str | None = None) -> Path:
    """A fresh store with the same resources, and with them the same ids, versions and order."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if origin is not None:
        database = Database.at(folder)
        migrations.upgrade(database)
        with database.writing() as db:
            db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (ORIGIN, origin.encode()))
        database.close()
    with Record.open(folder) as record:
        _fill(record, EARLY // 2, 0)
        _fill(record, EARLY // 2, 1000)
        _fill(record, LATE, 2000)
    return folder / "record.db"


def test_a_database_rewritten_with_keys_of_its_own(witnessed: Witnessed, tmp_path: Path) -> None:
    """It verifies in itself, and neither under the old key nor against the head that was kept."""
    database = _rewritten(tmp_path / "fresh")
    own = signing_key(tmp_path / "fresh" / "keys" / "ledger.pem").public_key()
    assert public_pem(own) != public_pem(witnessed.public)
    opened = Database(f"sqlite:///{database}")
    with opened.reading() as db:
        assert verify_store(db, [own]).ok
    opened.close()
    assert not witnessed.verify(database).ok
    assert not witnessed.verify(database, keys=[own]).ok
    assert not witnessed.verify(database, keys=[own, witnessed.public]).ok


def test_a_database_rewritten_by_who_holds_the_signing_key(witnessed: Witnessed, tmp_path: Path) -> None:
    """Every signature holds, the log has the same name, and still it does not continue the kept head."""
    forged = tmp_path / "forged"
    shutil.copytree(witnessed.folder / "keys", forged / "keys")
    database = _rewritten(forged, checkpoint.parse(witnessed.head).origin)
    opened = Database(f"sqlite:///{database}")
    with opened.reading() as db:
        assert verify_store(db, [witnessed.public]).ok
    opened.close()
    verdict = witnessed.verify(database)
    assert verdict.problems == ("checkpoint: the log does not continue the earlier tree head",)


def test_a_forged_head_is_no_earlier_head(witnessed: Witnessed, copy: Path) -> None:
    forged = checkpoint.sign(checkpoint.parse(witnessed.head), Ed25519PrivateKey.generate())
    opened = Database(f"sqlite:///{copy}")
    with opened.reading() as db:
        verdict = verify_store(db, [witnessed.public], against=forged)
    opened.close()
    assert not verdict.ok


KEPT_FROM_READERS: dict[str, str] = {
    "names exchanged": "UPDATE resource SET id = CASE id WHEN 'o2' THEN 'o4' WHEN 'o4' THEN 'o2' END "
    "WHERE id IN ('o2', 'o4')",
    "key given to another patient": "UPDATE data_key SET patient = patient + 1 WHERE owner > 1",
    "key of another patient": "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key k "
    "WHERE k.owner > 1 AND k.owner <> data_key.owner) WHERE owner > 1",
    "owner exchanged": "UPDATE version SET owner = (SELECT owner FROM data_key k "
    "WHERE k.owner > 1 AND k.owner <> version.owner) WHERE owner > 1",
}
"""Names and keys, which the ledger alone cannot judge without the store's secret: the cipher refuses them."""


@pytest.mark.parametrize("name", KEPT_FROM_READERS)
def test_what_the_cipher_refuses(witnessed: Witnessed, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "store"
    shutil.copytree(witnessed.folder, folder)
    _alter(folder / "record.db", lambda raw: raw.execute(KEPT_FROM_READERS[name]).close())
    with Record.open(folder) as record:
        with pytest.raises(Untrusted), record.database.reading() as db:
            # By row, as a search reads: the name is then the row's own.
            record.reading.many(
                db, [row[0] for row in db.rows("SELECT rid FROM resource WHERE id IN ('o2', 'o3')")]
            )
        with record.database.reading() as db:
            seen = verify_store(db, [witnessed.public], against=witnessed.head, pseudonym=record.blind.ref)
    assert seen.ok == name.startswith("key")
