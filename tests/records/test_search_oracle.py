"""Searches over real records against an oracle: plain Python over the JSON, knowing nothing of indexes.

Source of the rules: http://hl7.org/fhir/R4/search.html (token, date, chaining, reverse chaining).
"""

from __future__ import annotations

import calendar
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from suwen.records.exchange.importing import import_files
from suwen.records.fhir.query import parse
from suwen.records.interactions.messages import Request, pairs
from suwen.records.record import Record

Resource = dict[str, Any]
Span = tuple[float, float]
Matcher = Callable[[Resource], bool]
FAR = float("inf")
SECOND = 1_000_000


# --- the oracle ------------------------------------------------------------------------------------------


def _elements(resource: Resource, *paths: str) -> list[Any]:
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


def _tokens(resource: Resource, path: str) -> Iterator[tuple[str | None, str]]:
    """System and code of every token at a path; a bare code has no system to speak of."""
    for element in _elements(resource, path):
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
            for system, value in _tokens(resource, path)
            for wanted in text.split(",")
        )
        return found != (modifier == "not")

    return matches


_MOMENT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)


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


def _spans(resource: Resource, paths: Iterable[str]) -> Iterator[Span]:
    for element in _elements(resource, *paths):
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
        _compare(prefix, lo, hi, *span) for span in _spans(resource, DATES[kind, name])
    )


def _plain(text: str) -> str:
    """Without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


@dataclass
class Oracle:
    """All current resources, by type."""

    resources: dict[str, list[Resource]]

    def find(self, kind: str, query: str) -> set[str]:
        """Ids that match all criteria."""
        matchers = [self.matcher(kind, name, value) for name, value in pairs(query)]
        return {
            str(resource["id"])
            for resource in self.resources[kind]
            if all(matches(resource) for matches in matchers)
        }

    def matcher(self, kind: str, name: str, value: str) -> Matcher:
        """What one criterion means."""
        if name.startswith("_has:"):
            return self._has(*name.split(":", 3)[1:], value)
        if "." in name:
            return self._chain(kind, name, value)
        if (kind, name) in DATES:
            return _date(kind, name, value)
        if kind == "Patient" and name in {"family", "given"}:
            starts = _plain(value)
            return lambda one: any(_plain(text).startswith(starts) for text in _elements(one, f"name.{name}"))
        if (kind, name.partition(":")[0]) in LINKS:
            path, target = LINKS[kind, name.partition(":")[0]]
            wanted = {f"{target}/{one.rpartition('/')[2]}" for one in value.split(",")}
            return lambda one: any(text in wanted for text in _elements(one, f"{path}.reference"))
        return _token(kind, name, value)

    def _chain(self, kind: str, name: str, value: str) -> Matcher:
        head, _, rest = name.partition(".")
        path, target = LINKS[kind, head.partition(":")[0]]
        inner = self.matcher(target, rest, value)
        wanted = {f"{target}/{one['id']}" for one in self.resources[target] if inner(one)}
        return lambda one: any(text in wanted for text in _elements(one, f"{path}.reference"))

    def _has(self, source: str, link: str, rest: str, value: str) -> Matcher:
        path, target = LINKS[source, link]
        inner = self.matcher(source, rest, value)
        wanted = {
            text
            for one in self.resources[source]
            if inner(one)
            for text in _elements(one, f"{path}.reference")
        }
        return lambda one: f"{target}/{one['id']}" in wanted


# --- the record ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Record]:
    """The Synthea bundles and the bulk export, through the import."""
    folder = data_dir / "records"
    with Record.open(tmp_path_factory.mktemp("oracle")) as record:
        done = import_files(record, [folder / "synthea_r4", folder / "bulk10"], actor="test")
        assert done.imported == 3955 + 7160, done.errors
        yield record


@pytest.fixture(scope="module")
def oracle(filled: Record) -> Oracle:
    """The oracle's own view: every stored resource as JSON."""
    resources: dict[str, list[Resource]] = defaultdict(list)
    with filled.database.reading() as db:
        rids = [row[0] for row in db.rows("SELECT rid FROM resource WHERE deleted = 0")]
        for resource in filled.reading.parsed(db, rids).values():
            resources[resource["resourceType"]].append(resource)
    assert sum(map(len, resources.values())) > 6000
    return Oracle(dict(resources))


