"""Data keys in a store: made, found, re-wrapped while others work, and destroyed."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from suwen.core.errors import Conflict, NotFound, Refused, Untrusted
from suwen.records.keys.keyring import EnvironmentKeyring, FileKeyring
from suwen.records.keys.vault import CACHED, SHARED, Vault
from suwen.records.keys.wrap import MasterKey
from suwen.records.store.connection import Connection
from suwen.records.store.schema import metadata


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[], sqlite3.Connection]:
    def open_one() -> sqlite3.Connection:
        raw = sqlite3.connect(tmp_path / "record.db", timeout=20, isolation_level=None)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = OFF")
        return raw

    raw = open_one()
    for table in metadata.sorted_tables:
        raw.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
    raw.close()
    return open_one


@pytest.fixture
def db(connect: Callable[[], sqlite3.Connection]) -> Iterator[Connection]:
    raw = connect()
    yield Connection(raw, postgres=False)
    raw.close()


@pytest.fixture
def keyring(tmp_path: Path) -> FileKeyring:
    return FileKeyring(tmp_path / "keys" / "master.json")


@pytest.fixture
def vault(keyring: FileKeyring, db: Connection) -> Vault:
    made = Vault(keyring, "hospital.example")
    made.prepare(db, 1)
    return made


@contextmanager
def writing(raw: sqlite3.Connection) -> Iterator[Connection]:
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield Connection(raw, postgres=False)
    except BaseException:
        raw.execute("ROLLBACK")
        raise
    raw.execute("COMMIT")


def test_prepared_once(vault: Vault, db: Connection, keyring: FileKeyring) -> None:
    key, shared = vault.index_key(db), vault.cipher(db, SHARED)
    vault.prepare(db, 2)
    assert len(key) == 32
    assert vault.index_key(db) == key == Vault(keyring, "hospital.example").index_key(db)
    assert vault.cipher(db, vault.shared(db)) is shared
    assert db.rows("SELECT owner, patient, created FROM data_key") == [(1, 0, 1)]


def test_an_unprepared_store_says_so(keyring: FileKeyring, db: Connection) -> None:
    vault = Vault(keyring, "hospital.example")
    with pytest.raises(NotFound) as caught:
        vault.index_key(db)
    assert caught.value.code == "no-index-key"
    with pytest.raises(NotFound):
        vault.shared(db)


def test_every_patient_has_a_key_that_others_processes_find(
    vault: Vault, db: Connection, keyring: FileKeyring
) -> None:
    assert vault.owner(db, -77) is None
    made = vault.create(db, -77, 5, 1)
    vault.create_many(db, [(8, 6), (9, 7)], 1)
    assert [vault.owner(db, ref) for ref in (-77, 8, 9, 10)] == [5, 6, 7, None]
    blob = made.seal(b"body", b"aad")
    elsewhere = Vault(keyring, "hospital.example")
    assert elsewhere.cipher(db, 5).open(blob, b"aad") == b"body"
    for other in (6, 7, SHARED):
        with pytest.raises(Untrusted):
            elsewhere.cipher(db, other).open(blob, b"aad")


def test_a_row_copied_elsewhere_does_not_open(vault: Vault, db: Connection, keyring: FileKeyring) -> None:
    vault.create_many(db, [(8, 6), (9, 7)], 1)
    with pytest.raises(Untrusted):
        Vault(keyring, "other.example").cipher(db, 6)
    with pytest.raises(Untrusted):
        Vault(keyring, "other.example").index_key(db)
    db.run("UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE owner = 7) WHERE owner = 6")
    with pytest.raises(Untrusted):
        Vault(keyring, "hospital.example").cipher(db, 6)
    db.run("UPDATE data_key SET patient = 10 WHERE owner = 7")
    with pytest.raises(Untrusted):
        Vault(keyring, "hospital.example").cipher(db, 7)


def test_a_damaged_index_key_is_said(vault: Vault, db: Connection) -> None:
    for value in (b"", b"\xff\0x", b"abc\0" + bytes(1169)):
        db.run("UPDATE setting SET value = ?", (value,))
        with pytest.raises(Untrusted):
            vault.index_key(db)


def test_a_destroyed_key_is_gone_for_good(vault: Vault, db: Connection) -> None:
    blob = vault.create(db, 8, 6, 1).seal(b"body", b"")
    assert vault.destroy(db, 6)
    assert not vault.destroy(db, 6)
    assert vault.owner(db, 8) is None
    with pytest.raises(NotFound) as caught:
        vault.cipher(db, 6)
    assert caught.value.code == "erased"
    with pytest.raises(Untrusted):
        vault.create(db, 8, 60, 2).open(blob, b"")


def test_a_key_rolled_back_is_not_used_for_the_next(
    vault: Vault, connect: Callable[[], sqlite3.Connection], keyring: FileKeyring
) -> None:
    raw = connect()
    with pytest.raises(ZeroDivisionError), writing(raw) as tx:
        vault.create(tx, 8, 6, 1)
        _ = 1 / 0
    with writing(raw) as tx:
        vault.create(tx, 9, 6, 1)
    blob = vault.cipher(Connection(raw, postgres=False), 6).seal(b"body", b"")
    again = Vault(keyring, "hospital.example").cipher(Connection(raw, postgres=False), 6)
    assert again.open(blob, b"") == b"body"
    raw.close()


def test_memory_for_ciphers_is_bounded(vault: Vault, db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.records.keys.vault.CACHED", 3)
    assert CACHED == 4096
    first = vault.create(db, 102, 2, 1)
    for owner in range(3, 6):
        vault.create(db, 100 + owner, owner, 1)
        vault.cipher(db, 2)
    assert vault.cipher(db, 2) is first  # used lately, so it stayed
    assert len(vault._ciphers) == 3


def test_rotation_re_wraps_everything_in_small_steps(
    vault: Vault, db: Connection, keyring: FileKeyring
) -> None:
    index, old = vault.index_key(db), keyring.current
    blobs = {owner: vault.create(db, owner, owner, 1).seal(b"body", b"") for owner in range(2, 25)}
    assert vault.rewrap_some(db, 10) == 0
    assert vault.masters(db) == {old: 25}
    fresh = keyring.rotate()
    with pytest.raises(Conflict) as caught:
        vault.retire(db, old)
    assert caught.value.code == "master-in-use"
    assert [vault.rewrap_some(db, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert vault.masters(db) == {fresh: 25}
    vault.retire(db, old)
    assert list(keyring.created) == [fresh]
    restarted = Vault(FileKeyring(keyring.path), "hospital.example")
    assert restarted.index_key(db) == index
    for owner, blob in blobs.items():
        assert restarted.cipher(db, owner).open(blob, b"") == b"body"


def test_rotation_twice_and_restarted_in_the_middle(
    vault: Vault, db: Connection, keyring: FileKeyring
) -> None:
    vault.create_many(db, [(n, n) for n in range(2, 12)], 1)
    keyring.rotate()
    assert vault.rewrap_some(db, 4) == 4
    last = keyring.rotate()
    assert Vault(keyring, "hospital.example").rewrap_some(db, 3) == 3
    while vault.rewrap_some(db, 4):
        pass
    assert vault.masters(db) == {last: 12}


def test_rotation_while_others_read_and_write(
    vault: Vault, connect: Callable[[], sqlite3.Connection], keyring: FileKeyring
) -> None:
    """Three connections at once: one makes patients, one reads all, one re-wraps under two rotations."""
    written: dict[int, bytes] = {}
    wrong: list[BaseException] = []
    done = threading.Event()

    def write() -> None:
        raw = connect()
        for number in range(60):
            owner = secrets.randbits(62)
            with writing(raw) as tx:
                blob = vault.create(tx, number + 1, owner, 1).seal(b"body", b"")
            written[owner] = blob
        raw.close()
        done.set()

    def read() -> None:
        raw, other = connect(), Vault(FileKeyring(keyring.path), "hospital.example")
        while not done.is_set() or not written:
            for owner, blob in list(written.items()):
                other.forget(owner)
                assert other.cipher(Connection(raw, postgres=False), owner).open(blob, b"") == b"body"
        raw.close()

    def turn() -> None:
        raw, other = connect(), Vault(FileKeyring(keyring.path), "hospital.example")
        for _ in range(2):
            old = keyring.current
            other.provider.rotate()
            left = True
            while left:
                with writing(raw) as tx:
                    left = other.rewrap_some(tx, 7) > 0
            with writing(raw) as tx:
                other.retire(tx, old)
        raw.close()

    def watched(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # handed to the main thread
            wrong.append(error)
            done.set()

    threads = [threading.Thread(target=watched, args=(work,)) for work in (write, read, turn)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong
    raw = connect()
    fresh = Vault(FileKeyring(keyring.path), "hospital.example")
    assert len(written) == 60
    assert list(fresh.masters(Connection(raw, postgres=False))) == [keyring.current]
    for owner, blob in written.items():
        assert fresh.cipher(Connection(raw, postgres=False), owner).open(blob, b"") == b"body"
    raw.close()


def test_rotation_with_keys_from_the_environment(vault: Vault, db: Connection) -> None:
    old, new = MasterKey.generate(), MasterKey.generate()
    db.run("DELETE FROM data_key")
    db.run("DELETE FROM setting")
    before = Vault(EnvironmentKeyring(old.to_text()), "hospital.example")
    before.prepare(db, 1)
    after = Vault(EnvironmentKeyring(f"{new.to_text()},{old.to_text()}"), "hospital.example")
    assert after.rewrap_some(db, 10) == 2
    assert after.masters(db) == {new.key_id: 2}
    with pytest.raises(Refused):
        after.retire(db, old.key_id)
    only = Vault(EnvironmentKeyring(new.to_text()), "hospital.example")
    assert only.index_key(db) == before_index(before, after, db)


def before_index(before: Vault, after: Vault, db: Connection) -> bytes:
    with pytest.raises(Untrusted):
        before.index_key(db)  # the old key alone no longer opens it
    return after.index_key(db)
