"""The peer that is always at hand: a small FHIR server as one writes it in an afternoon.

FastAPI, ``fhir.resources`` (pydantic) for validation, SQLite in WAL mode with ``synchronous=FULL``, an INSERT
for each row, a commit for each bundle. It searches by the few parameters it has index rows for, one page of
ten. What it does not do: encryption, a ledger, history, versions, conditional requests, chains, paging, any
modifier or prefix but ``ge``, ``gt``, ``le`` and ``lt``, checks of references and of required bindings.

Run as a program it takes the path of its database and prints where it answers.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

TABLES = (
    "CREATE TABLE resource (id TEXT PRIMARY KEY, type TEXT, body BLOB)",
    "CREATE TABLE entry (type TEXT, name TEXT, value TEXT, id TEXT)",
    "CREATE INDEX entry_value ON entry (type, name, value, id)",
    "CREATE INDEX resource_type ON resource (type)",
)
DATES = {
    "effectiveDateTime": "date", "onsetDateTime": "onset-date", "occurrenceDateTime": "date",
    "authoredOn": "authoredon", "birthDate": "birthdate", "period": "date", "performedPeriod": "date",
}  # fmt: skip
CODES = {
    "code": "code", "vaccineCode": "vaccine-code", "clinicalStatus": "clinical-status",
    "category": "category", "class": "class",
}  # fmt: skip
WORDS = ("status", "gender", "intent")
LINKS = ("subject", "patient", "encounter")
BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


class Store:
    """Resources and index rows in SQLite."""

    def __init__(self, path: str) -> None:
        from fhir.resources.R4B import get_fhir_model_class

        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        for sql in TABLES:
            self.db.execute(sql)
        self.model = get_fhir_model_class

    def transact(self, data: bytes) -> bytes:
        """Store a transaction of new resources; what does not validate fails it as a whole."""
        bundle = orjson.loads(data)
        names = {
            entry["fullUrl"]: f"{entry['resource']['resourceType']}/{uuid4()}" for entry in bundle["entry"]
        }
        answers = []
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for entry in bundle["entry"]:
                resource = _rewritten(entry["resource"], names)
                kind, _, resource["id"] = names[entry["fullUrl"]].partition("/")
                self.model(kind).model_validate(resource)
                self.db.execute(
                    "INSERT INTO resource VALUES (?, ?, ?)", (resource["id"], kind, orjson.dumps(resource))
                )
                for name, value in _entries(resource):
                    self.db.execute(
                        "INSERT INTO entry VALUES (?, ?, ?, ?)", (kind, name, value, resource["id"])
                    )
                answers.append(
                    {"response": {"status": "201 Created", "location": f"{kind}/{resource['id']}"}}
                )
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")
        return orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": answers})

    def search(self, kind: str, query: list[tuple[str, str]]) -> bytes:
        """The first ten resources that match."""
        count = int(dict(query).get("_count", "10"))
        sql, values = "SELECT body FROM resource r WHERE type = ?", [kind]
        for name, value in query:
            if name == "_count":
                continue
            if name == "_id":
                sql, values = f"{sql} AND id = ?", [*values, value]
                continue
            test, wanted = "= ?", value.rpartition("|")[2]
            if "date" in name or name == "authoredon":
                test = f"{BOUNDS[value[:2]]} ?" if value[:2] in BOUNDS else "LIKE ? || '%'"
                wanted = value[2:] if value[:2] in BOUNDS else value
            sql += f" AND id IN (SELECT id FROM entry WHERE type = ? AND name = ? AND value {test})"
            values += [kind, name, wanted]
        rows = self.db.execute(f"{sql} LIMIT {count:d}", values).fetchall()
        bodies = b",".join(b'{"resource":%s}' % row[0] for row in rows)
        return b'{"resourceType":"Bundle","type":"searchset","entry":[%s]}' % bodies


def _rewritten(value: Any, names: dict[str, str]) -> Any:
    """The same with references to what the resources are called now."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item) if key == "reference" else _rewritten(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_rewritten(item, names) for item in value]
    return value


def _entries(resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Index rows of a resource."""
    for element, name in DATES.items():
        found = resource.get(element)
        if found:
            yield name, found if isinstance(found, str) else found.get("start", "")
    for element, name in CODES.items():
        for concept in (
            resource[element] if isinstance(resource.get(element), list) else [resource.get(element)]
        ):
            if isinstance(concept, dict):
                yield from ((name, one.get("code", "")) for one in concept.get("coding", [concept]))
    for name in WORDS:
        if name in resource:
            yield name, resource[name]
    for element in LINKS:
        if element in resource:
            yield element, resource[element]["reference"]
            if element == "subject":
                yield "patient", resource[element]["reference"]


def main() -> None:
    store, app = Store(sys.argv[1]), FastAPI()

    @app.post("/fhir")
    async def transact(request: Request) -> Response:
        data = await request.body()
        return Response(await asyncio.to_thread(store.transact, data), media_type="application/fhir+json")

    @app.get("/fhir/{kind}")
    async def search(kind: str, request: Request) -> Response:
        found = store.search(kind, request.query_params.multi_items())
        return Response(found, media_type="application/fhir+json")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        print(f"answers at http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
