"""Kill the server with ``kill -9`` while clients write, reopen, and look for what was acknowledged.

Each client sends transactions of five resources and waits for each answer. One kind makes a new patient with
observations, all tagged with a batch of their own: after the kill a batch is there whole, or not at all if it
was not acknowledged. The other kind counts the client's five counters up by one: after the kill all five show
the same number, the last acknowledged one or the one that was under way.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from _records_client import Connection, get, request
from _records_server import Server

CLIENTS = 8
SIZE = 5
"""Resources in a transaction."""
ROUNDS, BATCHES = "urn:suwen:round", "urn:suwen:batch"
"""Systems of the tags."""


@dataclass
class Client:
    """What one client sent, and what was acknowledged."""

    number: int
    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    count_sent: int = 0
    count_acknowledged: int = 0
    answered: bool = False

    def work(self, port: int, turn: int, stop: threading.Event) -> None:
        """Send transactions until the server dies."""
        with suppress(OSError), closing(Connection(port)) as connection:
            while not stop.is_set():
                if len(self.sent) % 2:
                    self._count(connection)
                self._batch(connection, turn)
                connection.exchange(request("GET", f"/fhir/Basic/counter-{self.number}-0"))
                self.answered = True

    def _batch(self, connection: Connection, turn: int) -> None:
        name = f"{turn}-{self.number}-{len(self.sent)}"
        meta = {"tag": [{"system": ROUNDS, "code": str(turn)}, {"system": BATCHES, "code": name}]}
        patient = {"resourceType": "Patient", "meta": meta, "name": [{"family": f"Batch{name}"}]}
        entries = [{"fullUrl": "urn:uuid:p", "resource": patient, "request": _asks("POST", "Patient")}]
        for at in range(SIZE - 1):
            ident = f"{name}-{at}"
            observation = {
                "resourceType": "Observation", "id": ident, "meta": meta, "status": "final",
                "code": {"text": "kill"}, "subject": {"reference": "urn:uuid:p"}, "valueInteger": at,
            }  # fmt: skip
            entries.append({"resource": observation, "request": _asks("PUT", f"Observation/{ident}")})
        self.sent.add(name)
        if _accepted(connection, entries):
            self.acknowledged.add(name)

    def _count(self, connection: Connection) -> None:
        self.count_sent += 1
        entries = []
        for at in range(SIZE):
            ident = f"counter-{self.number}-{at}"
            counter = {"resourceType": "Basic", "id": ident, "code": {"text": str(self.count_sent)}}
            entries.append({"resource": counter, "request": _asks("PUT", f"Basic/{ident}")})
        if _accepted(connection, entries):
            self.count_acknowledged = self.count_sent


def _asks(method: str, url: str) -> dict[str, str]:
    return {"method": method, "url": url}


def _accepted(connection: Connection, entries: list[dict[str, Any]]) -> bool:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    status, body = connection.exchange(request("POST", "/fhir", json.dumps(bundle).encode()))
    assert status == 200, (status, body[:500])
    return True


@dataclass
class Tally:
    """What came of all kills."""

    kills: int = 0
    transactions_sent: int = 0
    transactions_acknowledged: int = 0
    lost: int = 0
    half: int = 0
    unacknowledged_kept: int = 0
    ledgers_in_order: int = 0
    ledger_leaves: int = 0
    restart_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """For a benchmark's document."""
        return {
            "kills": self.kills,
            "clients": CLIENTS,
            "resources_per_transaction": SIZE,
            "transactions_sent": self.transactions_sent,
            "transactions_acknowledged": self.transactions_acknowledged,
            "acknowledged_lost": self.lost,
            "half_transactions": self.half,
            "unacknowledged_found_whole": self.unacknowledged_kept,
            "ledger_in_order": self.ledgers_in_order,
            "ledger_leaves": self.ledger_leaves,
            "median_restart_s": median(self.restart_s) if self.restart_s else None,
            "problems": self.problems[:20],
        }


