"""Receipts of erasures: JSON, signed, with the proof that the ledger has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature

from suwen.core.errors import SuwenError, Untrusted
from suwen.records.keys.signing import public_pem
from suwen.records.ledger import checkpoint, log
from suwen.records.ledger.events import decode
from suwen.records.ledger.merkle import leaf_hash
from suwen.records.ledger.proofs import verify_inclusion

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from suwen.records.record import Record
    from suwen.records.store.connection import Connection

FORMAT = "suwen-erasure-1"
_PAGE = 500


def issue(record: Record, patient: int, key: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the receipt of an erasure that has been committed.

    Parameters
    ----------
    record
        Which signs it.
    patient
        The patient's keyed hash.
    key
        Number of the data key that was destroyed.
    facts
        What else it says.
    """
    with record.database.reading() as db:
        head = log.latest(db)
        position, entry = _leaf(db, key)
        assert head is not None  # noqa: S101
        proof = log.inclusion_proof(db, position, head.size)
    receipt = {
        "format": FORMAT,
        "patient": pseudonym(patient),
        "key": key,
        **facts,
        "leaf": {"position": position, "entry": entry.decode(), "proof": [_text(one) for one in proof]},
        "checkpoint": head.note,
        "public_key": public_pem(record.signer.public_key()).decode(),
    }
    return {**receipt, "signature": _text(record.signer.sign(_canonical(receipt)))}


def check(receipt: Any, keys: Sequence[Ed25519PublicKey]) -> None:
    """Check a receipt offline: its signature, its tree head's, and that the erasure is in that tree.

    Parameters
    ----------
    receipt
        As it was issued.
    keys
        Public keys that are believed; the one in the receipt is not among them by itself.

    Raises
    ------
    Untrusted
        When any of it does not hold (codes ``bad-erasure-receipt``, ``bad-signature``, ``bad-proof``).
    """
    try:
        signature = base64.b64decode(receipt["signature"], validate=True)
        leaf, note = receipt["leaf"], str(receipt["checkpoint"])
        entry, position = leaf["entry"].encode(), int(leaf["position"])
        proof = [base64.b64decode(one, validate=True) for one in leaf["proof"]]
        event = decode(entry)
        said = (event.action, pseudonym(event.ref), event.seq, event.count)
        fits = said == ("erase", receipt["patient"], receipt["key"], receipt["resources"])
        signed = _canonical(receipt)
    except (KeyError, TypeError, ValueError, AttributeError, SuwenError):
        fits = False
    if not fits or receipt["format"] != FORMAT:
        raise Untrusted("this is no receipt of an erasure", code="bad-erasure-receipt")
    tree = checkpoint.verify(note, keys)
    verify_inclusion(leaf_hash(entry), position, tree.size, proof, tree.root)
    if not any(_signed(key, signature, signed) for key in keys):
        raise Untrusted("the signature of the receipt does not hold", code="bad-signature")


def pseudonym(ref: int) -> str:
    """How a keyed hash is written for people: 16 hexadecimal digits, as in AuditEvents."""
    return f"{ref % (1 << 64):016x}"


def _leaf(db: Connection, key: int) -> tuple[int, bytes]:
    """The entry of an erasure: the last one that names its key, near the end of the log."""
    row = db.row("SELECT MAX(position) FROM leaf")
    before = int((row or (0,))[0] or 0) + 1
    sql = "SELECT position, entry FROM leaf WHERE position < ? AND position >= ? ORDER BY position DESC"
    while before > 0:
        for position, entry in db.rows(sql, (before, before - _PAGE)):
            event = decode(bytes(entry))
            if event.action == "erase" and event.seq == key:
                return int(position), bytes(entry)
        before -= _PAGE
    raise Untrusted("the ledger has lost an entry", fix="Run: suwen records verify", code="damaged-store")


def _signed(key: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _canonical(receipt: Mapping[str, Any]) -> bytes:
    """What is signed: everything but the signature, keys sorted, no spaces, ASCII."""
    rest = {name: value for name, value in receipt.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
