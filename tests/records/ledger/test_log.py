"""The frontier, events, checkpoints and the log in a database."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Untrusted
from suwen.records.ledger import (
    checkpoint,
    leaf_hash,
    log,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from suwen.records.ledger.events import ACTIONS, KEY_ACTIONS, OUTCOMES, Event, decode, encode
from suwen.records.ledger.merkle import EMPTY_ROOT, Frontier, Node


def root_of(leaves: list[bytes]) -> bytes:
    """``MTH`` of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return sha256(b"\x01" + root_of(leaves[:middle]) + root_of(leaves[middle:])).digest()


def test_hashes_are_those_of_the_standard() -> None:
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c14")
    assert leaf_hash(b"").hex().startswith("6e340b9cffb37a98")
    assert node_hash(leaf_hash(b""), leaf_hash(b"\0")).hex().startswith("fac54203e7cc696c")


@given(st.lists(st.integers(0, 90), max_size=8))
def test_a_frontier_grown_in_any_steps_has_the_root_of_the_whole_tree(steps: list[int]) -> None:
    leaves: list[bytes] = []
    frontier = Frontier()
    for step in steps:
        new = [leaf_hash(b"%d" % number) for number in range(len(leaves), len(leaves) + step)]
        leaves += new
        frontier = frontier.extend(new)
        assert frontier.root() == root_of(leaves)
        assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier
    assert frontier.size == len(leaves)


def test_subtrees_of_every_eighth_level_are_handed_out_once_complete() -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(800)]
    stored: list[Node] = []
    frontier = Frontier().extend(leaves[:300], stored)
    frontier.extend(leaves[300:], stored)
    assert stored == [(8, at, root_of(leaves[at * 256 : at * 256 + 256])) for at in range(3)]


@pytest.mark.parametrize("hashes", [(), (bytes(32), bytes(32)), (bytes(31),)])
def test_a_frontier_that_does_not_fit_its_size_is_refused(hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(Untrusted) as caught:
        Frontier(4, hashes)
    assert caught.value.code == "bad-frontier"


WORDS = st.text(max_size=40)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
EVENTS = st.builds(
    Event,
    action=st.sampled_from(sorted(ACTIONS)),
    at_us=st.integers(0, 1 << 62),
    actor=WORDS,
    ref=NUMBERS,
    seq=st.integers(0, 1 << 62),
    version=st.integers(0, 1 << 30),
    digest=st.sampled_from([b"", bytes(32), sha256(b"x").digest()]),
    subjects=st.lists(NUMBERS, max_size=4).map(tuple),
    count=st.integers(0, 1 << 40),
    outcome=st.sampled_from(sorted(OUTCOMES)),
    note=WORDS,
    query=st.binary(max_size=16),
)


@given(EVENTS)
def test_an_event_comes_back_from_its_bytes_and_is_json(event: Event) -> None:
    entry = encode(event)
    assert decode(entry) == event
    assert encode(decode(entry)) == entry
    said = json.loads(entry)
    assert said["action"] == event.action
    assert b"\n" not in entry
    assert event.wrote == (0 if event.action in KEY_ACTIONS else event.seq)


def test_half_a_surrogate_pair_does_not_make_an_entry_unreadable() -> None:
    assert decode(encode(Event("read", 1, "a\ud800b"))).actor == "a?b"


def test_the_event_of_a_write_takes_less_than_200_bytes() -> None:
    event = Event(
        "create", 1_732_318_380_123_456, "anonymous", -(1 << 63), 12_345_678, 1, sha256(b"x").digest()
    )
    assert len(encode(event)) < 200


@pytest.mark.parametrize(
    ("action", "outcome"), [('read","actor":"x', "ok"), ("browse", "ok"), ("read", "maybe")]
)
def test_an_unknown_action_never_gets_into_the_log(action: str, outcome: str) -> None:
    with pytest.raises(BadInput) as caught:
        encode(Event(action, 1, "a", outcome=outcome))
    assert caught.value.code == "unknown-event"


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"action":"read"}',
        b'{"action":"read","at_us":1,"actor":"a","more":1}',
        b'{"action":"read","at_us":1.5,"actor":"a"}',
        b'{"action":"read","at_us":true,"actor":"a"}',
        b'{"action":"read","at_us":1,"actor":"a","digest":"?"}',
        b'{"action":"read","at_us":1,"actor":"a","subjects":["x"]}',
        b'{"action":"read","at_us":1,"actor":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_refused(entry: bytes) -> None:
    with pytest.raises(Untrusted) as caught:
        decode(entry)
    assert caught.value.code == "bad-event"


HEAD = checkpoint.Checkpoint("record.example/ledger", 7, sha256(b"root").digest(), 1_700_000_000_000_000, 3)


def test_a_checkpoint_is_the_note_the_standard_describes(signer: Ed25519PrivateKey) -> None:
    note = checkpoint.sign(HEAD, signer)
    origin, size, root, time, previous, blank, signature = note.splitlines()
    assert (origin, size, blank) == ("record.example/ledger", "7", "")
    assert b64decode(root) == HEAD.root
    assert (time, previous) == ("time 1700000000000000", "previous 3")
    dash, name, value = signature.split(" ")
    raw = b64decode(value)
    public = signer.public_key().public_bytes_raw()
    assert (dash, name) == ("—", origin)
    assert raw[:4] == sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    signer.public_key().verify(raw[4:], note.partition("\n\n")[0].encode() + b"\n")
    assert checkpoint.verify(note, [Ed25519PrivateKey.generate().public_key(), signer.public_key()]) == HEAD
    assert checkpoint.parse(note) == HEAD


