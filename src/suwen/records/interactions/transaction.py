"""A transaction bundle: all of it is stored, or nothing is.

What needs no look at the record (ids, references, validation, index entries) is done before the writer is
asked; only what a condition decides is done inside its transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.records.fhir.instants import instant
from suwen.records.interactions.bundles import Entry, assemble
from suwen.records.interactions.conditional import one_match
from suwen.records.interactions.context import Look
from suwen.records.interactions.errors import Invalid, PreconditionFailed
from suwen.records.interactions.incoming import change_of, check_kind
from suwen.records.interactions.messages import Request, Response, criteria
from suwen.records.interactions.preconditions import check_of, etag
from suwen.records.interactions.references import address_keys, rewrite
from suwen.records.interactions.writing import delete_in, patch_in, target_of_update
from suwen.records.store.changes import Change, Stored
from suwen.records.store.reading import content

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.writer import Transaction

STATUS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(slots=True)
class Step:
    """One entry on its way through a transaction."""

    position: int
    request: Request
    kind: str
    ident: str | None = None
    full_url: str | None = None
    existing: Stored | None = None  # what If-None-Exist found: nothing is written


def entry_requests(request: Request, document: dict[str, Any]) -> list[tuple[str | None, Request]]:
    """What each entry asks for, with its ``fullUrl``.

    Raises
    ------
    BadInput
        For an entry that asks for nothing (code ``bad-bundle``), naming its position.
    """
    entries = document.get("entry") or []
    if not isinstance(entries, list):
        raise BadInput("the bundle's entry is no list", fix="Send a list of entries", code="bad-bundle")
    found = []
    for position, entry in enumerate(entries):
        asked = entry.get("request") if isinstance(entry, dict) else None
        method = asked.get("method") if isinstance(asked, dict) else None
        url = asked.get("url") if isinstance(asked, dict) else None
        if method not in METHODS or not isinstance(url, str) or not isinstance(asked, dict):
            raise BadInput(
                "an entry of the bundle does not say what to do with it",
                where=f"Bundle.entry[{position}]",
                fix=f"Give entry {position} a request with method and url",
                code="bad-bundle",
            )
        resource = entry.get("resource")
        if (method in {"POST", "PUT", "PATCH"}) != isinstance(resource, dict) and "_search" not in url:
            raise BadInput(
                f"entry {position} of the bundle does not fit its method",
                fix="POST, PUT and PATCH carry a resource, GET and DELETE none",
                code="bad-bundle",
            )
        url = url.removeprefix(request.base).lstrip("/") if request.base else url.lstrip("/")
        full_url = entry.get("fullUrl")
        found.append(
            (full_url if isinstance(full_url, str) else None, request.entry(method, url, resource, asked))
        )
    return found


class Plan:
    """A transaction on its way.

    Parameters
    ----------
    record
        Where it goes.
    request
        The one that brought the bundle.
    document
        The bundle; its resources are changed in place.
    event
        Ledger action for its writes instead of create, update, patch, delete.
    """

    def __init__(
        self, record: Record, request: Request, document: dict[str, Any], *, event: str = ""
    ) -> None:
        self.record, self.request, self.event = record, request, event
        self.deletes: list[Step] = []
        self.writes: list[Step] = []
        self.patches: list[Step] = []
        self.reads: list[Step] = []
        self.changes: list[tuple[Step, Change]] = []
        self.prepared = False
        self._pending: list[dict[str, Any]] = []
        for position, (full_url, asked) in enumerate(entry_requests(request, document)):
            self._sort(position, full_url, asked)
        self.size = position + 1 if document.get("entry") else 0

    def _sort(self, position: int, full_url: str | None, asked: Request) -> None:
        parts = asked.path.split("/")
        step = Step(position, asked, parts[0], parts[1] if len(parts) > 1 else None, full_url)
        if asked.method in {"GET", "HEAD"} or (asked.method == "POST" and len(parts) > 1):
            self.reads.append(step)
            return
        check_kind(self.record, step.kind)
        if len(parts) > 2 or (asked.method != "POST" and len(parts) < 2 and not asked.query):
            raise BadInput(
                f"entry {position} of the bundle has an address that its method does not take",
                fix="Use Type for POST; Type/id or Type?search for PUT, PATCH and DELETE",
                code="bad-bundle",
            )
        given = (asked.resource or {}).get("resourceType")
        if asked.method in {"POST", "PUT"} and given != step.kind:
            raise BadInput(
                f"entry {position} of the bundle is of another type than its address",
                fix="Use the address of the resource's own type",
                code="wrong-type",
            )
        {"DELETE": self.deletes, "PATCH": self.patches}.get(asked.method, self.writes).append(step)

    @property
    def conditional(self) -> bool:
        """Whether a search decides where something is written."""
        return any(
            step.request.if_none_exist is not None or (step.request.method == "PUT" and step.ident is None)
            for step in self.writes
        )

    def prepare(self) -> None:
        """Do what needs no look at the record, if that is all of it."""
        if self.conditional:
            return
        for step in self.writes:
            if step.request.method == "POST":
                step.ident = str(uuid4())
        self._address()
        if not self._pending:
            self._make()

    def carry_out(self, tx: Transaction) -> Response:
        """Do it, in the writer's transaction."""
        answers: dict[int, Entry] = {}
        for step in self.deletes:
            answers[step.position] = self._delete(tx, step)
        if not self.prepared:
            self._decide(tx)
        stored = self.record.changes.apply(
            tx, [change for _, change in self.changes], actor=self.request.actor, event=self.event
        )
        for (step, _), result in zip(self.changes, stored, strict=True):
            answers[step.position] = self._answer(result, 201 if result.created else 200)
        for step in self.writes:
            if step.existing is not None:
                answers[step.position] = self._answer(step.existing, 200)
        for step in self.patches:
            ident = step.ident or one_match(self.record, tx, step.kind, step.request.query)
            if ident is None:
                raise NotFound("no resource matches the condition of a patch", fix="Check the search")
            self._patch(tx, step, ident, answers)
        for step in self.reads:
            answers[step.position] = self._read(tx, step)
        return Response(
            status=200, body=assemble("transaction-response", [answers[i] for i in range(self.size)])
        )

    def _decide(self, tx: Transaction) -> None:
        """Let searches say which resources are meant, as the transaction sees the record."""
        record = self.record
        if self.conditional:
            for step in self.writes:
                asked = step.request
                if asked.if_none_exist is not None:
                    found = one_match(record, tx, step.kind, criteria(asked.if_none_exist))
                    step.ident = found or str(uuid4())
                    if found:
                        step.existing = record.reading.current(tx.db, record.ref(step.kind, found))
                elif asked.method == "POST":
                    step.ident = str(uuid4())
                elif step.ident is None:
                    step.ident = target_of_update(record, tx, step.kind, asked.query, asked.resource)
            self._address()
        for reference in self._pending:
            kind, _, search = str(reference["reference"]).partition("?")
            check_kind(record, kind)
            ident = one_match(record, tx, kind, criteria(search))
            if ident is None:
                raise PreconditionFailed(
                    "a conditional reference matches nothing",
                    fix="Send its target first, or in the same bundle",
                    code="no-match",
                )
            reference["reference"] = f"{kind}/{ident}"
        self._make()

    def _address(self) -> None:
        """Give every reference within the bundle the address its target will have."""
        addresses: dict[str, str] = {}
        seen: set[tuple[str, str | None]] = set()
        for step in (*self.writes, *self.patches, *self.deletes):
            if step.ident is not None and (step.kind, step.ident) in seen and step.existing is None:
                raise BadInput(
                    "two entries of the bundle are about the same resource",
                    fix="Keep one of them",
                    code="bad-bundle",
                )
            seen.add((step.kind, step.ident))
        for step in self.writes:
            if step.full_url:
                if step.full_url in addresses:
                    raise BadInput(
                        "two entries of the bundle have the same fullUrl",
                        fix="Make each its own",
                        code="bad-bundle",
                    )
                place = f"{step.kind}/{step.ident}"
                addresses[step.full_url] = place
                given = step.request.resource.get("id")
                # https://host/Patient/1 is meant by Patient/1 too, from entries of the same host.
                if step.full_url.startswith("http") and step.full_url.endswith(f"/{step.kind}/{given}"):
                    addresses.setdefault(f"{step.kind}/{given}", place)
        keys = address_keys(self.record.definitions)
        for step in self.writes:
            if step.existing is None:
                self._pending += rewrite(step.request.resource, addresses, keys)

    def _make(self) -> None:
        for step in self.writes:
            if step.existing is None:
                self.changes.append((step, self._change(step)))
        self.prepared = True

    def _change(self, step: Step) -> Change:
        asked = step.request
        if asked.method == "PUT" and not asked.query and asked.resource.get("id") != step.ident:
            raise BadInput(
                f"entry {step.position} of the bundle does not have the id of its address",
                fix="Give it the same id",
                code="wrong-id",
            )
        try:
            return change_of(
                self.record, asked.method, asked.resource, str(step.ident), check=check_of(asked)
            )
        except SuwenError as error:
            _locate(error, step.position)
            raise

    def _patch(self, tx: Transaction, step: Step, ident: str, answers: dict[int, Entry]) -> None:
        result = patch_in(self.record, tx, step.request, step.kind, ident)
        answers[step.position] = self._answer(result, 200)

    def _delete(self, tx: Transaction, step: Step) -> Entry:
        ident = step.ident or one_match(self.record, tx, step.kind, step.request.query)
        if ident is not None:
            delete_in(self.record, tx, step.request, step.kind, ident)
        return Entry(response={"status": STATUS[204]})

    def _read(self, tx: Transaction, step: Step) -> Entry:
        from suwen.records.interactions.dispatch import look_up

        look = Look(record=self.record, db=tx.db, events=tx.events)
        found = look_up(look, step.request)
        return Entry(
            resource=found.body or None,
            response={"status": STATUS.get(found.status, str(found.status))}
            | ({"etag": found.etag} if found.etag else {}),
        )

    def _answer(self, stored: Stored, status: int) -> Entry:
        full = self.request.prefers("return") == "representation"
        return Entry(
            resource=content(stored) if full else None,
            response={
                "status": STATUS[status],
                "location": f"{stored.kind}/{stored.ident}/_history/{stored.version}",
                "etag": etag(stored.version),
                "lastModified": instant(stored.updated),
            },
        )


def _locate(error: SuwenError, position: int) -> None:
    """Say which entry an error is about."""
    if not isinstance(error, Invalid):
        error.what = f"entry {position} of the bundle: {error.what}"
        return
    entry = f"Bundle.entry[{position}].resource"
    located = []
    for issue in error.issues:
        kind, dot, inside = issue.path.partition(".")
        located.append(replace(issue, path=f"{entry}.ofType({kind}){dot}{inside}"))
    error.issues = tuple(located)
