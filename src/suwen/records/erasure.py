"""``suwen records erase``: destroy one patient's key, take the patient out of every index, and sign a receipt.

What remains are ciphertexts nobody can open, their digests in the ledger, and pseudonyms: so the ledger still
verifies, and says that and when the patient was erased.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature

from suwen.core.errors import NotFound, Untrusted
from suwen.records.fhir.index import unpack
from suwen.records.fhir.instants import instant
from suwen.records.keys.signing import public_pem
from suwen.records.ledger import checkpoint, log
from suwen.records.ledger.events import Event, decode
from suwen.records.ledger.merkle import leaf_hash
from suwen.records.ledger.proofs import verify_inclusion

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from suwen.records.record import Record
    from suwen.records.store.connection import Connection
    from suwen.records.store.writer import Transaction

FORMAT = "suwen-erasure-1"
FILES = "files"
"""Folder of the store with encrypted attachments; also the purpose their keys are derived for."""
_SCRUBS = 3
_PAGE = 500
BACKUPS = (
    "Backups made before hold this data key, wrapped. It can be opened until the master key named here is retired: "
    "suwen records keys rotate"
)


@dataclass(slots=True)
class _Gone:
    """What the transaction took out."""

    owner: int
    master: str
    resources: int
    elsewhere: int
    at_us: int


def erase(record: Record, patient: str, *, actor: str) -> dict[str, Any]:
    """Erase a patient for good.

    Parameters
    ----------
    record
        Whose patient.
    patient
        Id of the Patient resource.
    actor
        Who is answerable, for the ledger.

    Returns
    -------
    dict
        A receipt: pseudonym, data key, number of resources, the ledger's entry with its proof and signed tree
        head, and a signature over all of it (see :func:`check_receipt`).

    Raises
    ------
    NotFound
        When the record has no such patient, or has erased it.
    """
    ref = record.ref("Patient", patient)
    with record.database.reading() as db:
        owner = record.vault.owner(db, ref)
        files = [] if owner is None else _files(record, record.vault.cipher(db, owner).derive(FILES))
    gone = record.writer.do(lambda tx: _take_out(record, tx, ref, actor))
    record.vault.forget(gone.owner)
    for path_of_id in files:
        _file_store(record).delete(path_of_id)
    for _ in range(_SCRUBS):
        record.database.scrub()
    return _receipt(record, ref, gone, len(files))


def check_receipt(receipt: Mapping[str, Any], keys: Sequence[Ed25519PublicKey]) -> None:
    """Check a receipt offline: its signature, its tree head's, and that the erasure is in that tree.

    Raises
    ------
    Untrusted
        When any of it does not hold (codes ``bad-receipt``, ``bad-signature``, ``bad-proof``).
    """
    try:
        signature = base64.b64decode(receipt["signature"], validate=True)
        entry, proof = receipt["leaf"]["entry"].encode(), receipt["leaf"]["proof"]
        position, note = receipt["leaf"]["position"], receipt["checkpoint"]
        event = decode(entry)
        path = [base64.b64decode(one, validate=True) for one in proof]
        said = (event.action, event.ref, event.seq, event.count)
        fits = said == ("erase", pseudonym_to_ref(receipt["patient"]), receipt["key"], receipt["resources"])
    except (KeyError, TypeError, ValueError, AttributeError):
        fits = False
    if not fits or receipt.get("format") != FORMAT:
        raise Untrusted("this is no receipt of an erasure", code="bad-receipt")
    tree = checkpoint.verify(note, keys)
    verify_inclusion(leaf_hash(entry), position, tree.size, path, tree.root)
    for key in keys:
        try:
            key.verify(signature, _canonical(receipt))
        except InvalidSignature:
            continue
        return
    raise Untrusted("the signature of the receipt does not hold", code="bad-signature")


def pseudonym(ref: int) -> str:
    """How a keyed hash is written for people: 16 hexadecimal digits, as in AuditEvents."""
    return f"{ref % (1 << 64):016x}"


def pseudonym_to_ref(text: str) -> int:
    """The keyed hash that a pseudonym stands for."""
    value = int(text, 16)
    return value - (1 << 64) if value >> 63 else value


def _take_out(record: Record, tx: Transaction, ref: int, actor: str) -> _Gone:
    """The one transaction: key, resources, index rows, ledger entry."""
    db = tx.db
    key = db.row("SELECT owner, master FROM data_key WHERE patient = ?", (ref,))
    if key is None:
        raise NotFound(
            "the record has no such patient, or has erased it",
            fix="Check the id: that of the Patient resource",
            code="no-patient",
        )
    owner, master = int(key[0]), str(key[1])
    elsewhere = _elsewhere(record, db, ref, owner)
    count = _delete_rows(db, owner)
    record.vault.destroy(db, owner)
    tx.events.append(Event("erase", tx.now, actor, ref=ref, seq=owner, count=count))
    return _Gone(owner, master, count, elsewhere, tx.now)


def _delete_rows(db: Connection, owner: int) -> int:
    """Take the resources of one owner out of all tables but ``version``; how many there were."""
    rows = db.rows("SELECT rid, entries FROM resource WHERE owner = ?", (owner,))
    terms: list[tuple[int, int]] = []
    spans: list[tuple[int]] = []
    links: list[tuple[int, int, int]] = []
    for rid, packed in rows:
        entries = unpack(packed)
        terms += [(key, rid) for key in entries.terms]
        links += [(key, target, rid) for key, target in entries.links]
        if entries.spans:
            spans.append((rid,))
    # In the order of the trees they are in: neighbours share a page.
    db.run_many("DELETE FROM term WHERE key = ? AND rid = ?", sorted(terms))
    db.run_many("DELETE FROM link WHERE key = ? AND target = ? AND rid = ?", sorted(links))
    db.run_many("DELETE FROM span WHERE rid = ?", sorted(spans))
    db.run("DELETE FROM resource WHERE owner = ?", (owner,))
    return len(rows)


def _elsewhere(record: Record, db: Connection, ref: int, owner: int) -> int:
    """Resources of the patient's compartment that lie under other keys, such as a group's list or a relative's."""
    found: set[int] = set()
    for kind, codes in record.definitions.compartment.items():
        for code in codes:
            key = record.indexer.link_key(kind, code)
            rows = db.rows(
                "SELECT l.rid FROM link l JOIN resource r ON r.rid = l.rid "
                "WHERE l.key = ? AND l.target = ? AND r.owner <> ?",
                (key, ref, owner),
            )
            found.update(row[0] for row in rows)
    return len(found)


