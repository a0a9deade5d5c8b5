"""Events of the ledger as FHIR R4 AuditEvents."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

from suwen.records.fhir.instants import instant
from suwen.records.ledger.events import Event

Coding = dict[str, str]
Resolver = Callable[[int], str | None]
"""From a keyed hash to ``Type/id``; none where the resource is not there, or the reader may not know it."""

REST: Coding = {
    "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "code": "rest",
    "display": "RESTful Operation",
}
INTERACTION = "http://hl7.org/fhir/restful-interaction"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
SERVER: Coding = {
    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
    "code": "4",
    "display": "Application Server",
}

_INTERACTIONS = {
    "create": "C",
    "update": "U",
    "patch": "U",
    "delete": "D",
    "read": "R",
    "vread": "R",
    "history": "R",
    "search": "E",
}
_OPERATIONS = {"everything": "R", "validate": "E", "predict": "E", "plan": "E", "view": "R"}
_OTHERS: dict[str, tuple[str, Coding]] = {
    "export": ("R", {"system": DICOM, "code": "110106", "display": "Export"}),
    "import": ("C", {"system": DICOM, "code": "110107", "display": "Import"}),
    "login": ("E", {"system": DICOM, "code": "110114", "display": "User Authentication"}),
    "key-create": (
        "C",
        {"system": LIFECYCLE, "code": "encrypt", "display": "Encrypt Record Lifecycle Event"},
    ),
    "key-rotate": (
        "U",
        {"system": LIFECYCLE, "code": "encrypt", "display": "Encrypt Record Lifecycle Event"},
    ),
    "key-retire": (
        "D",
        {"system": LIFECYCLE, "code": "destroy", "display": "Destroy/Delete Record Lifecycle Event"},
    ),
    "erase": (
        "D",
        {"system": LIFECYCLE, "code": "destroy", "display": "Destroy/Delete Record Lifecycle Event"},
    ),
    "anchor": ("E", {"system": LIFECYCLE, "code": "attest", "display": "Attest Record Lifecycle Event"}),
    "head": ("E", {"system": LIFECYCLE, "code": "attest", "display": "Attest Record Lifecycle Event"}),
    "verify": ("E", {"system": LIFECYCLE, "code": "verify", "display": "Verify Record Lifecycle Event"}),
}
_OUTCOMES = {"ok": "0", "refused": "4", "failed": "8"}


def audit_event(event: Event, *, position: int, origin: str, resolve: Resolver) -> dict[str, Any]:
    """Return the AuditEvent of a leaf, as JSON.

    Parameters
    ----------
    event
        What the leaf says.
    position
        Its position in the log: the AuditEvent's id.
    origin
        Name of the log: the observer.
    resolve
        Names what the keyed hashes stand for. What it does not name appears as a pseudonym of 16 digits.
    """
    kind, subtype, action = _codes(event.action)
    actor, note = _printable(event.actor), _printable(event.note)
    entities = _entities(event, resolve)
    return {
        "resourceType": "AuditEvent",
        "id": str(position),
        "type": kind,
        "subtype": subtype,
        "action": action,
        "recorded": instant(event.at_us),
        "outcome": _OUTCOMES[event.outcome],
        **({"outcomeDesc": note} if note else {}),
        "agent": [{"who": {"identifier": {"value": actor or "unknown"}}, "requestor": True}],
        "source": {"observer": {"identifier": {"value": origin}}, "type": [SERVER]},
        **({"entity": entities} if entities else {}),
    }


def _codes(action: str) -> tuple[Coding, list[Coding], str]:
    """Type, subtypes and action code."""
    if action in _INTERACTIONS:
        return REST, [{"system": INTERACTION, "code": action, "display": action}], _INTERACTIONS[action]
    if action in _OPERATIONS:
        operation = {"system": INTERACTION, "code": "operation", "display": "operation"}
        return REST, [operation, {"code": action}], _OPERATIONS[action]
    letter, kind = _OTHERS[action]
    return kind, [{"code": action}], letter


def _entities(event: Event, resolve: Resolver) -> list[dict[str, Any]]:
    """What was touched: the resource, the patients, the search."""
    found = []
    if event.ref:
        version = "" if event.action == "erase" else str(event.version or "")
        entity = _object(event.ref, resolve, version)
        if event.digest:
            what = (
                "SHA-256 of the plan's chain" if event.action == "plan" else "SHA-256 of the stored version"
            )
            entity["detail"] = [_digest(what, event.digest)]
        found.append(entity)
    found += [_object(one, resolve) for one in event.subjects]
    detail = [_digest("keyed digest of the search", event.query)] if event.query else []
    if event.digest and not event.ref:
        detail.append(_digest("SHA-256", event.digest))
    if event.count:
        detail.append({"type": "resources", "valueString": str(event.count)})
    if detail:
        role = {"system": ENTITY_ROLE, "code": "24", "display": "Query"} if event.query else None
        kind = {"system": ENTITY_TYPE, "code": "2", "display": "System Object"}
        found.append({"type": kind, **({"role": role} if role else {}), "detail": detail})
    return found


def _object(ref: int, resolve: Resolver, version: str = "") -> dict[str, Any]:
    """A resource by its name, or by its pseudonym."""
    name = resolve(ref)
    if name is None:
        pseudonym = {"value": f"{ref % (1 << 64):016x}", "type": {"text": "pseudonym in the ledger"}}
        return {"what": {"identifier": pseudonym}}
    what = {"reference": f"{name}/_history/{version}" if version else name}
    if name.startswith("Patient/"):
        kind = {"system": ENTITY_TYPE, "code": "1", "display": "Person"}
        role = {"system": ENTITY_ROLE, "code": "1", "display": "Patient"}
    else:
        kind = {"system": ENTITY_TYPE, "code": "2", "display": "System Object"}
        role = {"system": ENTITY_ROLE, "code": "4", "display": "Domain Resource"}
    return {"what": what, "type": kind, "role": role}


def _digest(name: str, value: bytes) -> dict[str, str]:
    return {"type": name, "valueBase64Binary": b2a_base64(value, newline=False).decode()}


def _printable(text: str) -> str:
    """The text without what a FHIR string may not hold."""
    return "".join(letter for letter in text if letter.isprintable()).strip()
