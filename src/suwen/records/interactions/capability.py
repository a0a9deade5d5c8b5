"""The CapabilityStatement, generated from what is really there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suwen import __version__
from suwen.records.fhir.instants import instant
from suwen.records.interactions.patching import PATCH_TYPES

if TYPE_CHECKING:
    from suwen.records.record import Record

_INSTANCE = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_SYSTEM = ("transaction", "batch", "history-system", "search-system")


def capability_statement(record: Record, base: str) -> dict[str, Any]:
    """What this interface does, for every resource type.

    Parameters
    ----------
    record
        Its definitions and indexes say which search parameters there are.
    base
        Absolute address of the interface.
    """
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(record.opened_us),
        "kind": "instance",
        "software": {"name": "suwen", "version": __version__},
        "implementation": {"description": "The record of this installation", "url": base},
        "fhirVersion": record.definitions.fhir_version,
        "format": ["application/fhir+json", "json"],
        "patchFormat": list(PATCH_TYPES),
        "rest": [
            {
                "mode": "server",
                "documentation": "Research and decision support; a clinician decides.",
                "security": {
                    "description": "No sign-in yet: the server answers on this machine alone. Every read and "
                    "write is an entry of a signed, append-only log."
                },
                "resource": [_resource(record, kind) for kind in sorted(record.definitions.resource_types)],
                "interaction": [{"code": code} for code in _SYSTEM],
                "operation": [{"name": "validate", "definition": _operation("Resource-validate")}],
            }
        ],
    }


def _resource(record: Record, kind: str) -> dict[str, Any]:
    served = record.search.parameters(kind)
    found: dict[str, Any] = {
        "type": kind,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{kind}",
        "interaction": [{"code": code} for code in _INSTANCE],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": sorted(f"{kind}:{code}" for code, one in served.items() if one.kind == "reference")
        or ["*"],
        "searchRevInclude": ["*"],
        "searchParam": [
            {"name": code, "type": one.kind, "definition": one.url} for code, one in sorted(served.items())
        ],
    }
    if kind == "Patient":
        found["operation"] = [{"name": "everything", "definition": _operation("Patient-everything")}]
    return found


def _operation(name: str) -> str:
    return f"http://hl7.org/fhir/OperationDefinition/{name}"
