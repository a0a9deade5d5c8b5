"""``suwen records verify, head, proof, audit, anchor``: the ledger, from outside."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from suwen.cli.options import Db, Json, Store
from suwen.cli.output import emit, line, who
from suwen.cli.records_common import Keys, PatientId, folder_of, opened
from suwen.core.errors import BadInput


def verify(
    store: Store = None,
    db: Db = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", help="A tree head kept elsewhere, which the log must continue.", metavar="FILE"
        ),
    ] = None,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Check a record, or a copy of one, against its ledger: offline, without secrets, changing nothing."""
    from suwen.records.verifying import verify as check

    verdict = check(folder_of(store), db, keys=keys or (), against=against)
    if as_json:
        emit({"ok": verdict.ok, "tree_size": verdict.tree_size, "problems": list(verdict.problems)})
    else:
        for problem in verdict.problems:
            line(problem)
        line(f"{'ok' if verdict.ok else 'NOT OK'}: {verdict.tree_size} entries")
    if not verdict.ok:
        raise typer.Exit(3)


def head(store: Store = None, db: Db = None, as_json: Json = False) -> None:
    """Print the newest signed tree head; keep it where whoever can write to the record cannot."""
    from suwen.records.verifying import head as newest

    found = newest(folder_of(store), db)
    if as_json:
        emit({"tree_size": found.size, "root": found.root.hex(), "checkpoint": found.note})
    else:
        sys.stdout.write(found.note)


def proof(
    position: Annotated[int, typer.Argument(help="Position of the entry in the log.", min=0)],
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Print an entry of the ledger with the proof that it is in the newest tree."""
    from suwen.records.ledger import log
    from suwen.records.verifying import head as newest
    from suwen.records.verifying import opened as read_only

    folder = folder_of(store)
    found = newest(folder, db)
    with read_only(folder, db) as connection:
        path = log.inclusion_proof(connection, position, found.size)
        row = connection.row("SELECT entry FROM leaf WHERE position = ?", (position,))
    entry = bytes(row[0]).decode() if row else ""
    hashes = [base64.b64encode(one).decode() for one in path]
    if as_json:
        emit({"position": position, "entry": entry, "proof": hashes, "checkpoint": found.note})
        return
    for text in (entry, *hashes, "", found.note.rstrip("\n")):
        line(text)


def audit(
    store: Store = None,
    db: Db = None,
    patient: PatientId = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Nothing before this time, ISO 8601; UTC unless it says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print who did what, a line each; with --json as FHIR AuditEvents, NDJSON."""
    from suwen.records.auditing import audit_events

    start = 0 if since is None else _microseconds(since)
    with opened(store, db) as record:
        for event in audit_events(record, actor=who(), patient=patient, since_us=start):
            if as_json:
                sys.stdout.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")
                continue
            agent = event["agent"][0]["who"]["identifier"]["value"]
            action = event.get("subtype", [{}])[-1].get("code", "")
            what = [entity.get("what", {}) for entity in event.get("entity", ())]
            names = [one.get("reference") or one.get("identifier", {}).get("value", "") for one in what]
            line(f"{event['recorded']}  {agent}  {action}  {' '.join(filter(None, names))}".rstrip())


def anchor(
    rpc: Annotated[str, typer.Option("--rpc", help="JSON-RPC address of an EVM node.", metavar="URL")],
    store: Store = None,
    db: Db = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Hold this receipt against chain and record instead.", metavar="FILE"),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", min=0, help="Only if the last anchor is older than this many seconds.")
    ] = 0,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Write the newest tree head into an EVM chain and print the receipt; nothing of a patient goes there."""
    from suwen.records import anchoring

    if check is not None:
        document = anchoring.check(folder_of(store), db, rpc, check, keys or [])
    else:
        with opened(store, db) as record:
            document = anchoring.anchor(record, rpc, actor=who(), every_s=every)
    if as_json:
        emit(document)
        return
    receipt = document["receipt"]
    line(f"{receipt['size']} entries, root {receipt['root']}")
    line(f"chain {receipt['chain_id']}, block {receipt['block']}, transaction {receipt['transaction']}")
    if "depth" in document:
        line(f"ok: {document['depth']} blocks deep")


def _microseconds(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "this is no time in ISO 8601", where="--since", fix="Write 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return int(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1_000_000)


VERBS: dict[str, Callable[..., None]] = {
    "verify": verify,
    "head": head,
    "proof": proof,
    "audit": audit,
    "anchor": anchor,
}
