"""Genome files: crypt4gh as others read it, and gone with the patient's key."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import BadInput, MissingExtra, NotFound, Untrusted
from suwen.records.files.folder import FileEntry
from suwen.records.files.genome import GenomeStore, read_recipient
from suwen.records.keys.cipher import Cipher

lib = pytest.importorskip("crypt4gh.lib")
SECRET = bytes(range(1, 33))
SEGMENT = 65536 + 28


@pytest.fixture
def store(tmp_path: Path) -> GenomeStore:
    return GenomeStore(tmp_path / "genomes", SECRET)


@pytest.fixture
def patient() -> Cipher:
    return Cipher(os.urandom(32))


@pytest.fixture
def recipient() -> tuple[bytes, bytes]:
    """A secret and its public key, made by the library."""
    from crypt4gh import sodium

    secret = os.urandom(32)
    return secret, bytes(sodium.derive_pk(secret))


def theirs(exported: bytes, secret: bytes, sender: bytes | None = None) -> bytes:
    """What the crypt4gh package alone makes of a file."""
    plain = io.BytesIO()
    lib.decrypt([(0, secret, None)], io.BytesIO(exported), plain, sender_pubkey=sender)
    return plain.getvalue()


def read(store: GenomeStore, cipher: Cipher, entry: FileEntry) -> bytes:
    sink = io.BytesIO()
    assert store.read(cipher, entry.file_id, sink) == entry.size
    return sink.getvalue()


def export(store: GenomeStore, cipher: Cipher, entry: FileEntry, public: bytes) -> bytes:
    sink = io.BytesIO()
    assert store.export(cipher, entry.file_id, public, sink) == len(sink.getvalue())
    return sink.getvalue()


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
def test_round_trip_here_and_with_the_library(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes], size: int
) -> None:
    data = os.urandom(size)
    entry = store.put(patient, io.BytesIO(data))
    path = store.shelf.path(entry.file_id)
    assert entry.size == size and path.suffix == ".c4gh"
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).digest()
    assert read(store, patient, entry) == data
    secret, public = recipient
    exported = export(store, patient, entry, public)
    assert exported[:8] == b"crypt4gh"
    assert theirs(exported, secret, sender=store.public_key) == data


def test_a_real_vcf_from_a_source_that_dribbles(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes], data_dir: Path
) -> None:
    vcf = (data_dir / "records" / "vcf" / "hail_sample2.vcf").read_bytes()

    class Dribble:
        def __init__(self) -> None:
            self._file = io.BytesIO(vcf)

        def read(self, size: int, /) -> bytes:
            return self._file.read(min(size, 5000))

    entry = store.put(patient, Dribble())
    assert read(store, patient, entry) == vcf
    assert theirs(export(store, patient, entry, recipient[1]), recipient[0]) == vcf


def test_only_the_recipient_can_read_an_export(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes]
) -> None:
    entry = store.put(patient, io.BytesIO(b"ACGT"))
    exported = export(store, patient, entry, recipient[1])
    for secret in (SECRET, os.urandom(32)):
        with pytest.raises(ValueError, match="No supported encryption method"):
            theirs(exported, secret)


def test_a_header_alone_opens_the_data_part(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes]
) -> None:
    entry = store.put(patient, io.BytesIO(b"ACGT" * 30_000))
    header = store.header_for(patient, entry.file_id, recipient[1])
    exported = export(store, patient, entry, recipient[1])
    assert len(header) == 16 + 108
    assert theirs(header + exported[len(header) :], recipient[0]) == b"ACGT" * 30_000


def test_without_the_patients_key_it_is_gone(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes]
) -> None:
    """Erasure: whoever still has the store's own X25519 key reads nothing."""
    entry = store.put(patient, io.BytesIO(b"ACGT" * 30_000))
    whole = store.shelf.path(entry.file_id).read_bytes()
    assert b"ACGTACGT" not in whole and b"crypt4gh" not in whole
    with pytest.raises(Untrusted):
        read(store, Cipher(bytes(32)), entry)
    with pytest.raises(Untrusted):
        export(store, Cipher(bytes(32)), entry, recipient[1])


def test_another_store_key_reads_nothing(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes]
) -> None:
    entry = store.put(patient, io.BytesIO(b"ACGT"))
    other = GenomeStore(store.shelf.folder, os.urandom(32))
    with pytest.raises(Untrusted):
        read(other, patient, entry)
    with pytest.raises(Untrusted):
        export(other, patient, entry, recipient[1])


