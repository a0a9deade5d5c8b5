"""What a piece of an import becomes, worked out without the record: parsed, validated, indexed.

This is most of the work and needs only the definitions and the key of the indexes, so it runs in processes
beside the one that writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from suwen.core.errors import BadInput, SuwenError
from suwen.records.exchange.sources import LONGEST, Form, Piece, unpacked
from suwen.records.fhir import wire
from suwen.records.fhir.definitions import Definitions, definitions
from suwen.records.fhir.index import Indexer
from suwen.records.fhir.validate import Validator
from suwen.records.interactions.errors import Invalid
from suwen.records.interactions.incoming import change_of
from suwen.records.interactions.messages import Request
from suwen.records.interactions.references import address_keys, rewrite
from suwen.records.interactions.transaction import Plan
from suwen.records.keys.blind import Blind

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.changes import Change

RESOURCES = frozenset({"batch", "collection", "searchset"})
"""Bundles that are no more than a wrapping of resources; others are kept whole, as documents of their own."""


USUAL = (
    *("Patient", "Observation", "Encounter", "Condition", "Claim", "ExplanationOfBenefit", "Procedure"),
    *("MedicationRequest", "DiagnosticReport", "Immunization", "Organization", "Practitioner", "CarePlan"),
)
_PLACE = re.compile(r"line (\d+)(?: (column \d+))?")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that was not imported; ``what`` quotes nothing of it.

    Attributes
    ----------
    line
        Where in the file, counted from 1.
    code
        Of the error.
    what
        The error in a sentence.
    count
        Resources that were not imported for it.
    """

    line: int
    code: str
    what: str
    count: int = 1


