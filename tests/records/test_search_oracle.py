"""Token, date, reference, chained and ``_has`` searches over real records find what the oracle finds."""

from __future__ import annotations

import importlib.util
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from suwen.records.exchange.importing import import_files
from suwen.records.fhir.query import parse
from suwen.records.interactions.messages import Request, pairs
from suwen.records.record import Record


def _rules() -> Any:
    """The module beside this one; tests are no package."""
    spec = importlib.util.spec_from_file_location(
        "search_oracle", Path(__file__).with_name("search_oracle.py")
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rules = _rules()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Record]:
    """The Synthea bundles and the bulk export, through the import."""
    folder = data_dir / "records"
    with Record.open(tmp_path_factory.mktemp("oracle")) as record:
        done = import_files(record, [folder / "synthea_r4", folder / "bulk10"], actor="test")
        assert done.imported == 3955 + 7160, done.errors
        yield record


@pytest.fixture(scope="module")
def oracle(filled: Record) -> Any:
    """The oracle's own view: every stored resource as JSON."""
    resources: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with filled.database.reading() as db:
        rids = [row[0] for row in db.rows("SELECT rid FROM resource WHERE deleted = 0")]
        for resource in filled.reading.parsed(db, rids).values():
            resources[resource["resourceType"]].append(resource)
    assert sum(map(len, resources.values())) > 6000
    return rules.Oracle(dict(resources))


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


PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def _token_queries(draw: random.Random, oracle: Any, count: int) -> list[tuple[str, str]]:
    """Codes that occur, as they are asked for: bare, with system, the system alone, several, none of them."""
    found: list[tuple[str, str]] = []
    usable = [key for key in rules.CODES if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        drawn = [_some_token(draw, oracle, kind, rules.CODES[kind, name]) for _ in range(2)]
        if None in drawn:
            continue
        (system, code), (_, other) = drawn  # type: ignore[misc]
        forms = [f"{name}={code}", f"{name}={code},{other}", f"{name}:not={code}", f"{name}=absent-code"]
        if system:
            forms += [f"{name}={system}|{code}", f"{name}={system}|", f"{name}=urn:other|{code}"]
            forms.append(f"{name}:not={system}|{code}")
        found.append((kind, draw.choice(forms)))
    return found


def _some_token(draw: random.Random, oracle: Any, kind: str, path: str) -> tuple[str | None, str] | None:
    tokens = list(rules.tokens(draw.choice(oracle.resources[kind]), path))
    return draw.choice(tokens) if tokens else None


def _moment(draw: random.Random, oracle: Any, kind: str, name: str) -> str | None:
    """A date near one that occurs, in any precision and time zone."""
    spans = list(rules.spans(draw.choice(oracle.resources[kind]), rules.DATES[kind, name]))
    ends = [end for span in spans for end in span if abs(end) != rules.FAR]
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


def _date_queries(draw: random.Random, oracle: Any, count: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    usable = [key for key in rules.DATES if oracle.resources.get(key[0])]
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


def _inner(draw: random.Random, oracle: Any, kind: str) -> str | None:
    """A criterion on a type, for the end of a chain."""
    if kind == "Patient" and draw.random() < 0.4:
        (family, *_) = rules.elements(draw.choice(oracle.resources[kind]), "name.family")
        return f"family={family[: draw.randint(1, 5)]}"
    usable = [("token", name) for own, name in rules.CODES if own == kind]
    usable += [("date", name) for own, name in rules.DATES if own == kind]
    form, name = draw.choice(usable)
    if form == "token":
        token = _some_token(draw, oracle, kind, rules.CODES[kind, name])
        return None if token is None else f"{name}={token[1]}"
    moment = _moment(draw, oracle, kind, name)
    return None if moment is None else f"{name}={draw.choice(PREFIXES[:-1])}{moment}".replace("+", "%2B")


def _chained_queries(draw: random.Random, oracle: Any, count: int) -> list[tuple[str, str]]:
    """One or two references along; half of them name the type on the way."""
    found: list[tuple[str, str]] = []
    usable = [key for key in rules.LINKS if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        target = rules.LINKS[kind, name][1]
        further = [code for own, code in rules.LINKS if own == target]
        head = f"{name}:{target}" if name == "subject" or draw.random() < 0.5 else name
        if further and draw.random() < 0.5:
            second = draw.choice(further)
            target = rules.LINKS[target, second][1]
            head += f".{second}:{target}" if second == "subject" else f".{second}"
        inner = _inner(draw, oracle, target)
        if inner is not None:
            found.append((kind, f"{head}.{inner}"))
    return found


def _has_queries(draw: random.Random, oracle: Any, count: int) -> list[tuple[str, str]]:
    """Who is referred to, by one that matches, or by one that is itself referred to or refers on."""
    found: list[tuple[str, str]] = []
    usable = [key for key in rules.LINKS if oracle.resources.get(key[0])]
    while len(found) < count:
        source, name = draw.choice(usable)
        target, inner = rules.LINKS[source, name][1], _inner(draw, oracle, source)
        if draw.random() < 0.3:
            deeper = [key for key in usable if rules.LINKS[key][1] == source]
            if deeper:
                third, link = draw.choice(deeper)
                inner = _inner(draw, oracle, third)
                inner = inner and f"_has:{third}:{link}:{inner}"
        elif draw.random() < 0.3:
            inner = _chained_queries_of(draw, oracle, source)
        if inner is not None:
            found.append((target, f"_has:{source}:{name}:{inner}"))
    return found


def _chained_queries_of(draw: random.Random, oracle: Any, kind: str) -> str | None:
    codes = [code for own, code in rules.LINKS if own == kind]
    code = draw.choice(codes)
    target = rules.LINKS[kind, code][1]
    inner = _inner(draw, oracle, target)
    return None if inner is None else f"{code}:{target}.{inner}"


def _link_queries(draw: random.Random, oracle: Any, count: int) -> list[tuple[str, str]]:
    """References themselves, alone and with a token or a date."""
    found: list[tuple[str, str]] = []
    usable = [key for key in rules.LINKS if oracle.resources.get(key[0])]
    while len(found) < count:
        kind, name = draw.choice(usable)
        target = rules.LINKS[kind, name][1]
        ident = draw.choice(oracle.resources[target])["id"]
        query = draw.choice([f"{name}={target}/{ident}", f"{name}:{target}={ident}"])
        inner = (
            _inner(draw, oracle, kind)
            if any(own == kind for own, _ in (*rules.CODES, *rules.DATES))
            else None
        )
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
def test_finds_what_the_oracle_finds(filled: Record, oracle: Any, name: str) -> None:
    make, count = QUESTIONS[name]
    draw = random.Random(name)
    wrong, found_some = [], 0
    for kind, query in make(draw, oracle, count):
        expected, found = oracle.find(kind, query), _ids(filled, kind, query)
        found_some += bool(expected)
        if set(found) != expected or len(found) != len(expected):
            missing, extra = len(expected - set(found)), len(set(found) - expected)
            wrong.append(f"{kind}?{query}: {missing} missing, {extra} too many of {len(expected)}")
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])
    assert found_some > count / 3


def test_pages_hold_what_the_oracle_finds(filled: Record, oracle: Any) -> None:
    """The same through the interface, page by page."""
    draw = random.Random(1)
    asked = [query for make, _ in QUESTIONS.values() for query in make(draw, oracle, 4)]
    for kind, query in asked:
        found = _paged(filled, kind, query)
        assert len(found) == len(set(found)), query
        assert set(found) == oracle.find(kind, query), query
