"""Genome files in the GA4GH crypt4gh format, readable only while their patient's key exists.

The data part of a crypt4gh file is kept as it is; its header, which holds the session key for this store's
X25519 key, is sealed once more under the patient's cipher and put behind it. So erasing the patient's key
erases the genome, and giving it to somebody else means a new header for their key and a copy of the rest.

The format itself numbers no segments: whoever can write to the disk could cut, swap or repeat them unseen. So
the sealed part also holds the length and SHA-256 of the data, and both are checked before a byte is given.

File: ``data part ‖ sealed part ‖ its length (4)``; in the sealed part are ``plain size (8) ‖ data size (8) ‖
SHA-256 (32) ‖ crypt4gh header``.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import logging
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from suwen.core.errors import BadInput, MissingExtra, Untrusted
from suwen.records.files.folder import FileEntry, HashedSink, Shelf
from suwen.records.files.segments import ID_BYTES, Sink, Source, fill
from suwen.records.keys.cipher import Cipher

EXTRA = "genomes"
SUFFIX = ".c4gh"
_X25519_CHACHA20_POLY1305 = 0
_CHUNK = 1 << 20
_NUMBERS = struct.Struct(">QQ32s")
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class _Kept:
    """What lies behind the data part, opened and found to hold."""

    size: int
    data_size: int
    header: bytes


class GenomeStore:
    """Genome files of one store.

    Parameters
    ----------
    folder
        Where they are; see :class:`~suwen.records.files.folder.Shelf`.
    secret
        32 bytes, the store's X25519 private key: ``cipher.derive("crypt4gh")`` of the store's shared cipher.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self.shelf = Shelf(folder, suffix=SUFFIX)
        self._secret = secret
        self.public_key = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        """32 bytes, by which a recipient knows who wrote the header."""

    def put(self, cipher: Cipher, source: Source) -> FileEntry:
        """Encrypt and store a genome file (VCF, BAM, CRAM, FASTQ: any bytes).

        Parameters
        ----------
        cipher
            The patient's.
        source
            Plain bytes; never held in memory or on the disk as a whole.
        """
        lib = _library("lib")
        file_id = secrets.token_bytes(ID_BYTES)
        plain, header = _Counted(source), io.BytesIO()
        with self.shelf.writing(file_id) as file:
            whole = HashedSink(file)
            data = HashedSink(whole)
            key = (_X25519_CHACHA20_POLY1305, self._secret, self.public_key)
            lib.encrypt([key], plain, data, headerfile=header)
            numbers = _NUMBERS.pack(plain.size, data.size, data.digest())
            sealed = cipher.seal(numbers + header.getvalue(), _binding(file_id))
            whole.write(sealed + _LENGTH.pack(len(sealed)))
        return FileEntry(file_id=file_id, size=plain.size, sha256=whole.digest())

    def read(self, cipher: Cipher, file_id: bytes, sink: Sink) -> int:
        """Decrypt a genome file into a sink; its size in bytes.

        Raises
        ------
        NotFound
            When there is none of this id (code ``no-file``).
        Untrusted
            When it was changed or its patient's key is another (code ``undecryptable``); nothing is written.
        """
        lib, header = _library("lib"), _library("header")
        with self._opened(cipher, file_id) as (file, kept):
            try:
                keys, _ = header.deconstruct(io.BytesIO(kept.header), [self._ours()])
            except ValueError:
                raise _undecryptable(file_id) from None
            output = lib.limited_output(process=sink.write)
            next(output)
            lib.body_decrypt(_Part(file, kept.data_size), keys, output, 0)
        return kept.size

    def header_for(self, cipher: Cipher, file_id: bytes, recipient: bytes) -> bytes:
        """Return a crypt4gh header that opens this file for somebody else's key alone.

        Parameters
        ----------
        cipher
            The patient's.
        file_id
            Which file.
        recipient
            32 bytes, an X25519 public key; see :func:`read_recipient`.

        Raises
        ------
        BadInput
            When it is no usable public key (code ``bad-recipient``).
        """
        with self._opened(cipher, file_id) as (_, kept):
            return self._rehead(kept, file_id, recipient)

    def export(self, cipher: Cipher, file_id: bytes, recipient: bytes, sink: Sink) -> int:
        """Write a complete crypt4gh file for a recipient; its size in bytes. See :meth:`header_for`."""
        with self._opened(cipher, file_id) as (file, kept):
            header = self._rehead(kept, file_id, recipient)
            sink.write(header)
            part = _Part(file, kept.data_size)
            while chunk := part.read(_CHUNK):
                sink.write(chunk)
        return len(header) + kept.data_size

    def delete(self, file_id: bytes) -> None:
        """Remove a file; see :meth:`~suwen.records.files.folder.Shelf.delete`."""
        self.shelf.delete(file_id)

    def _ours(self) -> tuple[int, bytes, None]:
        return (_X25519_CHACHA20_POLY1305, self._secret, None)

    def _rehead(self, kept: _Kept, file_id: bytes, recipient: bytes) -> bytes:
        header = _library("header")
        try:  # the library answers a wrong length or a point of low order with a SystemError
            X25519PrivateKey.from_private_bytes(self._secret).exchange(
                X25519PublicKey.from_public_bytes(recipient)
            )
        except ValueError:
            raise _bad_recipient(None) from None
        theirs = (_X25519_CHACHA20_POLY1305, self._secret, recipient)
        try:
            packets = header.parse(io.BytesIO(kept.header))
            return bytes(header.serialize(header.reencrypt(packets, [self._ours()], [theirs], trim=True)))
        except ValueError:
            raise _undecryptable(file_id) from None

    @contextmanager
    def _opened(self, cipher: Cipher, file_id: bytes) -> Iterator[tuple[BinaryIO, _Kept]]:
        """The file at the start of its data part, every byte of it checked."""
        with self.shelf.reading(file_id) as file:
            end = file.seek(0, 2)
            if end < _LENGTH.size:
                raise _undecryptable(file_id)
            file.seek(end - _LENGTH.size)
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            data_size = end - _LENGTH.size - length
            if data_size < 0:
                raise _undecryptable(file_id)
            file.seek(data_size)
            opened = cipher.open(file.read(length), _binding(file_id))
            size, stated, digest = _NUMBERS.unpack_from(opened)
            file.seek(0)
            if stated != data_size or _digest(_Part(file, data_size)) != digest:
                raise _undecryptable(file_id)
            file.seek(0)
            yield file, _Kept(size, data_size, opened[_NUMBERS.size :])


