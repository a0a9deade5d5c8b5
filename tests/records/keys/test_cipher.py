"""Nonces never repeat, and nothing opens that is not what was sealed, where it was sealed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import Untrusted
from suwen.records.keys.cipher import Cipher, writer_id

KEY = bytes(range(32))
FORKING = """
import os, sys
from suwen.records.keys.cipher import Cipher, writer_id
cipher = Cipher(bytes(32))
said = [writer_id().hex() + cipher.seal(b'', b'')[1:25].hex()]
reading, writing = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        grandchild = os.fork()
        blob = cipher.seal(b'', b'')  # through a cipher whose keys were cached before the fork
        os.write(writing, (writer_id().hex() + blob[1:25].hex() + '\\n').encode())
        if grandchild:
            os.waitpid(grandchild, 0)
        os._exit(0)
    os.wait()
os.close(writing)
while piece := os.read(reading, 65536):
    said += piece.decode().split()
print(*said)
"""


def numbers(blob: bytes) -> bytes:
    return blob[1:25]


@given(plain=st.binary(max_size=3000), aad=st.binary(max_size=64))
def test_round_trip(plain: bytes, aad: bytes) -> None:
    cipher = Cipher(KEY)
    blob = cipher.seal(plain, aad)
    assert len(blob) == len(plain) + 41
    assert cipher.open(blob, aad) == plain
    assert Cipher(KEY).open(blob, aad) == plain


@given(data=st.data(), plain=st.binary(max_size=100))
def test_any_flipped_bit_is_refused(data: st.DataObject, plain: bytes) -> None:
    cipher = Cipher(KEY)
    blob = bytearray(cipher.seal(plain, b"Patient/1/1"))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Untrusted) as caught:
        cipher.open(bytes(blob), b"Patient/1/1")
    assert caught.value.code == "undecryptable"


@given(data=st.data(), plain=st.binary(max_size=100))
def test_any_cut_or_addition_is_refused(data: st.DataObject, plain: bytes) -> None:
    cipher = Cipher(KEY)
    blob = cipher.seal(plain, b"a")
    cut = data.draw(st.integers(0, len(blob) - 1))
    for wrong in (blob[:cut], blob[len(blob) - cut :], blob + b"\0"):
        with pytest.raises(Untrusted):
            cipher.open(wrong, b"a")


@given(one=st.binary(max_size=40), other=st.binary(max_size=40))
def test_another_place_is_refused(one: bytes, other: bytes) -> None:
    cipher = Cipher(KEY)
    if one != other:
        with pytest.raises(Untrusted):
            cipher.open(cipher.seal(b"body", one), other)


@given(st.binary(min_size=32, max_size=32))
def test_another_key_is_refused(key: bytes) -> None:
    blob = Cipher(KEY).seal(b"body", b"a")
    if key != KEY:
        with pytest.raises(Untrusted):
            Cipher(key).open(blob, b"a")


def test_error_says_nothing_of_the_content() -> None:
    blob = Cipher(KEY).seal(b"Chalmers", b"Patient/example")
    with pytest.raises(Untrusted) as caught:
        Cipher(KEY).open(blob, b"Patient/other")
    assert "Chalmers" not in str(caught.value) and "Patient" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_threads_never_share_a_nonce() -> None:
    ciphers = [Cipher(KEY), Cipher(KEY), Cipher(bytes(32))]

    def seal(n: int) -> list[bytes]:
        return [numbers(ciphers[n % 3].seal(b"x", b"")) for _ in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        seen = [one for part in pool.map(seal, range(8)) for one in part]
    assert len(set(seen)) == len(seen)


def test_forked_children_and_grandchildren_have_their_own_writer_id() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)
    said = done.stdout.split()
    assert len(said) == 7
    assert len({one[:32] for one in said}) == 7
    assert all(one[:32] == one[32:64] for one in said)


def test_two_processes_have_their_own_writer_id() -> None:
    code = "from suwen.records.keys.cipher import writer_id; print(writer_id().hex())"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    assert len(said | {writer_id().hex()}) == 3


def test_a_blob_of_many_writers_leaves_memory_bounded() -> None:
    cipher = Cipher(KEY)
    good = cipher.seal(b"x", b"")
    for n in range(1000):
        with pytest.raises(Untrusted):
            cipher.open(b"\x01" + n.to_bytes(16, "big") + bytes(40), b"")
    assert len(cipher._aeads) <= 256
    assert cipher.open(good, b"") == b"x"
    assert cipher.open(cipher.seal(b"y", b""), b"") == b"y"


def test_derived_keys_differ_by_purpose_and_key() -> None:
    derived = {Cipher(key).derive(purpose) for key in (KEY, bytes(32)) for purpose in ("files", "crypt4gh")}
    assert len(derived) == 4
    assert {len(one) for one in derived} == {32}


def test_key_is_in_no_repr() -> None:
    assert KEY.hex() not in repr(Cipher(KEY)) and repr(KEY) not in repr(Cipher(KEY))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_only_256_bit_keys(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Cipher(bytes(length))
