"""Results into the patient's record: as FHIR with their Provenance, in one transaction with the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.errors import NotFound

if TYPE_CHECKING:
    from suwen.records.interactions.messages import Response
    from suwen.records.record import Record
    from suwen.records.store.writer import Transaction

EVENT = "predict"
"""What the ledger calls these writes."""


def record_of(store: Path | None, url: str | None) -> Record | None:
    """The record that results go to: the one named, or this installation's own if there is one.

    Returns
    -------
    Record or None
        ``None`` when nobody named one and none has been made yet: results then stay in the answer.
    """
    from suwen.records.record import Record, home_folder
    from suwen.records.store.database import Database

    if store is None and url is None and not Database.at(home_folder()).path.exists():
        return None
    return Record.open(store, url)


def write_back(record: Record, document: dict[str, Any], patient: str, *, actor: str) -> list[str]:
    """Store every result of a predict or explain document.

    Parameters
    ----------
    record
        Where the patient is.
    document
        Of ``suwen predict`` or ``suwen explain``; its ``results`` hold FHIR bundles about this patient.
    patient
        Logical id of the Patient.
    actor
        Who asked, for the ledger.

    Returns
    -------
    list of str
        What was stored, as ``Type/id/_history/version``.

    Raises
    ------
    NotFound
        When the record has no such patient (code ``unknown-patient``): nothing is stored under a wrong id.
    """
    import orjson

    from suwen.records.interactions.messages import Request
    from suwen.records.interactions.transaction import Plan

    entries = [
        {
            "fullUrl": entry["fullUrl"],
            "resource": dict(entry["resource"]),
            "request": {
                "method": "PUT",
                "url": f"{entry['resource']['resourceType']}/{entry['resource']['id']}",
            },
        }
        for result in document["results"]
        for entry in result["fhir"]["entry"]
    ]
    request = Request(method="POST", path="", actor=actor)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    plan = Plan(record, request, bundle, event=EVENT)
    plan.prepare()

    def work(tx: Transaction) -> Response:
        current = record.changes.current(tx, record.ref("Patient", patient))
        if current is None or current.deleted:
            raise NotFound(
                "the record has no such patient, so nothing was stored",
                fix="Check --patient, or import the patient first",
                code="unknown-patient",
            )
        return plan.carry_out(tx)

    answered = orjson.loads(record.writer.do(work).body)
    return [entry["response"]["location"] for entry in answered.get("entry", [])]


def stored(
    document: dict[str, Any], *, patient: str | None, store: Path | None, url: str | None, actor: str
) -> dict[str, Any]:
    """The document with ``stored``: what went into the record, or ``None`` when there is no record.

    Parameters
    ----------
    document
        Of :func:`~suwen.lifecycle.predict.predict_document`; changed.
    patient
        Without one nothing is stored.
    store, url
        Folder or database address of the record; see :func:`record_of`.
    """
    if patient is None:
        return document
    record = record_of(store, url)
    if record is not None:
        with record:
            document["stored"] = write_back(record, document, patient, actor=actor)
    return document
