"""Encrypted files in segments of 64 KiB: streamed in any size, read from any place, never cut unseen.

A file is a header of 48 bytes and at least one segment::

    header    "suwenseg" (8) ‖ version 1 (1) ‖ zeros (3) ‖ segment size 65536 (4, big endian) ‖ file id (32)
    segment   AES-256-GCM ciphertext (1 to 65536 bytes; none only in an empty file) ‖ tag (16)

The AES key is HKDF-SHA256 of the patient's file key, with the random file id as salt and the header as info:
it serves this one file. The nonce of a segment is its number (11 bytes, big endian) and a byte that is 1 for
the last one and 0 for all others, which is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár
2015): a segment moved, repeated, left out or taken from another file does not open, and neither does a file
cut at any place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from suwen.core.errors import BadInput, Untrusted

SEGMENT_BYTES = 65536
TAG_BYTES = 16
ID_BYTES = 32
_FRONT = b"suwenseg" + b"\x01\0\0\0" + SEGMENT_BYTES.to_bytes(4, "big")
HEADER_BYTES = len(_FRONT) + ID_BYTES
_SEALED = SEGMENT_BYTES + TAG_BYTES


class Source(Protocol):
    """Anything bytes are read from; ``readinto`` is used where there is one."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Sink(Protocol):
    """Anything bytes are written to."""

    def write(self, data: Any, /) -> Any:
        """Take all of it."""


def seal_stream(cipher_key: bytes, source: Source, sink: Sink, *, file_id: bytes) -> int:
    """Encrypt all of a source; its size in bytes.

    Parameters
    ----------
    cipher_key
        32 secret bytes: ``cipher.derive("files")`` of a patient's cipher.
    source, sink
        Plain bytes in, ciphertext out. A source may give less than it was asked for.
    file_id
        32 random bytes, never used for another content.
    """
    aead = _aead(cipher_key, file_id)
    sink.write(_FRONT + file_id)
    sealed = memoryview(bytearray(_SEALED))
    size = 0
    for number, (piece, last) in enumerate(_pieces(source, SEGMENT_BYTES)):
        size += len(piece)
        out = sealed[: len(piece) + TAG_BYTES]
        aead.encrypt_into(_nonce(number, last), piece, None, out)
        sink.write(out)
    return size


def open_stream(cipher_key: bytes, source: Source, sink: Sink, *, file_id: bytes) -> int:
    """Decrypt all of a source, front to back; the plain size in bytes.

    Every byte written was checked, in its place; that nothing is missing is known only at the end, so what
    was written counts when this returns.

    Raises
    ------
    Untrusted
        When anything was changed, moved, repeated or cut, or for another key or id (code ``undecryptable``).
    """
    if (
        fill(source, header := memoryview(bytearray(HEADER_BYTES))) < HEADER_BYTES
        or header != _FRONT + file_id
    ):
        raise _undecryptable(file_id)
    aead = _aead(cipher_key, file_id)
    plain = memoryview(bytearray(SEGMENT_BYTES))
    size = 0
    for number, (piece, last) in enumerate(_pieces(source, _SEALED)):
        length = len(piece) - TAG_BYTES
        if length < 0 or (length == 0 and number):
            raise _undecryptable(file_id)
        out = plain[:length]
        try:
            aead.decrypt_into(_nonce(number, last), piece, None, out)
        except InvalidTag:
            raise _undecryptable(file_id) from None
        sink.write(out)
        size += length
    return size


class SegmentReader:
    """A sealed file, read at any place; for one thread at a time.

    Parameters
    ----------
    cipher_key
        The key it was sealed with.
    source
        A seekable file; closed with the reader.
    file_id
        Its id.

    Raises
    ------
    Untrusted
        When it is another file, or was cut or extended: the last segment is opened at once (code
        ``undecryptable``).
    """

    def __init__(self, cipher_key: bytes, source: BinaryIO, *, file_id: bytes) -> None:
        self._source, self._id = source, file_id
        self._aead = _aead(cipher_key, file_id)
        if source.read(HEADER_BYTES) != _FRONT + file_id:
            raise _undecryptable(file_id)
        whole, rest = divmod(source.seek(0, 2) - HEADER_BYTES, _SEALED)
        self._last = whole if rest else whole - 1
        self.size = self._last * SEGMENT_BYTES + len(self._segment(self._last))
        """Plain size in bytes."""

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Return so many bytes from a place on, less where the file ends before.

        Raises
        ------
        BadInput
            When offset or length is negative.
        Untrusted
            When a segment was changed (code ``undecryptable``).
        """
        if offset < 0 or (length is not None and length < 0):
            raise BadInput(
                f"offset and length count bytes: {offset} and {length} cannot be", code="bad-range"
            )
        end = self.size if length is None else min(self.size, offset + length)
        if offset >= end:
            return b""
        first = offset // SEGMENT_BYTES
        found = b"".join(self._segment(n) for n in range(first, (end - 1) // SEGMENT_BYTES + 1))
        start = offset - first * SEGMENT_BYTES
        return found[start : start + end - offset]

    def __iter__(self) -> Iterator[bytes]:
        """Every segment, front to back."""
        return (self._segment(number) for number in range(self._last + 1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _segment(self, number: int) -> bytes:
        if number >= 0:
            self._source.seek(HEADER_BYTES + number * _SEALED)
            sealed = self._source.read(_SEALED)
            if len(sealed) > TAG_BYTES or (len(sealed) == TAG_BYTES and number == 0):
                try:
                    return self._aead.decrypt(_nonce(number, number == self._last), sealed, None)
                except InvalidTag:
                    pass
        raise _undecryptable(self._id)


def fill(source: Source, view: memoryview) -> int:
    """Read until the view is full or the source is at its end; how many bytes."""
    into = getattr(source, "readinto", None)
    done = 0
    while done < len(view):
        if into is not None:
            count = into(view[done:]) or 0
        else:
            data = source.read(len(view) - done)
            count = len(data)
            view[done : done + count] = data
        if not count:
            break
        done += count
    return done


def _pieces(source: Source, size: int) -> Iterator[tuple[memoryview, bool]]:
    """Pieces of a size, and whether each is the last; at least one, which may be empty."""
    this, other = memoryview(bytearray(size)), memoryview(bytearray(size))
    have = fill(source, this)
    while True:
        following = fill(source, other) if have == size else 0
        yield this[:have], not following
        if not following:
            return
        this, other, have = other, this, following


def _aead(cipher_key: bytes, file_id: bytes) -> AESGCM:
    if len(cipher_key) != 32 or len(file_id) != ID_BYTES:
        raise ValueError("a file key and a file id have 32 bytes each")
    info = b"suwen file\0" + _FRONT + file_id
    return AESGCM(HKDF(hashes.SHA256(), 32, salt=file_id, info=info).derive(cipher_key))


def _nonce(number: int, last: bool) -> bytes:
    return (number << 8 | last).to_bytes(12, "big")


def _undecryptable(file_id: bytes) -> Untrusted:
    return Untrusted(
        "a stored file does not open: it was changed, cut, exchanged or sealed under another key",
        where=f"file {file_id.hex()}",
        fix="Restore the file from a backup",
        code="undecryptable",
    )
