"""What a search must find, by plain Python over the JSON, knowing nothing of indexes or of our own search.

Source of the rules: http://hl7.org/fhir/R4/search.html (token, date, chaining, reverse chaining).
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

Resource = dict[str, Any]
Span = tuple[float, float]
Matcher = Callable[[Resource], bool]
FAR = float("inf")
SECOND = 1_000_000


def elements(resource: Resource, *paths: str) -> list[Any]:
    """What lies at dotted paths, lists opened."""
    found = []
    for path in paths:
        here: list[Any] = [resource]
        for name in path.split("."):
            inner = [item[name] for item in here if isinstance(item, dict) and name in item]
            here = [one for item in inner for one in (item if isinstance(item, list) else [item])]
        found += here
    return found


CODES: dict[tuple[str, str], str] = {
    ("Observation", "code"): "code",
    ("Observation", "category"): "category",
    ("Observation", "status"): "status",
    ("Observation", "value-concept"): "valueCodeableConcept",
    ("Condition", "code"): "code",
    ("Condition", "clinical-status"): "clinicalStatus",
    ("Condition", "category"): "category",
    ("Encounter", "class"): "class",
    ("Encounter", "type"): "type",
    ("Encounter", "status"): "status",
    ("Encounter", "identifier"): "identifier",
    ("Procedure", "code"): "code",
    ("Procedure", "status"): "status",
    ("Immunization", "vaccine-code"): "vaccineCode",
    ("MedicationRequest", "code"): "medicationCodeableConcept",
    ("MedicationRequest", "status"): "status",
    ("MedicationRequest", "intent"): "intent",
    ("DiagnosticReport", "code"): "code",
    ("DiagnosticReport", "category"): "category",
    ("DocumentReference", "type"): "type",
    ("DocumentReference", "status"): "status",
    ("DocumentReference", "identifier"): "identifier",
    ("Patient", "gender"): "gender",
    ("Patient", "identifier"): "identifier",
    ("Organization", "identifier"): "identifier",
    ("Organization", "active"): "active",
    ("Claim", "status"): "status",
    ("Claim", "use"): "use",
    ("Goal", "lifecycle-status"): "lifecycleStatus",
    ("CarePlan", "category"): "category",
}
DATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("Observation", "date"): ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    ("Condition", "onset-date"): ("onsetDateTime", "onsetPeriod"),
    ("Condition", "recorded-date"): ("recordedDate",),
    ("Condition", "abatement-date"): ("abatementDateTime", "abatementPeriod"),
    ("Encounter", "date"): ("period",),
    ("Procedure", "date"): ("performedDateTime", "performedPeriod"),
    ("Immunization", "date"): ("occurrenceDateTime",),
    ("MedicationRequest", "authoredon"): ("authoredOn",),
    ("DiagnosticReport", "date"): ("effectiveDateTime", "effectivePeriod"),
    ("DiagnosticReport", "issued"): ("issued",),
    ("DocumentReference", "date"): ("date",),
    ("Claim", "created"): ("created",),
    ("ExplanationOfBenefit", "created"): ("created",),
    ("Patient", "birthdate"): ("birthDate",),
    ("CarePlan", "date"): ("period",),
}
LINKS: dict[tuple[str, str], tuple[str, str]] = {
    ("Observation", "patient"): ("subject", "Patient"),
    ("Observation", "subject"): ("subject", "Patient"),
    ("Observation", "encounter"): ("encounter", "Encounter"),
    ("Condition", "patient"): ("subject", "Patient"),
    ("Condition", "encounter"): ("encounter", "Encounter"),
    ("Procedure", "patient"): ("subject", "Patient"),
    ("Procedure", "encounter"): ("encounter", "Encounter"),
    ("Immunization", "patient"): ("patient", "Patient"),
    ("MedicationRequest", "patient"): ("subject", "Patient"),
    ("MedicationRequest", "encounter"): ("encounter", "Encounter"),
    ("DiagnosticReport", "patient"): ("subject", "Patient"),
    ("DiagnosticReport", "result"): ("result", "Observation"),
    ("DocumentReference", "patient"): ("subject", "Patient"),
    ("Encounter", "patient"): ("subject", "Patient"),
    ("Encounter", "subject"): ("subject", "Patient"),
    ("Encounter", "service-provider"): ("serviceProvider", "Organization"),
    ("Claim", "patient"): ("patient", "Patient"),
    ("Claim", "provider"): ("provider", "Organization"),
}


def tokens(resource: Resource, path: str) -> Iterator[tuple[str | None, str]]:
    """System and code of every token at a path; a bare code has no system to speak of."""
    for element in elements(resource, path):
        if isinstance(element, bool):
            yield None, str(element).lower()
        elif isinstance(element, str):
            yield None, element
        elif "coding" in element:
            yield from ((one.get("system"), one.get("code", "")) for one in element["coding"])
        else:
            yield element.get("system"), element.get("code", element.get("value", ""))


def _token(kind: str, name: str, text: str) -> Matcher:
    """``code``, ``system|code``, ``system|``; ``:not`` is none of them, also where there is no value."""
    code, _, modifier = name.partition(":")
    path = CODES[kind, code]

    def one(system: str | None, value: str, wanted: str) -> bool:
        if "|" not in wanted:
            return value == wanted
        wanted_system, _, wanted_code = wanted.rpartition("|")
        return (system or "") == wanted_system and (not wanted_code or value == wanted_code)

    def matches(resource: Resource) -> bool:
        found = any(
            one(system, value, wanted)
            for system, value in tokens(resource, path)
            for wanted in text.split(",")
        )
        return found != (modifier == "not")

    return matches


_MOMENT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)


@lru_cache(maxsize=1 << 16)
def _span(text: str) -> Span:
    """First microsecond of a date, and the first one after it."""
    found = _MOMENT.fullmatch(text)
    assert found, text
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    start = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), tzinfo=UTC)
    first = calendar.timegm(start.timetuple()) * SECOND + int(second or 0) * SECOND
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        first -= (offset if zone[0] == "+" else -offset) * SECOND
    if fraction:
        return first + int(fraction.ljust(6, "0")[:6]), first + int(fraction.ljust(6, "0")[:6]) + 10 ** (
            6 - len(fraction[:6])
        )
    if second:
        return first, first + SECOND
    if hour:
        return first, first + 60 * SECOND
    if day:
        return first, first + 86_400 * SECOND
    days = calendar.monthrange(int(year), int(month))[1] if month else 365 + calendar.isleap(int(year))
    return first, first + days * 86_400 * SECOND


def spans(resource: Resource, paths: Iterable[str]) -> Iterator[Span]:
    for element in elements(resource, *paths):
        if isinstance(element, str):
            yield _span(element)
        elif "start" in element or "end" in element:
            yield (
                _span(element["start"])[0] if "start" in element else -FAR,
                _span(element["end"])[1] if "end" in element else FAR,
            )


def _compare(prefix: str, lo: float, hi: float, first: float, last: float) -> bool:
    """Whether a value's range ``first`` to ``last`` stands so to the range asked for; ends are outside."""
    inside = lo <= first and last <= hi
    match prefix:
        case "eq":
            return inside
        case "ne":
            return not inside
        case "gt":
            return last > hi
        case "lt":
            return first < lo
        case "ge":
            return last > hi or inside
        case "le":
            return first < lo or inside
        case "sa":
            return first >= hi
        case "eb":
            return last <= lo
        case "ap":
            return first < hi and last > lo
    raise AssertionError(prefix)


