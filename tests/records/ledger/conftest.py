"""A small store with versions, reads, an erasure and signed heads, to verify and to spoil."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine

from suwen.records.ledger import log
from suwen.records.ledger.events import Event, encode
from suwen.records.ledger.merkle import Frontier
from suwen.records.ledger.verify import Verdict, verify_store
from suwen.records.store.connection import Connection
from suwen.records.store.schema import metadata

ORIGIN = "record.example/ledger"
PATIENTS = 5
RESOURCES = 60


def pseudonym(name: str) -> int:
    """Stand-in for the keyed hash of a resource's name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@dataclass
class Store:
    """A store's database, written as the record writes it."""

    raw: sqlite3.Connection
    key: Ed25519PrivateKey
    origin: str = ORIGIN
    frontier: Frontier = field(default_factory=Frontier)
    seq: int = 0
    now: int = 1_700_000_000_000_000
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def db(self) -> Connection:
        return Connection(self.raw, postgres=False)

    def write(self, name: str, owner: int, action: str) -> Event:
        """One version of a resource; the event of it."""
        self.seq += 1
        rid, last = self.rows.get(name, (self.seq, 0))
        self.rows[name] = (rid, last + 1)
        body = None if action == "delete" else hashlib.shake_128(b"%d" % self.seq).digest(80)
        method = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}[action]
        self.raw.execute(
            "INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.seq, rid, last + 1, self.now, method, owner, body),
        )
        kind, ident = name.split("/")
        self.raw.execute(
            "INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, x'')",
            (rid, pseudonym(name), kind, ident, self.seq, last + 1, self.now, owner, int(body is None)),
        )
        digest = hashlib.sha256(body).digest() if body is not None else b""
        return Event(action, self.now, "test", pseudonym(name), self.seq, last + 1, digest)

    def commit(self, *events: Event) -> None:
        """Log the events and sign a head, as the writer does at the end of a group."""
        self.now += 1000
        self.frontier = log.append(self.db, self.frontier, map(encode, events))
        head = log.seal(self.db, self.frontier, self.key, self.origin, at_us=self.now)
        self.notes.append(head.note)

    def verify(self, **options: Any) -> Verdict:
        return verify_store(self.db, [self.key.public_key()], **options)


def fill(store: Store, seed: int = 1) -> Store:
    """Some hundred leaves: writes of every kind, reads, searches, one erased patient."""
    chance = random.Random(seed)
    store.raw.execute("BEGIN")
    for owner in range(1, PATIENTS + 2):
        store.raw.execute("INSERT INTO data_key VALUES (?, ?, 'm', x'00', 0)", (owner, owner - 1))
    names = [(f"Observation/{number}", 2 + number % PATIENTS) for number in range(RESOURCES)]
    while store.frontier.size < 700:
        events = []
        for _ in range(chance.randint(1, 30)):
            name, owner = chance.choice(names)
            action = chance.choice(["update", "patch", "delete", "read", "search", "read"])
            if action == "read":
                events.append(Event("read", store.now, "dr. who", ref=pseudonym(name), version=1))
            elif action == "search":
                events.append(Event("search", store.now, "dr. who", count=3, query=b"12345678"))
            else:
                events.append(store.write(name, owner, action if name in store.rows else "create"))
        store.commit(*events)
    store.raw.execute("DELETE FROM data_key WHERE owner = 2")
    store.raw.execute("DELETE FROM resource WHERE owner = 2")
    store.commit(Event("erase", store.now, "admin", ref=1, seq=2, count=12))
    store.raw.execute("COMMIT")
    return store


def empty(path: Path, key: Ed25519PrivateKey) -> Store:
    """A store nothing was written to."""
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")
    return Store(raw, key)


@pytest.fixture(scope="session")
def signer() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def bare(tmp_path: Path, signer: Ed25519PrivateKey) -> Iterator[Store]:
    store = empty(tmp_path / "bare.db", signer)
    yield store
    store.raw.close()


@pytest.fixture(scope="session")
def _original(tmp_path_factory: pytest.TempPathFactory, signer: Ed25519PrivateKey) -> Iterator[Store]:
    store = fill(empty(tmp_path_factory.mktemp("ledger") / "record.db", signer))
    yield store
    store.raw.close()


@pytest.fixture
def store(_original: Store, tmp_path: Path) -> Iterator[Store]:
    """A copy of the filled store, this test's own."""
    raw = sqlite3.connect(tmp_path / "record.db", isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")
    _original.raw.backup(raw)
    yield Store(
        raw,
        _original.key,
        frontier=_original.frontier,
        seq=_original.seq,
        now=_original.now,
        rows=dict(_original.rows),
        notes=list(_original.notes),
    )
    raw.close()
