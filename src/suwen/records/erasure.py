"""``suwen records erase``: destroy a patient's key, take the patient out of every index, sign a receipt.

What remains are ciphertexts nobody can open, their digests in the ledger, and pseudonyms: so the ledger still
verifies, and says that and when the patient was erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suwen.core.errors import NotFound, Untrusted
from suwen.records import receipts
from suwen.records.fhir.index import unpack
from suwen.records.fhir.instants import instant
from suwen.records.files.folder import FileStore
from suwen.records.interactions.compartment import link_keys
from suwen.records.ledger.events import Event
from suwen.records.scrubbing import scrub

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.connection import Connection
    from suwen.records.store.writer import Transaction

FILES = "files"
"""Folder of the store with encrypted attachments; also the purpose their keys are derived for."""
BACKUPS = (
    "Backups made before hold this data key, wrapped. It can be opened until the master key named here is "
    "retired: suwen records keys rotate"
)


@dataclass(frozen=True, slots=True)
class _Gone:
    """What the transaction took out."""

    key: int
    master: str
    names: list[tuple[str, str]]
    elsewhere: int
    at_us: int


def erase(record: Record, patient: str, *, actor: str, compact: bool = False) -> dict[str, Any]:
    """Erase a patient for good.

    Parameters
    ----------
    record
        Whose patient.
    patient
        Id of the Patient resource.
    actor
        Who is answerable, for the ledger.
    compact
        Whether to rewrite the tables afterwards, whatever they hold; takes as long as they are large.

    Returns
    -------
    dict
        A receipt, see :func:`suwen.records.receipts.check`: pseudonym, data key, number of ``resources`` and
        ``files``, resources ``elsewhere`` that refer to the patient and belong to others, whether the
        write-ahead ``log_emptied`` and tables were ``compacted``, the ledger's entry with proof and signed
        tree head, and a signature over all of it.

    Raises
    ------
    NotFound
        When the record has no such patient, or has erased it (code ``no-patient``).
    """
    ref = record.ref("Patient", patient)
    files = _files(record, ref)
    gone = record.writer.do(lambda tx: _take_out(record, tx, ref, actor))
    record.vault.forget(gone.key)
    for file_id in files:
        FileStore(record.folder / FILES).delete(file_id)
    scrubbed = scrub(record.database, gone.names, compact=compact)
    facts = {
        "master": gone.master,
        "erased_at": instant(gone.at_us),
        "resources": len(gone.names),
        "files": len(files),
        "elsewhere": gone.elsewhere,
        "log_emptied": scrubbed.log_emptied,
        "compacted": scrubbed.compacted,
        "backups": BACKUPS,
    }
    return receipts.issue(record, ref, gone.key, facts)


def _take_out(record: Record, tx: Transaction, ref: int, actor: str) -> _Gone:
    """The one transaction: key, resources, index rows, ledger entry."""
    key = tx.db.row("SELECT owner, master FROM data_key WHERE patient = ?", (ref,))
    if key is None:
        raise NotFound(
            "the record has no such patient, or has erased it",
            fix="Check the id: that of the Patient resource",
            code="no-patient",
        )
    owner = int(key[0])
    elsewhere = _elsewhere(record, tx.db, ref, owner)
    names = _delete_rows(tx.db, owner)
    record.vault.destroy(tx.db, owner)
    tx.events.append(Event("erase", tx.now, actor, ref=ref, seq=owner, count=len(names)))
    return _Gone(owner, str(key[1]), names, elsewhere, tx.now)


def _delete_rows(db: Connection, owner: int) -> list[tuple[str, str]]:
    """Take the resources of one owner out of all tables but ``version``; their types and ids."""
    rows = db.rows("SELECT rid, type, id, entries FROM resource WHERE owner = ?", (owner,))
    terms: list[tuple[int, int]] = []
    spans: list[tuple[int]] = []
    links: list[tuple[int, int, int]] = []
    for rid, _, _, packed in rows:
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
    return [(str(kind), str(ident)) for _, kind, ident, _ in rows]


def _elsewhere(record: Record, db: Connection, ref: int, owner: int) -> int:
    """Resources in the patient's compartment that lie under other keys: a relative's, a list of several."""
    found: set[int] = set()
    for key in link_keys(record.definitions, record.blind):
        rows = db.rows(
            "SELECT l.rid FROM link l JOIN resource r ON r.rid = l.rid "
            "WHERE l.key = ? AND l.target = ? AND r.owner <> ?",
            (key, ref, owner),
        )
        found.update(row[0] for row in rows)
    return len(found)


def _files(record: Record, ref: int) -> list[bytes]:
    """Encrypted files that the patient's key opens."""
    if not (record.folder / FILES).exists():
        return []
    with record.database.reading() as db:
        owner = record.vault.owner(db, ref)
        if owner is None:
            return []
        cipher_key = record.vault.cipher(db, owner).derive(FILES)
    store, found = FileStore(record.folder / FILES), []
    for file_id in store.shelf:
        try:
            store.open(cipher_key, file_id).close()
        except Untrusted:
            continue
        found.append(file_id)
    return found
