"""A data key opens for its master key, in its place, and for nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Untrusted
from suwen.records.keys.wrap import WRAPPED_BYTES, MasterKey, unwrap, wrap

MASTER = MasterKey.generate()
DATA_KEY = bytes(range(32))
BLOB = wrap(MASTER.public, DATA_KEY, b"owner 7")


def test_round_trip() -> None:
    assert len(BLOB) == WRAPPED_BYTES == 1169
    assert unwrap(MASTER, BLOB, b"owner 7") == DATA_KEY


def test_text_round_trip_keeps_the_id() -> None:
    again = MasterKey.from_text(MASTER.to_text())
    assert again.key_id == MASTER.key_id
    assert unwrap(again, BLOB, b"owner 7") == DATA_KEY


def test_wrapping_twice_gives_other_bytes() -> None:
    assert wrap(MASTER.public, DATA_KEY, b"") != wrap(MASTER.public, DATA_KEY, b"")


@settings(max_examples=200)
@given(st.integers(0, len(BLOB) * 8 - 1))
def test_any_flipped_bit_is_refused(bit: int) -> None:
    changed = bytearray(BLOB)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Untrusted) as caught:
        unwrap(MASTER, bytes(changed), b"owner 7")
    assert caught.value.code == "undecryptable"


@given(st.integers(0, len(BLOB) - 1))
def test_any_cut_is_refused(length: int) -> None:
    for wrong in (BLOB[:length], BLOB[length + 1 :], BLOB + b"\0"):
        with pytest.raises(Untrusted):
            unwrap(MASTER, wrong, b"owner 7")


@given(st.binary(max_size=30))
def test_another_place_is_refused(aad: bytes) -> None:
    if aad != b"owner 7":
        with pytest.raises(Untrusted):
            unwrap(MASTER, BLOB, aad)


def test_half_a_master_key_is_not_enough() -> None:
    other = MasterKey.generate()
    for wrong in (
        other,
        MasterKey(MASTER._x25519, other._mlkem768),
        MasterKey(other._x25519, MASTER._mlkem768),
    ):
        with pytest.raises(Untrusted):
            unwrap(wrong, BLOB, b"owner 7")


def test_low_order_point_is_refused() -> None:
    for point in (bytes(32), b"\1" + bytes(31)):
        with pytest.raises(Untrusted):
            unwrap(MASTER, BLOB[:1] + point + BLOB[33:], b"owner 7")


def test_secrets_are_in_no_repr_and_no_error() -> None:
    secret = base64.b64decode(MASTER.to_text())
    with pytest.raises(Untrusted) as caught:
        unwrap(MASTER, b"", b"")
    for text in (repr(MASTER), repr(MASTER.public), str(caught.value)):
        assert secret.hex() not in text and MASTER.to_text() not in text
    assert repr(MASTER) == f"MasterKey({MASTER.key_id})"


@pytest.mark.parametrize("text", ["", "x", "QUJD", "你好", base64.b64encode(bytes(95)).decode(), "=" * 128])
def test_other_text_is_no_master_key(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        MasterKey.from_text(text)
    assert caught.value.code == "bad-master-key"
