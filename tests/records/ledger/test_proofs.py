"""Proofs against the vectors of transparency-dev/merkle and against the tree as RFC 9162 defines it."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suwen.core.errors import BadInput
from suwen.records.ledger import (
    Untrusted,
    leaf_hash,
    node_hash,
    paths,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from suwen.records.ledger.merkle import EMPTY_ROOT


def root_of(leaves: list[bytes]) -> bytes:
    """``MTH`` of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(root_of(leaves[:middle]), root_of(leaves[middle:]))


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def reader(leaves: list[bytes]) -> paths.Subtree:
    return lambda level, position: root_of(leaves[position << level : (position + 1) << level])


CHECKS: dict[str, Any] = {
    "inclusion": lambda v: verify_inclusion(
        v["leafHash"], v["leafIdx"], v["treeSize"], v["proof"], v["root"]
    ),
    "consistency": lambda v: verify_consistency(v["size1"], v["size2"], v["proof"], v["root1"], v["root2"]),
    "subtreeinclusion": lambda v: verify_subtree_inclusion(
        v["leafHash"], v["leafIdx"], v["start"], v["end"], v["proof"], v["root"]
    ),
    "subtreeconsistency": lambda v: verify_subtree_consistency(
        v["start"], v["end"], v["size"], v["proof"], v["root1"], v["root2"]
    ),
}


@pytest.mark.parametrize("kind", CHECKS)
def test_vectors_of_the_field_are_accepted_and_refused_as_they_say(kind: str, data_dir: Path) -> None:
    files = sorted((data_dir / "records/merkle/testdata" / kind).rglob("*.json"))
    wrong, accepted = [], 0
    for path in files:
        vector = json.loads(path.read_text())
        for name in ("leafHash", "root", "root1", "root2"):
            vector[name] = b64decode(vector.get(name) or "")
        vector["proof"] = [b64decode(one) for one in vector["proof"] or ()]
        try:
            CHECKS[kind](vector)
            refused = False
        except Untrusted as error:
            assert error.code == "bad-proof"
            refused = True
        accepted += not refused
        if refused != vector["wantErr"]:
            wrong.append(str(path))
    assert not wrong
    assert len(files) > 40
    assert accepted


@given(st.integers(1, 300), st.data())
def test_an_inclusion_proof_holds_for_its_leaf_alone(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = paths.inclusion(index, size, reader(leaves))
    verify_inclusion(leaves[index], index, size, proof, root_of(leaves))
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index) if size > 1 else st.just(size))
    with pytest.raises(Untrusted, match=r"."):
        verify_inclusion(leaves[index], other, size, proof, root_of(leaves))
    with pytest.raises(Untrusted):
        verify_inclusion(leaf_hash(b"another"), index, size, proof, root_of(leaves))


@given(st.integers(1, 300), st.data())
def test_a_consistency_proof_holds_between_its_trees(size2: int, data: st.DataObject) -> None:
    leaves = leaves_of(size2)
    size1 = data.draw(st.integers(1, size2))
    root1, root2 = root_of(leaves[:size1]), root_of(leaves)
    proof = paths.consistency(size1, size2, reader(leaves))
    verify_consistency(size1, size2, proof, root1, root2)
    rewritten = root_of([leaf_hash(b"rewritten"), *leaves[1:]])
    with pytest.raises(Untrusted):
        verify_consistency(size1, size2, proof, root1, rewritten)
    if size1 != size2:
        with pytest.raises(Untrusted):
            verify_consistency(size2, size1, proof, root1, root2)