def test_witnesses_may_sign_too(signer: Ed25519PrivateKey) -> None:
    note = checkpoint.sign(HEAD, signer)
    line = "— witness.example " + b64encode(bytes(76)).decode() + "\n"
    head, _, own = note.partition("\n\n")
    for seen in (note + line, f"{head}\n\n{line}{own}"):
        assert checkpoint.verify(seen, [signer.public_key()]) == HEAD


@given(st.data())
def test_no_changed_note_is_believed(data: st.DataObject) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    note = checkpoint.sign(HEAD, key)
    at = data.draw(st.integers(0, len(note) - 1))
    letter = data.draw(st.sampled_from(["", "0", "A", "\n", " ", "—", "\r"]))
    changed = note[:at] + letter + note[at + 1 :]
    if changed != note:
        with pytest.raises(Untrusted):
            checkpoint.verify(changed, [key.public_key()])


def test_a_note_signed_by_somebody_else_is_not_believed(signer: Ed25519PrivateKey) -> None:
    note = checkpoint.sign(HEAD, signer)
    for keys in ([], [Ed25519PrivateKey.generate().public_key()]):
        with pytest.raises(Untrusted) as caught:
            checkpoint.verify(note, keys)
        assert caught.value.code == "bad-signature"


@pytest.mark.parametrize(
    "note", ["", "\n\n", "x" * 100_000, "a\n1\nb\n\n", "记录\n1\n\n", "\ud800\n\n— a b\n"]
)
def test_what_is_no_note_is_refused(note: str, signer: Ed25519PrivateKey) -> None:
    with pytest.raises(Untrusted) as caught:
        checkpoint.verify(note, [signer.public_key()])
    assert caught.value.code == "bad-checkpoint"


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak", "记录", "x" * 300])
def test_an_origin_that_breaks_the_note_is_refused(origin: str, signer: Ed25519PrivateKey) -> None:
    with pytest.raises(BadInput):
        checkpoint.sign(checkpoint.Checkpoint(origin, 1, bytes(32), 1), signer)


def test_the_log_goes_on_where_it_stood(bare: Any) -> None:
    frontier = log.append(bare.db, Frontier(), [b"one", b"two"])
    first = log.seal(bare.db, frontier, bare.key, bare.origin, at_us=5)
    assert (first.size, first.root) == (2, root_of([leaf_hash(b"one"), leaf_hash(b"two")]))
    assert log.latest(bare.db) == first
    grown = log.append(bare.db, log.load(bare.db), [b"three"])
    second = log.seal(bare.db, grown, bare.key, bare.origin)
    assert second.checkpoint.previous == 2
    assert second.checkpoint.at_us > first.checkpoint.at_us
    assert log.load(bare.db) == grown
    with pytest.raises(BadInput) as caught:
        log.seal(bare.db, grown, bare.key, bare.origin)
    assert caught.value.code == "nothing-to-seal"


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 513, 700])
def test_proofs_out_of_the_database_hold(size: int, store: Any) -> None:
    leaves = [leaf_hash(row[0]) for row in store.raw.execute("SELECT entry FROM leaf ORDER BY position")]
    root = root_of(leaves[:size])
    for index in {0, 1, 100, 255, 256, 511, size - 1}:
        if index < size:
            proof = log.inclusion_proof(store.db, index, size)
            verify_inclusion(leaves[index], index, size, proof, root)
            if index:
                earlier = log.consistency_proof(store.db, index, size)
                verify_consistency(index, size, earlier, root_of(leaves[:index]), root)


def test_a_proof_reads_a_few_hundred_rows_not_all(bare: Any) -> None:
    entries = [b"%d" % number for number in range(70_000)]
    bare.raw.execute("BEGIN")
    frontier = log.append(bare.db, Frontier(), entries)
    read = 0
    db = bare.db
    original = type(db).rows

    class Counting(type(db)):  # type: ignore[misc]
        def rows(self, *arguments: Any) -> Any:
            nonlocal read
            found = original(self, *arguments)
            read += len(found)
            return found

    proof = log.inclusion_proof(Counting(bare.raw, postgres=False), 12_345, 70_000)
    verify_inclusion(leaf_hash(b"12345"), 12_345, 70_000, proof, frontier.root())
    assert read < 1500


def test_no_proof_of_a_tree_that_is_not_there_yet(store: Any) -> None:
    size = store.frontier.size
    for make in (
        lambda: log.inclusion_proof(store.db, 0, size + 1),
        lambda: log.inclusion_proof(store.db, size, size),
        lambda: log.inclusion_proof(store.db, -1, size),
        lambda: log.consistency_proof(store.db, 0, size),
        lambda: log.consistency_proof(store.db, size, size - 1),
    ):
        with pytest.raises(BadInput) as caught:
            make()
        assert caught.value.code == "bad-range"


def test_a_missing_leaf_is_no_proof(store: Any) -> None:
    store.raw.execute("DELETE FROM leaf WHERE position = 3")
    with pytest.raises(Untrusted):
        log.inclusion_proof(store.db, 0, store.frontier.size)