def read_recipient(path: Path) -> bytes:
    """Return the X25519 public key in a crypt4gh or OpenSSH Ed25519 public key file.

    Raises
    ------
    BadInput
        When it is none (code ``bad-recipient``).
    """
    keys = _library("keys")
    try:
        key = bytes(keys.get_public_key(str(path)))
    except Exception:  # the library lets every kind of parsing error through
        key = b""
    if len(key) != 32:
        raise _bad_recipient(path)
    return key


class _Counted:
    """A source whose reads are always full: the library takes a short one for the end of the file."""

    def __init__(self, source: Source) -> None:
        self._source, self.size = source, 0

    def readinto(self, buffer: bytearray) -> int:
        count = fill(self._source, memoryview(buffer))
        self.size += count
        return count


class _Part:
    """The next so many bytes of a file, as a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data

    def readinto(self, buffer: bytearray) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _digest(part: _Part) -> bytes:
    hashed = hashlib.sha256()
    while chunk := part.read(_CHUNK):
        hashed.update(chunk)
    return hashed.digest()


def _library(module: str) -> Any:
    try:
        found = importlib.import_module(f"crypt4gh.{module}")
    except ModuleNotFoundError:
        raise MissingExtra("crypt4gh", EXTRA, "Storing genome files") from None
    # Below this level it writes session keys and private keys into the log, from all its modules.
    logging.getLogger("crypt4gh").setLevel(logging.WARNING)
    return found


def _binding(file_id: bytes) -> bytes:
    return b"genome\0" + file_id


def _bad_recipient(path: Path | None) -> BadInput:
    return BadInput(
        "the recipient's public key is not a usable X25519 key",
        where=None if path is None else str(path),
        fix="Give a crypt4gh public key file, as 'crypt4gh-keygen' makes it",
        code="bad-recipient",
    )


def _undecryptable(file_id: bytes) -> Untrusted:
    return Untrusted(
        "a stored genome file does not open: it was changed, cut, exchanged or sealed under another key",
        where=f"file {file_id.hex()}",
        fix="Restore the file from a backup",
        code="undecryptable",
    )