@given(st.integers(2, 200), st.data())
def test_a_proof_changed_anywhere_is_refused(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    consistency = data.draw(st.booleans())
    at = data.draw(st.integers(1, size - 1))
    make = paths.consistency if consistency else paths.inclusion
    proof = list(make(at, size, reader(leaves)))
    kind = data.draw(st.sampled_from(["flip", "drop", "insert", "swap", "cut"]))
    spot = data.draw(st.integers(0, len(proof) - 1))
    changed = list(proof)
    if kind == "flip":
        bit = data.draw(st.integers(0, 255))
        changed[spot] = (int.from_bytes(proof[spot], "big") ^ (1 << bit)).to_bytes(32, "big")
    elif kind == "drop":
        del changed[spot]
    elif kind == "insert":
        changed.insert(spot, data.draw(st.binary(min_size=32, max_size=32)))
    elif kind == "swap":
        changed.reverse()
        assume(changed != proof)
    else:
        changed[spot] = changed[spot][:-1]
    with pytest.raises(Untrusted):
        if consistency:
            verify_consistency(at, size, changed, root_of(leaves[:at]), root_of(leaves))
        else:
            verify_inclusion(leaves[at], at, size, changed, root_of(leaves))


def subtree_proof(start: int, end: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """``SUBTREE_PROOF`` of the Merkle Tree Certificates draft, word for word."""
    if (start, end) == (0, len(leaves)):
        return [] if known else [root_of(leaves)]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    left, right = leaves[:middle], leaves[middle:]
    if end <= middle:
        return [*subtree_proof(start, end, left, known), root_of(right)]
    if middle <= start:
        return [*subtree_proof(start - middle, end - middle, right, known), root_of(left)]
    return [*subtree_proof(0, end - middle, right, False), root_of(left)]


@given(st.integers(0, 6), st.integers(0, 7), st.data())
def test_subtrees_are_checked_at_their_place(level: int, position: int, data: st.DataObject) -> None:
    width = 1 << level
    start = position * width
    end = start + data.draw(st.integers(width // 2 + 1, width))
    size = end + data.draw(st.integers(0, 40))
    leaves = leaves_of(size)
    index = data.draw(st.integers(start, end - 1))
    root = root_of(leaves[start:end])
    inside = paths.inclusion(index - start, end - start, reader(leaves[start:end]))
    verify_subtree_inclusion(leaves[index], index, start, end, inside, root)
    with pytest.raises(Untrusted):
        verify_subtree_inclusion(leaf_hash(b"another"), index, start, end, inside, root)
    around = subtree_proof(start, end, leaves)
    verify_subtree_consistency(start, end, size, around, root, root_of(leaves))
    for claimed, tree in ((leaf_hash(b"another"), root_of(leaves)), (root, leaf_hash(b"another"))):
        with pytest.raises(Untrusted):
            verify_subtree_consistency(start, end, size, around, claimed, tree)


@pytest.mark.parametrize(
    "arguments",
    [
        (b"", 0, 1, [], b""),
        (bytes(31), 0, 1, [], bytes(31)),
        (bytes(32), -1, 1, [], bytes(32)),
        (bytes(32), 0, True, [], bytes(32)),
        (bytes(32), 0, 1.0, [], bytes(32)),
        (bytes(32), "0", 1, [], bytes(32)),
        (bytes(32), 0, 1 << 64, [], bytes(32)),
        (bytes(32), 0, 1, "proof", bytes(32)),
        (bytes(32), 0, 2, ["x" * 32], bytes(32)),
        (bytes(32), 0, 2, [None], bytes(32)),
        (bytes(32), 0, 2, [bytes(32)] * 1000, bytes(32)),
        ("x" * 32, 0, 1, [], bytes(32)),
        (bytes(32), 0, 1, [], "x" * 32),
        (None, None, None, None, None),
    ],
)
def test_what_is_no_proof_at_all_is_refused_like_a_bad_one(arguments: tuple[Any, ...]) -> None:
    for check in (
        lambda: verify_inclusion(*arguments),
        lambda: verify_consistency(
            arguments[1], arguments[2], arguments[3], arguments[0], bytes(32) if arguments[0] else None
        ),
    ):
        with pytest.raises(Untrusted) as caught:
            check()
        assert caught.value.code == "bad-proof"


def test_nothing_is_proved_of_what_does_not_exist() -> None:
    leaves = leaves_of(4)
    for make in (
        lambda: paths.inclusion(4, 4, reader(leaves)),
        lambda: paths.inclusion(-1, 4, reader(leaves)),
        lambda: paths.consistency(0, 4, reader(leaves)),
        lambda: paths.consistency(5, 4, reader(leaves)),
    ):
        with pytest.raises(BadInput):
            make()