def _ids(record: Record, kind: str, query: str) -> list[str]:
    """What the search finds, straight from the index."""
    with record.database.reading() as db:
        found = record.search.run(
            db, kind, parse(record.definitions, kind, pairs(query)), cursor=None, limit=100_000
        )
        names = dict(db.rows("SELECT rid, id FROM resource WHERE type = ?", (kind,)))
    return [names[rid] for rid in found.rids]


def _paged(record: Record, kind: str, query: str) -> list[str]:
    """What a client finds, page by page."""
    request = Request(method="GET", path=kind, query=[*pairs(query), ("_count", "211"), ("_elements", "id")])
    found: list[str] = []
    while True:
        bundle = orjson.loads(record.perform(request).body)
        found += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            return found
        request = Request(method="GET", path=kind, query=pairs(following[0].partition("?")[2]))


# --- the questions ---------------------------------------------------------------------------------------

PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def _token_queries(draw: random.Random, oracle: Oracle, count: int) -> list[tuple[str, str]]:
    """Codes that occur, as they are asked for: bare, with system, the system alone, several, none of them."""
    found = []
    usable = [key for key in CODES if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        drawn = [_some_token(draw, oracle, kind, CODES[kind, name]) for _ in range(2)]
        if None in drawn:
            continue
        (system, code), (_, other) = drawn  # type: ignore[misc]
        forms = [f"{name}={code}", f"{name}={code},{other}", f"{name}:not={code}", f"{name}=absent-code"]
        if system:
            forms += [f"{name}={system}|{code}", f"{name}={system}|", f"{name}=urn:other|{code}"]
            forms.append(f"{name}:not={system}|{code}")
        found.append((kind, draw.choice(forms)))
    return found


def _some_token(draw: random.Random, oracle: Oracle, kind: str, path: str) -> tuple[str | None, str] | None:
    tokens = list(_tokens(draw.choice(oracle.resources[kind]), path))
    return draw.choice(tokens) if tokens else None


def _moment(draw: random.Random, oracle: Oracle, kind: str, name: str) -> str | None:
    """A date near one that occurs, in any precision and time zone."""
    spans = list(_spans(draw.choice(oracle.resources[kind]), DATES[kind, name]))
    ends = [end for span in spans for end in span if abs(end) != FAR]
    if not ends:
        return None
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=draw.choice(ends))
    at += draw.choice(
        [timedelta(0)] * 4 + [timedelta(seconds=1), timedelta(microseconds=-1), timedelta(days=-1)]
    )
    form = draw.choice(["%Y", "%Y-%m", "%Y-%m-%d", "minute", "second", "milli", "east", "west", "bare"])
    hours = {"east": 8, "west": -5}.get(form, 0)
    at += timedelta(hours=hours)
    if form.startswith("%"):
        return at.strftime(form)
    text = at.strftime("%Y-%m-%dT%H:%M" if form == "minute" else "%Y-%m-%dT%H:%M:%S")
    if form == "milli":
        text += f".{at.microsecond // 1000:03}"
    if form == "bare":
        return text
    return text + ("Z" if not hours else f"{'+' if hours > 0 else '-'}{abs(hours):02}:00")


