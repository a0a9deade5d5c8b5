"""Signed tree heads, as C2SP tlog-checkpoints: text that any witness of transparency logs can read.

The note's text is the origin, the size and the root, one per line, then two extension lines of ours: the time
of the head, and the size of the head before it, so that no head can be taken out of the chain unseen.
Formats: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note.
"""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, Untrusted
from suwen.records.ledger.merkle import HASH_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
"""Signature type of plain Ed25519 in signed notes."""
LONGEST = 16 * 1024
"""Characters of a checkpoint, its witnesses' signatures included."""

_ORIGIN = re.compile(r"[!-*,-~]{1,200}")  # visible ASCII without "+": also a key name
_BODY = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<time>0|[1-9][0-9]{0,18})\nprevious (?P<previous>0|[1-9][0-9]{0,18})\n"
)
_SIGNATURE = re.compile(r"— (?P<name>[^ +\n]+) (?P<value>[A-Za-z0-9+/]+={0,2})\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head as it was signed.

    Parameters
    ----------
    origin
        Name of the log: the store's own, the same in all its heads.
    size
        Number of leaves.
    root
        Root of the tree, 32 bytes.
    at_us
        When, in microseconds since 1970, UTC.
    previous
        Size of the head before this one; 0 for none.
    """

    origin: str
    size: int
    root: bytes
    at_us: int
    previous: int = 0

    def text(self) -> str:
        """Return what is signed."""
        return (
            f"{self.origin}\n{self.size}\n{_base64(self.root)}\ntime {self.at_us}\nprevious {self.previous}\n"
        )


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the signed note of a checkpoint.

    Raises
    ------
    BadInput
        When the origin cannot be the name of a log (code ``bad-origin``).
    """
    origin = checkpoint.origin
    if not _ORIGIN.fullmatch(origin):
        raise BadInput(
            "the name of the log is not one to 200 visible ASCII characters without '+'", code="bad-origin"
        )
    text = checkpoint.text()
    signature = key.sign(text.encode())
    return f"{text}\n— {origin} {_base64(_signer_id(origin, key) + signature)}\n"


def parse(note: str) -> Checkpoint:
    """Return what a note says; nothing of it is trusted yet.

    Raises
    ------
    Untrusted
        When it is no checkpoint of a record's ledger (code ``bad-checkpoint``).
    """
    return _split(note)[0]


def verify(note: str, keys: Iterable[Ed25519PublicKey]) -> Checkpoint:
    """Return what a note says, once the signature of one of the keys has been found to hold.

    Raises
    ------
    Untrusted
        When it is no checkpoint (code ``bad-checkpoint``) or none of the keys signed it (``bad-signature``).
    """
    from cryptography.exceptions import InvalidSignature

    checkpoint, text, signatures = _split(note)
    for key in keys:
        wanted = _key_id(checkpoint.origin, key)
        for name, value in signatures:
            if name != checkpoint.origin or value[:4] != wanted:
                continue
            try:
                key.verify(value[4:], text)
            except InvalidSignature:
                continue
            return checkpoint
    raise Untrusted(
        "the signature of a tree head does not hold",
        where=f"size {checkpoint.size}",
        fix="Give the public key of the store it comes from",
        code="bad-signature",
    )


def _split(note: str) -> tuple[Checkpoint, bytes, list[tuple[str, bytes]]]:
    text, blank, tail = note[:LONGEST].partition("\n\n")
    body = _BODY.fullmatch(text + "\n")
    lines = tail.splitlines(keepends=True)
    found = [_SIGNATURE.fullmatch(line) for line in lines]
    if not body or not blank or not lines or len(note) > LONGEST:
        raise _bad()
    signatures = []
    for one in found:
        if one is None:
            raise _bad()
        signatures.append((one["name"], _bytes(one["value"])))
    root = _bytes(body["root"])
    if len(root) != HASH_BYTES:
        raise _bad()
    checkpoint = Checkpoint(body["origin"], int(body["size"]), root, int(body["time"]), int(body["previous"]))
    return checkpoint, (text + "\n").encode("utf-8", "replace"), signatures


def _bad() -> Untrusted:
    return Untrusted(
        "this is not a signed tree head of a record's ledger",
        fix="Give the text that 'suwen records head' prints, whole",
        code="bad-checkpoint",
    )


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """First four bytes of SHA-256 over the key's name, a line feed, the type and the key."""
    return sha256(name.encode("utf-8", "replace") + b"\n" + ED25519 + key.public_bytes_raw()).digest()[:4]


@lru_cache(maxsize=16)
def _signer_id(name: str, key: Ed25519PrivateKey) -> bytes:
    """The same for a private key; deriving the public one costs as much as signing."""
    return _key_id(name, key.public_key())


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _bytes(text: str) -> bytes:
    """Bytes of the one base64 text that stands for them."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except NotBase64:
        raise _bad() from None
    if _base64(data) != text:
        raise _bad()
    return data