def test_whatever_is_done_to_the_file_nothing_is_written(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes]
) -> None:
    """The format itself would let segments be cut, swapped and repeated."""
    entry = store.put(patient, io.BytesIO(os.urandom(3 * 65536)))
    path = store.shelf.path(entry.file_id)
    good = path.read_bytes()
    one, two, three = (good[at * SEGMENT : (at + 1) * SEGMENT] for at in range(3))
    rest = good[3 * SEGMENT :]
    wrong: dict[str, bytes] = {
        "swapped": two + one + three + rest,
        "repeated": one + one + two + three + rest,
        "left out": one + two + rest,
        "empty": b"",
        "no data": rest,
        "short": good[:-1],
        "long": good + b"\0",
        "length": good[:-4] + b"\xff\xff\xff\xff",
        "no sealed part": good[:-4] + bytes(4),
    }
    for at in (0, SEGMENT, len(good) - len(rest), len(good) - 50, len(good) - 1):
        wrong[f"flipped at {at}"] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
    for name, content in wrong.items():
        path.write_bytes(content)
        for step in ("read", "export"):
            sink = io.BytesIO()
            with pytest.raises(Untrusted) as caught:
                if step == "read":
                    store.read(patient, entry.file_id, sink)
                else:
                    store.export(patient, entry.file_id, recipient[1], sink)
            assert caught.value.code == "undecryptable", name
            assert sink.getvalue() == b"", name
    path.write_bytes(good)
    assert len(read(store, patient, entry)) == entry.size


def test_files_exchanged_are_refused(store: GenomeStore, patient: Cipher) -> None:
    one, other = (store.put(patient, io.BytesIO(data)) for data in (b"ACGT", b"TGCA"))
    store.shelf.path(one.file_id).write_bytes(store.shelf.path(other.file_id).read_bytes())
    with pytest.raises(Untrusted):
        read(store, patient, one)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32), b"\1" + bytes(31)])
def test_unusable_recipients_are_refused(store: GenomeStore, patient: Cipher, public: bytes) -> None:
    entry = store.put(patient, io.BytesIO(b"ACGT"))
    with pytest.raises(BadInput) as caught:
        store.header_for(patient, entry.file_id, public)
    assert caught.value.code == "bad-recipient"


def test_a_recipients_key_file(tmp_path: Path, recipient: tuple[bytes, bytes]) -> None:
    path = tmp_path / "their.pub"
    armour = b"-----%s CRYPT4GH PUBLIC KEY-----\n"
    path.write_bytes(armour % b"BEGIN" + b64encode(recipient[1]) + b"\n" + armour % b"END")
    assert read_recipient(path) == recipient[1]
    for content in (b"", b"hello", armour % b"BEGIN", b"ssh-rsa AAAA", b"ssh-ed25519 AAAA"):
        path.write_bytes(content)
        with pytest.raises(BadInput) as caught:
            read_recipient(path)
        assert caught.value.code == "bad-recipient"


def test_the_library_logs_no_key(
    store: GenomeStore, patient: Cipher, recipient: tuple[bytes, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """It writes session keys and secret keys into the log at level DEBUG."""
    with caplog.at_level(logging.DEBUG):
        entry = store.put(patient, io.BytesIO(b"ACGT"))
        read(store, patient, entry)
        export(store, patient, entry, recipient[1])
    assert SECRET.hex() not in caplog.text and "key" not in caplog.text.lower()


def test_a_sink_that_fails_is_not_taken_for_success(store: GenomeStore, patient: Cipher) -> None:
    """The library's own ``decrypt`` swallows every error of the disk."""
    entry = store.put(patient, io.BytesIO(b"ACGT"))

    class Full:
        def write(self, data: Any, /) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        store.read(patient, entry.file_id, Full())


def test_delete_and_missing(store: GenomeStore, patient: Cipher) -> None:
    entry = store.put(patient, io.BytesIO(b"ACGT"))
    store.delete(entry.file_id)
    with pytest.raises(NotFound):
        read(store, patient, entry)


def test_without_the_package_it_says_what_to_install(
    store: GenomeStore, patient: Cipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "crypt4gh.lib", None)
    with pytest.raises(MissingExtra) as caught:
        store.put(patient, io.BytesIO(b"ACGT"))
    assert "pip install 'suwen[genomes]'" in str(caught.value)