def kill_rounds(
    folder: Path, kills: int, *, seed: int = 0, db: str | None = None, longest_s: float = 0.6
) -> Tally:
    """Start, load, kill and examine the server so many times on one store.

    Parameters
    ----------
    folder
        Where the store is made.
    kills
        How many times.
    seed
        Of the moments: up to ``longest_s`` seconds after the first answer.
    db
        Address of the store's database, if that is PostgreSQL.
    """
    draw, tally = random.Random(seed), Tally()
    server, clients = Server(folder / "store", db=db), [Client(number) for number in range(CLIENTS)]
    head: str | None = None
    for turn in range(kills + 1):
        began = time.perf_counter()
        server.start()
        tally.restart_s.append(time.perf_counter() - began)
        try:
            if turn:
                _examine(server.port, turn - 1, clients, tally)
            if turn == kills:
                _examine_all(server.port, kills, clients, tally)
                break
            _load(server, clients, turn, draw.uniform(0.01, longest_s))
        finally:
            server.kill()
        tally.kills += 1
        head = _verify(folder / "store", db, head, tally)
    tally.transactions_sent = sum(len(client.sent) + client.count_sent for client in clients)
    tally.transactions_acknowledged = sum(
        len(client.acknowledged) + client.count_acknowledged for client in clients
    )
    return tally


def _load(server: Server, clients: list[Client], turn: int, seconds: float) -> None:
    """Let all clients write, and kill the server in the midst of it."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(client: Client) -> None:
        try:
            client.work(server.port, turn, stop)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for client, thread in zip(clients, threads, strict=True):
        client.answered = False
        thread.start()
    while not any(client.answered for client in clients) and not failures:
        time.sleep(0.001)
    time.sleep(seconds)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _found(port: int, query: str) -> list[dict[str, Any]]:
    """All resources that match, page by page."""
    path, found = f"/fhir/{query}", []
    with closing(Connection(port)) as connection:
        while path:
            bundle = get(connection, path)
            found += [entry["resource"] for entry in bundle.get("entry", ())]
            following = [link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"]
            path = following[0][following[0].index("/fhir/") :] if following else ""
    return found


def _batches(port: int, query: str) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for kind in ("Patient", "Observation"):
        for resource in _found(port, f"{kind}?_count=1000&{query}"):
            tags = {tag["system"]: tag["code"] for tag in resource["meta"]["tag"]}
            sizes[tags[BATCHES]] += 1
    return sizes


def _examine(port: int, turn: int, clients: list[Client], tally: Tally) -> None:
    """Look at what the last round has left."""
    sizes = _batches(port, f"_tag={ROUNDS}|{turn}")
    for client in clients:
        for name in (one for one in client.sent if one.startswith(f"{turn}-")):
            _judge(tally, name, sizes[name], name in client.acknowledged)
            tally.unacknowledged_kept += sizes[name] == SIZE and name not in client.acknowledged
    counters: dict[int, set[int]] = defaultdict(set)
    for resource in _found(port, "Basic?_count=1000"):
        counters[int(resource["id"].split("-")[1])].add(int(resource["code"]["text"]))
    for client in clients:
        shown = counters.get(client.number, {0})
        if len(shown) != 1:
            tally.half += 1
            tally.problems.append(f"round {turn}: counters of client {client.number} differ")
        elif next(iter(shown)) not in {client.count_acknowledged, client.count_sent}:
            tally.lost += 1
            tally.problems.append(f"round {turn}: a count of client {client.number} is lost")
        # One that was under way is now what it is, and the next one follows on it.
        client.count_acknowledged = client.count_sent = max(shown)


def _examine_all(port: int, kills: int, clients: list[Client], tally: Tally) -> None:
    """At the end, once more everything that was ever acknowledged."""
    sizes: Counter[str] = Counter()
    for turn in range(kills):
        sizes += _batches(port, f"_tag={ROUNDS}|{turn}")
    for client in clients:
        for name in client.sent:
            _judge(tally, name, sizes[name], name in client.acknowledged)


def _judge(tally: Tally, name: str, size: int, acknowledged: bool) -> None:
    if acknowledged and size < SIZE:
        tally.lost += 1
        tally.problems.append(f"batch {name}: acknowledged, and {size} of {SIZE} are there")
    elif size not in {0, SIZE}:
        tally.half += 1
        tally.problems.append(f"batch {name}: {size} of {SIZE} are there")


def _verify(store: Path, db: str | None, earlier: str | None, tally: Tally) -> str | None:
    """Verify the ledger of the dead store against the head before; its last head, if it has one yet."""
    from suwen.records.keys.signing import signing_key
    from suwen.records.ledger import log
    from suwen.records.ledger.verify import verify_store
    from suwen.records.store.database import Database

    database = Database(db) if db else Database.at(store)
    public = signing_key(store / "keys" / "ledger.pem").public_key()
    with database.reading() as connection:
        verdict = verify_store(connection, [public], against=earlier)
        last = log.latest(connection)
    database.close()
    tally.ledgers_in_order += verdict.ok
    tally.ledger_leaves = verdict.tree_size
    tally.problems += verdict.problems
    return None if last is None else last.note
