"""The cipher of one data key: AES-256-GCM whose nonces cannot repeat.

A sealed blob is ``0x01 ‖ writer (16) ‖ number (8, big endian) ‖ ciphertext ‖ tag (16)``: 41 bytes more than
the plain text. ``writer`` is random and drawn once per process, and again in every forked child; the AES key
is HMAC-SHA256 of it under the data key; ``number`` counts up and is the nonce. So two blobs share a key only
if one process made both, and then their numbers differ. No random nonce is ever drawn, and no limit of 2^32
messages applies (NIST SP 800-38D, 8.2.1, deterministic construction).

What this cannot see is a running machine that was copied with its memory: two clones of one snapshot go on
with the same writer and number. Restart the process after such a restore.
"""

from __future__ import annotations

import hmac
import itertools
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from suwen.core.errors import Untrusted

KEY_BYTES = 32
FORMAT = b"\x01"
_HEAD, _TAG = 25, 16
_MOST_WRITERS = 256
"""Derived keys one cipher remembers: one for every process that ever wrote under its data key."""


class _Writer:
    """What this process puts in front of everything it seals, and where it has counted to."""

    __slots__ = ("front", "next_number", "writer_id")

    def __init__(self) -> None:
        self.writer_id = os.urandom(16)
        self.front = FORMAT + self.writer_id
        # One C call under the interpreter's lock: two threads never receive the same number.
        self.next_number: Callable[[], int] = itertools.count(1).__next__


_writer = _Writer()


def _renew() -> None:
    global _writer  # noqa: PLW0603 - a forked child must not go on with its parent's writer id
    _writer = _Writer()


os.register_at_fork(after_in_child=_renew)


def writer_id() -> bytes:
    """Return the 16 random bytes that stand for this process in what it seals."""
    return _writer.writer_id


class Cipher:
    """Seals and opens under one data key; safe to share between threads.

    Parameters
    ----------
    data_key
        32 secret bytes. They appear in no ``repr`` and no error.

    Raises
    ------
    ValueError
        When the key is not 32 bytes long.
    """

    __slots__ = ("_aeads", "_data_key")

    def __init__(self, data_key: bytes) -> None:
        if len(data_key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes, this one {len(data_key)}")
        self._data_key = data_key
        self._aeads: dict[bytes, AESGCM] = {}

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt, and bind to what it is.

        Parameters
        ----------
        plain
            At most 2^31 - 1 bytes.
        aad
            What the blob belongs to (type, id and version); needed again to open it.
        """
        writer = _writer
        aead = self._aeads.get(writer.writer_id) or self._derive(writer.writer_id)
        number = writer.next_number().to_bytes(8, "big")
        return b"".join((writer.front, number, aead.encrypt(b"\0\0\0\0" + number, plain, aad)))

    def open(self, blob: bytes, aad: bytes) -> bytes:
        """Decrypt what :meth:`seal` made.

        Raises
        ------
        Untrusted
            When it was changed, cut, sealed for something else or under another key (code ``undecryptable``).
        """
        if len(blob) < _HEAD + _TAG or blob[:1] != FORMAT:
            raise _undecryptable()
        writer = blob[1:17]
        aead = self._aeads.get(writer) or self._derive(writer)
        try:
            return aead.decrypt(b"\0\0\0\0" + blob[17:_HEAD], blob[_HEAD:], aad)
        except InvalidTag:
            raise _undecryptable() from None

    def derive(self, purpose: str) -> bytes:
        """Return a 32-byte key for one other use, such as ``files``; it dies with the data key."""
        return hmac.digest(self._data_key, b"suwen derived key\0" + purpose.encode(), "sha256")

    def _derive(self, writer: bytes) -> AESGCM:
        aead = AESGCM(hmac.digest(self._data_key, b"suwen body key\0" + writer, "sha256"))
        if len(self._aeads) >= _MOST_WRITERS:  # a blob names its writer: the memory for them stays bounded
            self._aeads.clear()
        self._aeads[writer] = aead
        return aead


def _undecryptable() -> Untrusted:
    return Untrusted(
        "a stored body does not open: it was changed, moved to another place or sealed under another key",
        fix="Check the store with: suwen records verify",
        code="undecryptable",
    )