@dataclass(slots=True)
class Prepared:
    """What to write for a piece.

    Attributes
    ----------
    rounds
        Changes, of which each round has at most one for a resource, in order.
    rejected
        What cannot be written.
    needs_record
        A transaction in which a search, a patch or a deletion decides: all of it is for the writer to do.
    entries
        Resources that would not be imported if the whole of it failed.
    """

    rounds: list[list[Change]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    needs_record: bool = False
    entries: int = 1

    @property
    def count(self) -> int:
        """Resources to write."""
        return sum(map(len, self.rounds))


@dataclass(frozen=True, slots=True)
class _Bench:
    """The parts of a record that preparing needs, where there is no database."""

    definitions: Definitions
    indexer: Indexer
    validator: Validator


class Tools:
    """What preparing works with.

    Parameters
    ----------
    index_key
        32 bytes, of the blind indexes.

    Attributes
    ----------
    record
        Stands in for one in functions that use only the three parts of it. Its validator lets references be
        searches: bulk exports have them (``Practitioner?identifier=...``), nobody resolves those, and they are
        kept; in transactions the writer resolves them.
    """

    def __init__(self, index_key: bytes) -> None:
        self.definitions = definitions()
        indexer = Indexer(self.definitions, Blind(index_key))
        self.record = cast("Record", _Bench(self.definitions, indexer, _validator()))


@cache
def _validator() -> Validator:
    return Validator(definitions(), conditional_references=True)


def warm_up() -> None:
    """Make what is made once in a process: the schemas of the usual types take most of it."""
    address_keys(definitions())
    for kind in USUAL:
        _validator().valid({"resourceType": kind})


def prepare(tools: Tools, piece: Piece) -> Prepared:
    """Turn a piece into changes; whatever is wrong in it is rejected and does not stop the rest."""
    prepared = Prepared()
    seen: list[set[tuple[str, str]]] = []

    def keep(change: Change) -> None:
        """A later version of a resource in the same piece goes into a later round."""
        name = (change.kind, change.ident)
        at = next((at for at, names in enumerate(seen) if name not in names), len(seen))
        if at == len(seen):
            seen.append(set())
            prepared.rounds.append([])
        seen[at].add(name)
        prepared.rounds[at].append(change)

    if piece.form is Form.DOCUMENT:
        prepared.rejected += _attempt(1, lambda: _document(tools, piece, prepared, keep))
        return prepared
    for number, line in enumerate(piece.data.split(b"\n"), piece.line):
        if number in piece.overlong:
            what = f"The line is longer than {LONGEST >> 20} MB"
            prepared.rejected.append(Rejection(number, "too-large", what))
        elif line.strip():
            prepared.rejected += _attempt(number, lambda: keep(_update(tools, wire.read(line))))  # noqa: B023
    prepared.entries = prepared.count
    return prepared


def document_of(piece: Piece) -> Any:
    """The parsed document of a piece."""
    return wire.read(unpacked(piece.data))


def rejection(line: int, error: SuwenError, count: int = 1) -> Rejection:
    """An error as it is reported; places are told only where they cannot hold content."""
    place = _PLACE.fullmatch(error.where or "")
    if place:  # of a document it is the line; on a line of its own it is always 1
        line, where = line + int(place[1]) - 1, place[2]
    else:
        where = error.issues[0].path if isinstance(error, Invalid) else None
    what = f"{error.what} ({where})" if where else error.what
    return Rejection(line, error.code, what[:1].upper() + what[1:], count)


def _attempt(line: int, work: Callable[[], None]) -> Iterator[Rejection]:
    """Do a work; yield why it could not be done."""
    try:
        work()
    except SuwenError as error:
        yield rejection(line, error)
    except Exception as error:  # a resource that trips us up must not stop the other million
        yield Rejection(line, "import-failed", f"This cannot be imported: {type(error).__name__}")


def _document(tools: Tools, piece: Piece, prepared: Prepared, keep: Callable[[Change], None]) -> None:
    document = document_of(piece)
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
        keep(_update(tools, document))
    elif kind == "transaction":
        _transaction(tools, document, prepared)
    elif kind in RESOURCES:
        _entries(tools, document, prepared, keep)
    else:
        keep(_update(tools, document))


def _transaction(tools: Tools, document: dict[str, Any], prepared: Prepared) -> None:
    entries = document.get("entry")
    prepared.entries = count = len(entries) if isinstance(entries, list) and entries else 1
    try:
        plan = Plan(tools.record, Request(method="POST", path=""), document)
        plan.prepare()
    except SuwenError as error:
        prepared.rejected.append(rejection(1, error, count))
        return
    changes = [change for _, change in plan.changes]
    decides = plan.deletes or plan.patches or plan.reads or any(change.check for change in changes)
    if decides or not plan.prepared:
        prepared.needs_record = True
    elif changes:
        prepared.rounds.append(changes)


def _entries(
    tools: Tools, document: dict[str, Any], prepared: Prepared, keep: Callable[[Change], None]
) -> None:
    """Resources wrapped in a bundle, each written under its own id or, where a batch says POST, a new one."""
    entries = [entry if isinstance(entry, dict) else {} for entry in document.get("entry") or []]
    addresses: dict[str, str] = {}
    for entry in entries:
        resource, url = entry.get("resource"), entry.get("fullUrl")
        if not isinstance(resource, dict):
            continue
        if (entry.get("request") or {}).get("method") == "POST":
            resource["id"] = str(uuid4())
        if isinstance(url, str) and url.startswith("urn:") and isinstance(resource.get("id"), str):
            addresses[url] = f"{resource.get('resourceType')}/{resource['id']}"
    keys = address_keys(tools.definitions)
    for position, entry in enumerate(entries):
        if entry.get("search", {}).get("mode") == "outcome" or "resource" not in entry:
            continue
        for refused in _attempt(1, lambda: keep(_entry(tools, entry["resource"], addresses, keys))):  # noqa: B023
            what = f"Entry {position} of the bundle: {refused.what}"
            prepared.rejected.append(Rejection(refused.line, refused.code, what))


def _entry(tools: Tools, resource: Any, addresses: dict[str, str], keys: frozenset[str]) -> Change:
    if addresses and isinstance(resource, dict):
        rewrite(resource, addresses, keys)
    return _update(tools, resource)


def _update(tools: Tools, resource: Any) -> Change:
    """A resource to be written under the id it has."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise BadInput("this is no FHIR resource", fix="It needs a resourceType", code="no-resource")
    ident = resource.get("id")
    if not isinstance(ident, str):
        raise BadInput("the resource has no id", fix="Give it one, or POST it", code="no-id")
    return change_of(tools.record, "PUT", resource, ident)
