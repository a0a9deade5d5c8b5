"""The ledger in PostgreSQL: the same statements, the same verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine

from suwen.records.ledger import leaf_hash, log, verify_consistency, verify_inclusion
from suwen.records.ledger.events import Event, encode
from suwen.records.ledger.merkle import Frontier
from suwen.records.ledger.verify import verify_store
from suwen.records.store.connection import Connection
from suwen.records.store.schema import metadata


@pytest.fixture(scope="module")
def db(postgres: Any, signer: Ed25519PrivateKey) -> Iterator[Connection]:
    """A database with 300 versions of 300 resources, 20 to a commit."""
    import psycopg

    url = postgres.fresh()
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as raw:
        db = Connection(raw, postgres=True)
        frontier = Frontier()
        raw.execute("BEGIN")
        db.run("INSERT INTO data_key VALUES (1, 0, 'm', ?, 0)", (b"",))
        for first in range(1, 301, 20):
            entries = []
            for seq in range(first, first + 20):
                body = sha256(b"%d" % seq).digest()
                db.run("INSERT INTO version VALUES (?, ?, 1, 5, 'POST', 1, ?)", (seq, seq, body))
                db.run(
                    "INSERT INTO resource VALUES (?, ?, 'Patient', ?, ?, 1, 5, 1, 0, 0, ?)",
                    (seq, -seq, str(seq), seq, b""),
                )
                entries.append(encode(Event("create", 5, "test", -seq, seq, 1, sha256(body).digest())))
            frontier = log.append(db, frontier, entries)
            log.seal(db, frontier, signer, "record.example/ledger")
        raw.execute("COMMIT")
        yield db


def test_a_log_in_postgresql_is_verified_and_proved(db: Connection, signer: Ed25519PrivateKey) -> None:
    head = log.latest(db)
    assert head is not None
    earlier = db.row("SELECT checkpoint FROM head WHERE size = 100")
    assert earlier is not None
    verdict = verify_store(db, [signer.public_key()], against=earlier[0])
    assert (verdict.problems, verdict.tree_size) == ((), 300)
    entry = db.row("SELECT entry FROM leaf WHERE position = 7")
    assert entry is not None
    verify_inclusion(leaf_hash(entry[0]), 7, 300, log.inclusion_proof(db, 7, 300), head.root)
    verify_consistency(300, 300, log.consistency_proof(db, 300, 300), head.root, head.root)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("UPDATE leaf SET entry = '\\x00' WHERE position = 50", "leaf 50: not an event"),
        ("DELETE FROM leaf WHERE position = 50", "leaf 50: missing"),
        ("DELETE FROM leaf WHERE position > 290", "leaf 291: missing"),
        ("UPDATE version SET body = '\\x00' WHERE seq = 5", "version 5: the body is not"),
        ("UPDATE resource SET deleted = 1 WHERE rid = 9", "resource 9: not at its last version"),
        ("DELETE FROM resource WHERE rid = 9", "resource 9: missing"),
        ("DELETE FROM node", "node 8/0"),
        ("DELETE FROM head WHERE size = 100", "head 100: missing"),
        ("DROP TABLE version", "cannot be read"),
    ],
)
def test_what_is_spoiled_in_postgresql_is_found(
    spoil: str, said: str, db: Connection, signer: Ed25519PrivateKey
) -> None:
    db.raw.execute("BEGIN")
    try:
        db.raw.execute(spoil)
        problems = verify_store(db, [signer.public_key()]).problems
    finally:
        db.raw.execute("ROLLBACK")
    assert any(said in problem for problem in problems), problems