def _date(kind: str, name: str, text: str) -> Matcher:
    prefix, value = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    lo, hi = _span(value)
    if prefix == "ap":  # a tenth of the distance between the value and now
        now = datetime.now(UTC).timestamp() * SECOND
        width = 0.1 * max(lo - now, now - hi, 0)
        lo, hi = lo - width, hi + width
    return lambda resource: any(
        _compare(prefix, lo, hi, *span) for span in spans(resource, DATES[kind, name])
    )


def _plain(text: str) -> str:
    """Without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


class Oracle:
    """Answers searches over resources, given by type."""

    def __init__(self, resources: dict[str, list[Resource]]) -> None:
        self.resources = resources

    def find(self, kind: str, query: str) -> set[str]:
        """Ids that match all criteria."""
        matchers = [self.matcher(kind, name, value) for name, value in parse_qsl(query)]
        return {
            str(resource["id"])
            for resource in self.resources[kind]
            if all(matches(resource) for matches in matchers)
        }

    def matcher(self, kind: str, name: str, value: str) -> Matcher:
        """What one criterion means."""
        if name.startswith("_has:"):
            _, source, link, rest = name.split(":", 3)
            return self._has(source, link, rest, value)
        if "." in name:
            return self._chain(kind, name, value)
        if (kind, name) in DATES:
            return _date(kind, name, value)
        if kind == "Patient" and name in {"family", "given"}:
            starts = _plain(value)
            return lambda one: any(_plain(text).startswith(starts) for text in elements(one, f"name.{name}"))
        if (kind, name.partition(":")[0]) in LINKS:
            path, target = LINKS[kind, name.partition(":")[0]]
            wanted = {f"{target}/{one.rpartition('/')[2]}" for one in value.split(",")}
            return lambda one: any(text in wanted for text in elements(one, f"{path}.reference"))
        return _token(kind, name, value)

    def _chain(self, kind: str, name: str, value: str) -> Matcher:
        head, _, rest = name.partition(".")
        path, target = LINKS[kind, head.partition(":")[0]]
        inner = self.matcher(target, rest, value)
        wanted = {f"{target}/{one['id']}" for one in self.resources[target] if inner(one)}
        return lambda one: any(text in wanted for text in elements(one, f"{path}.reference"))

    def _has(self, source: str, link: str, rest: str, value: str) -> Matcher:
        path, target = LINKS[source, link]
        inner = self.matcher(source, rest, value)
        wanted = {
            text
            for one in self.resources[source]
            if inner(one)
            for text in elements(one, f"{path}.reference")
        }
        return lambda one: f"{target}/{one['id']}" in wanted
