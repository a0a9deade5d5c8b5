"""Every way to spoil a store is found from outside, with the public key alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from suwen.records.ledger import checkpoint, log
from suwen.records.ledger.events import Event, decode, encode
from suwen.records.ledger.merkle import EMPTY_ROOT, Frontier
from suwen.records.ledger.verify import verify_store


def test_an_untouched_store_is_in_order(store: Any) -> None:
    verdict = store.verify()
    assert verdict.problems == ()
    assert verdict.ok
    assert verdict.tree_size == store.frontier.size > 700
    for note in store.notes[::4]:
        assert store.verify(against=note).problems == ()


def test_types_and_ids_are_checked_where_the_secret_is_at_hand(
    store: Any, request: pytest.FixtureRequest
) -> None:
    from hashlib import sha256

    def pseudonym(name: str) -> int:
        return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)

    assert store.verify(pseudonym=pseudonym).ok
    store.raw.execute("UPDATE resource SET id = 'swapped' WHERE rid = (SELECT max(rid) FROM resource)")
    assert store.verify().ok
    (problem,) = store.verify(pseudonym=pseudonym).problems
    assert problem.startswith("resource ")


def test_an_empty_store_is_in_order(bare: Any) -> None:
    assert bare.verify().ok
    assert bare.verify().tree_size == 0
    assert log.latest(bare.db) is None
    assert log.load(bare.db) == Frontier()
    nothing = checkpoint.sign(checkpoint.Checkpoint(bare.origin, 0, EMPTY_ROOT, 1), bare.key)
    assert bare.verify(against=nothing).ok


def _swap(store: Any) -> None:
    one, two = (row[0] for row in store.raw.execute("SELECT entry FROM leaf WHERE position IN (100, 500)"))
    store.raw.execute("UPDATE leaf SET entry = ? WHERE position = 100", (two,))
    store.raw.execute("UPDATE leaf SET entry = ? WHERE position = 500", (one,))


def _flip(store: Any, position: int) -> None:
    ((entry,),) = store.raw.execute("SELECT entry FROM leaf WHERE position = ?", (position,))
    changed = encode(decode(entry)._replace(actor="nobody"))
    store.raw.execute("UPDATE leaf SET entry = ? WHERE position = ?", (changed, position))


def _remove(store: Any, position: int) -> None:
    """Take a leaf out and close the gap."""
    store.raw.execute("DELETE FROM leaf WHERE position = ?", (position,))
    for (at,) in store.raw.execute(
        "SELECT position FROM leaf WHERE position > ? ORDER BY position", (position,)
    ).fetchall():
        store.raw.execute("UPDATE leaf SET position = ? WHERE position = ?", (at - 1, at))


SPOILED: dict[str, tuple[Callable[[Any], Any] | str, str]] = {
    "leaf changed": (lambda store: _flip(store, 300), "leaf 281 to 307: not"),
    "first leaf changed": (lambda store: _flip(store, 0), "leaf 0 to"),
    "leaf is text": ("UPDATE leaf SET entry = CAST(entry AS TEXT) WHERE position = 300", "leaf "),
    "leaf is garbage": ("UPDATE leaf SET entry = x'00ff' WHERE position = 300", "leaf 300: not an event"),
    "leaf is nothing": ("UPDATE leaf SET entry = x'' WHERE position = 300", "leaf 300: not an event"),
    "leaf gone": ("DELETE FROM leaf WHERE position = 300", "leaf 300: missing"),
    "first leaf gone": ("DELETE FROM leaf WHERE position = 0", "leaf 0: missing"),
    "leaf taken out": (lambda store: _remove(store, 300), "leaf "),
    "leaves exchanged": (_swap, "leaf "),
    "leaf before the first": ("INSERT INTO leaf VALUES (-1, x'')", "leaf -1: 1 entries"),
    "leaf after the last": ("INSERT INTO leaf SELECT max(position) + 1, x'' FROM leaf", "under no tree head"),
    "leaves cut off": ("DELETE FROM leaf WHERE position > 650", "leaf 651: missing"),
    "all leaves gone": ("DELETE FROM leaf", "leaf 0: missing"),
    "last head gone": ("DELETE FROM head WHERE size = (SELECT max(size) FROM head)", "under no tree head"),
    "a head gone": (
        "DELETE FROM head WHERE size = (SELECT min(size) FROM head WHERE size > 300)",
        "missing before head",
    ),
    "first head gone": ("DELETE FROM head WHERE size = (SELECT min(size) FROM head)", "missing before head"),
    "all heads gone": ("DELETE FROM head", "leaf 0: 7"),
    "head changed": (
        "UPDATE head SET checkpoint = replace(checkpoint, 'time 1', 'time 2') "
        "WHERE size = (SELECT max(size) FROM head)",
        "signature of a tree head does not hold",
    ),
    "head is garbage": (
        "UPDATE head SET checkpoint = 'x' WHERE size = (SELECT max(size) FROM head)",
        "not a signed tree head",
    ),
    "heads exchanged": (
        "UPDATE head SET checkpoint = (SELECT checkpoint FROM head ORDER BY size LIMIT 1) "
        "WHERE size = (SELECT max(size) FROM head)",
        "signed for another size",
    ),
    "head added": (
        "INSERT INTO head SELECT size + 1, checkpoint, frontier FROM head "
        "WHERE size = (SELECT max(size) FROM head)",
        "signed for another size",
    ),
    "frontier changed": (
        "UPDATE head SET frontier = zeroblob(length(frontier)) WHERE size = (SELECT max(size) FROM head)",
        "its frontier is not that",
    ),
    "node changed": ("UPDATE node SET hash = zeroblob(32) WHERE level = 8 AND position = 1", "node 8/1"),
    "node gone": ("DELETE FROM node WHERE level = 8 AND position = 1", "node 8/1"),
    "node added": ("INSERT INTO node VALUES (8, 9, zeroblob(32))", "node: not the 2 rows"),
    "body changed": ("UPDATE version SET body = zeroblob(80) WHERE seq = 50", "version 50: the body"),
    "body is text": ("UPDATE version SET body = 'text' WHERE seq = 50", "version 50: the body"),
    "body gone": (
        "UPDATE version SET body = NULL WHERE seq = (SELECT min(seq) FROM version WHERE body NOT NULL)",
        "the body is gone",
    ),
    "time changed": ("UPDATE version SET updated = updated + 1 WHERE seq = 50", "version 50: its number"),
    "version gone": ("DELETE FROM version WHERE seq = 50", "version 50: missing"),
    "last version gone": ("DELETE FROM version WHERE seq = (SELECT max(seq) FROM version)", "missing"),
    "all versions gone": ("DELETE FROM version", "version 1: missing"),
    "version added": (
        "INSERT INTO version SELECT max(seq) + 1, 999999, 1, 5, 'PUT', 3, x'00' FROM version",
        "no entry in the log",
    ),
    "versions exchanged": (
        "UPDATE version SET body = (SELECT body FROM version WHERE seq = 52) WHERE seq = 51",
        "version 51: the body",
    ),
    "version of another resource": (
        "UPDATE version SET rid = (SELECT rid FROM resource ORDER BY rid DESC LIMIT 1), version = 999 "
        "WHERE seq = (SELECT min(v.seq) FROM version v JOIN resource r ON r.rid = v.rid)",
        "version ",
    ),
    "resource at an old version": (
        "UPDATE resource SET version = 1, seq = rid WHERE rid = (SELECT rid FROM resource WHERE version > 1)",
        "not at its last version",
    ),
    "resource undeleted": (
        "UPDATE resource SET deleted = 1 - deleted WHERE rid = (SELECT min(rid) FROM resource)",
        "not at its last version",
    ),
    "resource gone": (
        "DELETE FROM resource WHERE rid = (SELECT min(rid) FROM resource)",
        "missing, its versions are there",
    ),
    "resources exchanged": (
        "UPDATE resource SET ref = ref + 1 WHERE rid = (SELECT min(rid) FROM resource)",
        "its resource is not",
    ),
    "key destroyed unseen": ("DELETE FROM data_key WHERE owner = 3", "data_key 3: missing"),
    "erased key back": ("INSERT INTO data_key VALUES (2, 1, 'm', x'00', 0)", "data_key 2: there"),
    "table gone": ("DROP TABLE leaf", "no such table"),
    "other columns": ("ALTER TABLE version RENAME COLUMN body TO corpse", "no such column"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_spoiled_is_found_and_said_where(how: str, store: Any) -> None:
    spoil, said = SPOILED[how]
    if isinstance(spoil, str):
        store.raw.execute("PRAGMA ignore_check_constraints = ON")
        store.raw.execute(spoil)
    else:
        spoil(store)
    verdict = store.verify()
    assert not verdict.ok
    assert any(said in problem for problem in verdict.problems), verdict.problems
    assert not any("dr. who" in problem for problem in verdict.problems)


def test_two_alterations_far_apart_are_both_found(store: Any) -> None:
    _flip(store, 200)
    _flip(store, 600)
    places = [problem for problem in store.verify().problems if "not the entries that head" in problem]
    assert len(places) == 2


def test_a_log_cut_back_with_everything_is_found_from_the_head_kept_elsewhere(store: Any) -> None:
    kept = store.notes[-1]
    size = checkpoint.parse(store.notes[-4]).size
    store.raw.execute("DELETE FROM head WHERE size > ?", (size,))
    seqs = [
        decode(entry).wrote
        for (entry,) in store.raw.execute("SELECT entry FROM leaf WHERE position >= ?", (size,))
    ]
    store.raw.execute("DELETE FROM leaf WHERE position >= ?", (size,))
    store.raw.executemany("DELETE FROM version WHERE seq = ?", [(seq,) for seq in seqs])
    problems = store.verify(against=kept).problems
    assert any(problem.startswith("checkpoint: the log has") for problem in problems)


@pytest.mark.parametrize("same_key", [True, False])
def test_a_rewritten_database_is_found_from_one_earlier_head(
    same_key: bool, store: Any, bare: Any, signer: Ed25519PrivateKey
) -> None:
    """Written anew from other events: with the stolen key it is in order by itself, not against a head."""
    bare.key = signer if same_key else Ed25519PrivateKey.generate()
    bare.raw.execute("INSERT INTO data_key VALUES (1, 0, 'm', x'00', 0)")
    bare.raw.execute("BEGIN")
    for number in range(800):
        bare.commit(bare.write(f"Observation/{number}", 1, "create"))
    alone = verify_store(bare.db, [signer.public_key()])
    assert alone.ok is same_key
    for note in (store.notes[0], store.notes[-1]):
        found = verify_store(bare.db, [signer.public_key()], against=note)
        assert "checkpoint: the log does not continue the earlier tree head" in found.problems
    if not same_key:
        assert "head 1: the signature of a tree head does not hold" in alone.problems
        assert alone.problems[-1] == "head: 780 more"


def test_a_head_of_another_store_or_none_is_no_head_to_hold_against(store: Any) -> None:
    other = checkpoint.sign(
        checkpoint.Checkpoint("other/log", 1, EMPTY_ROOT, 1), Ed25519PrivateKey.generate()
    )
    for note in (other, "", "record\n1\n", store.notes[0].replace("time 1", "time 2")):
        (problem,) = store.verify(against=note).problems
        assert problem.startswith("checkpoint: the earlier tree head cannot be used")
    elsewhere = checkpoint.sign(checkpoint.Checkpoint("other/log", 1, EMPTY_ROOT, 1), store.key)
    assert not store.verify(against=elsewhere).ok


def test_an_earlier_head_inside_a_commit_is_compared_too(store: Any, bare: Any) -> None:
    """Another log with the same entries in larger commits continues the earlier heads."""
    entries = [row[0] for row in store.raw.execute("SELECT entry FROM leaf ORDER BY position")]
    frontier = log.append(bare.db, Frontier(), entries)
    log.seal(bare.db, frontier, bare.key, bare.origin)
    for note in store.notes[::8]:
        assert not any("checkpoint" in problem for problem in bare.verify(against=note).problems)


def test_a_damaged_file_gives_a_verdict(store: Any, tmp_path: Path) -> None:
    whole = tmp_path / "record.db"
    store.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(whole.read_bytes())
    for name, spoiled in {
        "zeros": bytes(data[:8192]) + bytes(8192) + bytes(data[16384:]),
        "short": bytes(data[: len(data) // 2]),
        "text": b"this is no database at all, only a text of some length",
    }.items():
        path = tmp_path / f"{name}.db"
        path.write_bytes(spoiled)
        raw = sqlite3.connect(path, isolation_level=None)
        try:
            verdict = verify_store(type(store.db)(raw, postgres=False), [store.key.public_key()])
        finally:
            raw.close()
        assert not verdict.ok
        assert verdict.problems


def test_reading_changes_nothing(store: Any) -> None:
    before = store.raw.total_changes
    store.raw.execute("PRAGMA query_only = ON")
    assert store.verify(against=store.notes[3]).ok
    assert store.raw.total_changes == before


def test_an_event_of_erasure_that_failed_explains_no_missing_key(store: Any) -> None:
    store.commit(Event("erase", store.now, "admin", seq=4, outcome="failed"))
    store.raw.execute("DELETE FROM data_key WHERE owner = 4")
    assert any("data_key 4: missing" in problem for problem in store.verify().problems)
