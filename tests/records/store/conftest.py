"""Stores of plain bodies, indexed as the real one: what searches are tried on, in SQLite and PostgreSQL."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from suwen.records.fhir import wire
from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.index import Indexer
from suwen.records.fhir.query import parse
from suwen.records.keys.blind import Blind
from suwen.records.store import search_plan, search_resolve
from suwen.records.store.connection import Connection
from suwen.records.store.schema import metadata
from suwen.records.store.search import Cursor, Found, Search

SMALL = 20_000
"""Bytes up to which an example takes part."""


class Shelf:
    """A store of plain bodies, indexed as the real one."""

    def __init__(self, url: str) -> None:
        engine = create_engine(url)
        metadata.create_all(engine)
        engine.dispose()
        self.postgres = url.startswith("postgresql")
        if self.postgres:
            import psycopg

            self.raw: Any = psycopg.connect(url.replace("+psycopg", ""))
        else:
            self.raw = sqlite3.connect(url.removeprefix("sqlite:///"))
            self.raw.execute("PRAGMA journal_mode=WAL")
        self.db = Connection(self.raw, postgres=self.postgres)
        self.blind = Blind(b"x" * 32)
        self.indexer = Indexer(definitions(), self.blind)
        self.bodies: dict[int, Any] = {}
        self.opened = 0
        self.search = Search(definitions(), self.blind, self.open)

    def open(self, db: Connection, rids: Sequence[int]) -> Mapping[int, Any]:
        self.opened += len(rids)
        return {rid: self.bodies[rid] for rid in rids}

    def add(self, *resources: Any) -> list[int]:
        rows: dict[str, list[tuple[Any, ...]]] = {"resource": [], "term": [], "span": [], "link": []}
        added = []
        for resource in resources:
            rid = len(self.bodies) + 1
            updated = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=rid % 500)
            body = {**resource, "meta": {**resource.get("meta", {}), "lastUpdated": updated.isoformat()}}
            kind, entries = body["resourceType"], self.indexer.entries(body)
            ref, moment = self.blind.ref(f"{kind}/{body['id']}"), int(updated.timestamp()) * 1_000_000
            rows["resource"].append((rid, ref, kind, body["id"], rid, 1, moment, 1, 0, entries.present, b""))
            rows["term"] += [(key, rid) for key in entries.terms]
            rows["span"] += [(rid, *span) for span in entries.spans]
            rows["link"] += [(*link, rid) for link in entries.links]
            self.bodies[rid] = body
            added.append(rid)
        for table, values in rows.items():
            if values:
                marks = ",".join("?" * len(values[0]))
                self.db.run_many(f"INSERT INTO {table} VALUES ({marks})", values)
        return added

    def delete(self, rid: int) -> None:
        self.db.run("UPDATE resource SET deleted = 1 WHERE rid = ?", (rid,))
        for table in ("term", "span", "link"):
            self.db.run(f"DELETE FROM {table} WHERE rid = ?", (rid,))

    def ask(
        self, kind: str | None, *pairs: tuple[str, str], limit: int = 1000, cursor: Cursor | None = None
    ) -> Found:
        return self.search.run(self.db, kind, parse(definitions(), kind, pairs), cursor=cursor, limit=limit)

    def find(self, kind: str | None, *pairs: tuple[str, str], limit: int = 1000) -> list[int]:
        return self.ask(kind, *pairs, limit=limit).rids

    def pages(self, kind: str, *pairs: tuple[str, str], limit: int) -> Iterator[list[int]]:
        cursor = None
        while True:
            found = self.ask(kind, *pairs, limit=limit, cursor=cursor)
            yield found.rids
            if found.next is None:
                return
            cursor = Cursor.from_state(json.loads(json.dumps(found.next.state())))


def bundled(folder: Path, *names: str) -> Iterator[Any]:
    """Resources of Synthea bundles, with references as a transaction leaves them."""
    for name in names:
        entries = json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))["entry"]
        text = json.dumps([entry["resource"] for entry in entries])
        for entry in entries:
            resource = entry["resource"]
            text = text.replace(f'"{entry["fullUrl"]}"', f'"{resource["resourceType"]}/{resource["id"]}"')
        yield from json.loads(text)


@pytest.fixture(scope="session")
def clinical(data_dir: Path) -> list[Any]:
    """Three Synthea patients, and some of each type of the bulk export."""
    folder = data_dir / "records"
    found = list(bundled(folder / "synthea_r4", "p001", "p004", "p010"))
    for file in sorted((folder / "bulk10").glob("*.gz")):
        lines = gzip.decompress(file.read_bytes()).splitlines()
        found += [json.loads(line) for line in lines[:: max(1, len(lines) // 40)] if b'"data"' not in line]
    return list({(one["resourceType"], one["id"]): one for one in found}.values())


@pytest.fixture(scope="session")
def examples(data_dir: Path) -> list[Any]:
    """Official examples of all types, without the largest."""
    found = []
    for file in sorted((data_dir / "records" / "fhir_r4_examples").glob("*.json")):
        data = file.read_bytes()
        resource = wire.read(data) if len(data) < SMALL else {}
        if "id" in resource:
            found.append(resource)
    return list({(one["resourceType"], one["id"]): one for one in found}.values())


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def new_shelf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Shelf]]:
    """Makes empty stores."""
    made: list[Shelf] = []
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None

    def make() -> Shelf:
        file = tmp_path_factory.mktemp("shelf") / "record.db"
        url = f"sqlite:///{file}" if server is None else server.fresh()
        made.append(Shelf(url))
        return made[-1]

    yield make
    for shelf in made:
        shelf.raw.close()


@pytest.fixture(scope="session")
def shelf(new_shelf: Callable[[], Shelf], clinical: list[Any], examples: list[Any]) -> Shelf:
    """All of them in one store, not to be changed."""
    made = new_shelf()
    made.add(*clinical, *examples)
    made.raw.commit()
    return made


@pytest.fixture(params=["as it is", "everything is many"])
def scale(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with the plans for small results, once with those for large ones."""
    if request.param != "as it is":
        for module, name, value in (
            (search_plan, "FEW", 2),
            (search_plan, "MANY", 3),
            (search_plan, "VAST", 4),
            (search_plan, "WINDOW", 2),
            (search_resolve, "FEW", 2),
        ):
            monkeypatch.setattr(module, name, value)
