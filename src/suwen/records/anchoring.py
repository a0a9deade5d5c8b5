"""``suwen records anchor``: the newest tree head into an EVM chain, and a receipt held against it later."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.errors import NotFound
from suwen.records.ledger import anchor as chain
from suwen.records.ledger import checkpoint
from suwen.records.ledger.events import Event
from suwen.records.ledger.log import latest
from suwen.records.verifying import opened, public_keys

if TYPE_CHECKING:
    from suwen.records.record import Record

LAST = "anchor"
"""Row of ``setting``: when the last anchor was made, and its receipt."""


def anchor(record: Record, rpc: str, *, actor: str, every_s: float = 0) -> dict[str, Any]:
    """Anchor the newest tree head, unless the last anchor is younger than an interval.

    Parameters
    ----------
    record
        Whose ledger.
    rpc
        URL of a node's JSON-RPC interface.
    actor
        Who is answerable, for the ledger.
    every_s
        Least number of seconds from one anchor to the next; 0 anchors in any case.

    Returns
    -------
    dict
        ``receipt``, and whether it is ``new``.

    Raises
    ------
    NotFound
        When the ledger is empty (code ``empty-ledger``).
    MissingExtra, BadInput, Refused
        As :func:`suwen.records.ledger.anchor.anchor`.
    """
    with record.database.reading() as db:
        head = latest(db)
        kept = db.row("SELECT value FROM setting WHERE name = ?", (LAST,))
    last = json.loads(bytes(kept[0])) if kept else None
    if last and every_s and not chain.due(last["at_us"], every_s, record.now()):
        return {"new": False, "receipt": last["receipt"]}
    if head is None:
        raise NotFound("the ledger of this record is empty", fix="Write to it first", code="empty-ledger")
    receipt = chain.anchor(rpc, head.checkpoint)
    now = record.now()
    value = json.dumps({"at_us": now, "receipt": asdict(receipt)}).encode()

    def work(tx: Any) -> None:
        tx.db.run("DELETE FROM setting WHERE name = ?", (LAST,))
        tx.db.run("INSERT INTO setting (name, value) VALUES (?, ?)", (LAST, value))
        digest = hashlib.sha256(receipt.to_json()).digest()
        tx.events.append(Event("anchor", now, actor, digest=digest, note=receipt.transaction))

    record.writer.do(work)
    return {"new": True, "receipt": asdict(receipt)}


def check(folder: Path, url: str | None, rpc: str, file: Path, keys: list[Path]) -> dict[str, Any]:
    """Hold a receipt against the chain and the store's own tree head of that size; no secret is needed.

    Parameters
    ----------
    folder, url
        Of the store, or of a copy.
    rpc
        URL of a node one trusts.
    file
        The receipt: what :func:`anchor` returned, or the ``receipt`` in it.
    keys
        PEM files of public keys; by default the store's own.

    Raises
    ------
    NotFound
        When the store has no tree head of that size (code ``no-head``): it was cut back or rewritten.
    Untrusted
        When the chain, the receipt and the store do not agree (code ``bad-anchor``).
    """
    found = json.loads(file.read_bytes())
    inner = found.get("receipt", found) if isinstance(found, dict) else found
    receipt = chain.Receipt.from_json(json.dumps(inner))
    with opened(folder, url) as db:
        row = db.row("SELECT checkpoint FROM head WHERE size = ?", (receipt.size,))
    if row is None:
        raise NotFound(
            "the ledger has no tree head of the size that was anchored",
            where=f"size {receipt.size}",
            fix="Run: suwen records verify, against a tree head kept elsewhere",
            code="no-head",
        )
    depth = chain.check(rpc, receipt, checkpoint.verify(str(row[0]), public_keys(folder, keys)))
    return {"ok": True, "depth": depth, "receipt": asdict(receipt)}