def _files(record: Record, cipher_key: bytes) -> list[bytes]:
    """Encrypted files that this key opens."""
    if not (record.folder / FILES).exists():
        return []
    store, found = _file_store(record), []
    for file_id in store.shelf:
        try:
            store.open(cipher_key, file_id).close()
        except Untrusted:
            continue
        found.append(file_id)
    return found


def _file_store(record: Record) -> Any:
    from suwen.records.files.folder import FileStore

    return FileStore(record.folder / FILES)


def _receipt(record: Record, ref: int, gone: _Gone, files: int) -> dict[str, Any]:
    with record.database.reading() as db:
        head = log.latest(db)
        assert head is not None  # noqa: S101
        position, entry = _leaf(db, gone.owner)
        proof = log.inclusion_proof(db, position, head.size)
    receipt = {
        "format": FORMAT,
        "patient": pseudonym(ref),
        "key": gone.owner,
        "master": gone.master,
        "erased_at": instant(gone.at_us),
        "resources": gone.resources,
        "files": files,
        "elsewhere": gone.elsewhere,
        "backups": BACKUPS,
        "leaf": {
            "position": position,
            "entry": entry.decode(),
            "proof": [base64.b64encode(one).decode() for one in proof],
        },
        "checkpoint": head.note,
        "public_key": public_pem(record.signer.public_key()).decode(),
    }
    signature = base64.b64encode(record.signer.sign(_canonical(receipt))).decode()
    return {**receipt, "signature": signature}


def _leaf(db: Connection, owner: int) -> tuple[int, bytes]:
    """The entry of an erasure: the last one that names its key, near the end of the log."""
    row = db.row("SELECT MAX(position) FROM leaf")
    before = int((row or (0,))[0] or 0) + 1
    while before > 0:
        sql = "SELECT position, entry FROM leaf WHERE position < ? AND position >= ? ORDER BY position DESC"
        for position, entry in db.rows(sql, (before, before - _PAGE)):
            event = decode(bytes(entry))
            if event.action == "erase" and event.seq == owner:
                return int(position), bytes(entry)
        before -= _PAGE
    raise Untrusted("the ledger has lost an entry", fix="Run: suwen records verify", code="damaged-store")


def _canonical(receipt: Mapping[str, Any]) -> bytes:
    """What is signed: everything but the signature, keys sorted, no spaces, ASCII."""
    rest = {name: value for name, value in receipt.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