def _date_queries(draw: random.Random, oracle: Oracle, count: int) -> list[tuple[str, str]]:
    found = []
    usable = [key for key in DATES if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        moments = [_moment(draw, oracle, kind, name) for _ in range(2)]
        if None in moments:
            continue
        query = f"{name}={draw.choice(PREFIXES)}{moments[0]}"
        if draw.random() < 0.2:  # and a second bound
            query += f"&{name}={draw.choice(('lt', 'le', 'gt', 'ge'))}{moments[1]}"
        found.append((kind, query.replace("+", "%2B")))
    return found


def _inner(draw: random.Random, oracle: Oracle, kind: str) -> str | None:
    """A criterion on a type, for the end of a chain."""
    if kind == "Patient" and draw.random() < 0.4:
        (family, *_) = _elements(draw.choice(oracle.resources[kind]), "name.family")
        return f"family={family[: draw.randint(1, 5)]}"
    usable = [("token", name) for own, name in CODES if own == kind]
    usable += [("date", name) for own, name in DATES if own == kind]
    form, name = draw.choice(usable)
    if form == "token":
        token = _some_token(draw, oracle, kind, CODES[kind, name])
        return None if token is None else f"{name}={token[1]}"
    moment = _moment(draw, oracle, kind, name)
    return None if moment is None else f"{name}={draw.choice(PREFIXES[:-1])}{moment}".replace("+", "%2B")


def _chained_queries(draw: random.Random, oracle: Oracle, count: int) -> list[tuple[str, str]]:
    """One or two references along; half of them name the type on the way."""
    found = []
    usable = [key for key in LINKS if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        target = LINKS[kind, name][1]
        further = [code for own, code in LINKS if own == target]
        head = f"{name}:{target}" if name == "subject" or draw.random() < 0.5 else name
        if further and draw.random() < 0.5:
            second = draw.choice(further)
            target = LINKS[target, second][1]
            head += f".{second}:{target}" if second == "subject" else f".{second}"
        inner = _inner(draw, oracle, target)
        if inner is not None:
            found.append((kind, f"{head}.{inner}"))
    return found


def _has_queries(draw: random.Random, oracle: Oracle, count: int) -> list[tuple[str, str]]:
    """Who is referred to, by one that matches, or by one that is itself referred to or refers on."""
    found = []
    usable = [key for key in LINKS if oracle.resources.get(key[0])]
    while len(found) < count:
        source, name = draw.choice(usable)
        target, inner = LINKS[source, name][1], _inner(draw, oracle, source)
        if draw.random() < 0.3:
            deeper = [key for key in usable if LINKS[key][1] == source]
            if deeper:
                third, link = draw.choice(deeper)
                inner = _inner(draw, oracle, third)
                inner = inner and f"_has:{third}:{link}:{inner}"
        elif draw.random() < 0.3:
            inner = _chained_queries_of(draw, oracle, source)
        if inner is not None:
            found.append((target, f"_has:{source}:{name}:{inner}"))
    return found


def _chained_queries_of(draw: random.Random, oracle: Oracle, kind: str) -> str | None:
    codes = [code for own, code in LINKS if own == kind]
    code = draw.choice(codes)
    target = LINKS[kind, code][1]
    inner = _inner(draw, oracle, target)
    return None if inner is None else f"{code}:{target}.{inner}"


def _link_queries(draw: random.Random, oracle: Oracle, count: int) -> list[tuple[str, str]]:
    """References themselves, alone and with a token or a date."""
    found = []
    usable = [key for key in LINKS if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        target = LINKS[kind, name][1]
        ident = draw.choice(oracle.resources[target])["id"]
        query = draw.choice([f"{name}={target}/{ident}", f"{name}:{target}={ident}"])
        inner = _inner(draw, oracle, kind) if any(own == kind for own, _ in (*CODES, *DATES)) else None
        found.append((kind, f"{query}&{inner}" if inner and draw.random() < 0.6 else query))
    return found


QUESTIONS = {
    "token": (_token_queries, 200),
    "date": (_date_queries, 300),
    "reference": (_link_queries, 100),
    "chained": (_chained_queries, 100),
    "has": (_has_queries, 100),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_finds_what_the_oracle_finds(filled: Record, oracle: Oracle, name: str) -> None:
    make, count = QUESTIONS[name]
    draw = random.Random(name)  # noqa: S311
    wrong, found_some = [], 0
    for kind, query in make(draw, oracle, count):
        expected, found = oracle.find(kind, query), _ids(filled, kind, query)
        found_some += bool(expected)
        if set(found) != expected or len(found) != len(expected):
            missing, extra = len(expected - set(found)), len(set(found) - expected)
            wrong.append(f"{kind}?{query}: {missing} missing, {extra} too many of {len(expected)}")
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])
    assert found_some > count / 3


def test_pages_hold_what_the_oracle_finds(filled: Record, oracle: Oracle) -> None:
    """The same through the interface, page by page."""
    draw = random.Random(1)  # noqa: S311
    asked = [query for make, _ in QUESTIONS.values() for query in make(draw, oracle, 4)]
    for kind, query in asked:
        found = _paged(filled, kind, query)
        assert len(found) == len(set(found)), query
        assert set(found) == oracle.find(kind, query), query
