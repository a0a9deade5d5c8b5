"""How fast resources get in: the command line, HTTP, and a plain store beside them, on the same bundles."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _records_client import drive, request, save
from _records_data import Bundle, copy_of, write
from _records_search import rates
from _records_server import Server, served, suwen

CONNECTIONS = (1, 4)
UNMEASURED = 99_999
"""Number of a copy that is not among the measured ones."""
NAIVE = [sys.executable, str(Path(__file__).with_name("_records_naive.py"))]


def by_command(bundles: Sequence[Bundle], folder: Path, *, db: str | None = None) -> dict[str, Any]:
    """``suwen records import`` of bundles into a new store, as anybody would run it."""
    files, store = folder / "files", folder / "store"
    if not files.exists():
        write(bundles, files)
    where = ["--store", str(store), *(["--db", db] if db else [])]
    said, wall = suwen("records", "import", files, *where)
    expected = sum(bundle.size for bundle in bundles)
    assert said["imported"] == expected, said
    assert said["rejected"] == 0, said
    return {
        "resources_per_s": expected / wall,
        "resources_per_s_by_its_own_clock": expected / said["seconds"],
        "resources": expected,
        "transactions": len(bundles),
        "megabytes_json": sum(len(bundle.data) for bundle in bundles) / 1e6,
        "process_wall_s": wall,
        "own_seconds": said["seconds"],
        "stored_megabytes": sum(file.stat().st_size for file in store.glob("record.db*")) / 1e6,
    }


def over_http(
    bundles: Sequence[Bundle], folder: Path, connections: int, *, db: str | None = None, searches: int = 0
) -> dict[str, dict[str, Any]]:
    """The same bundles POSTed to ``suwen serve`` by another process; then searches of what it has."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(folder / "store", db=db) as server:
        found = {"ingest": posted(server, bundles, folder, connections, "/fhir")}
        return found | ({"search": rates(server, folder, CONNECTIONS, searches)} if searches else {})


def posted(
    server: Server, bundles: Sequence[Bundle], folder: Path, connections: int, path: str
) -> dict[str, Any]:
    """Bundles sent to a running server, after two unmeasured ones: a server in service is warm."""
    warm = [copy_of(bundle, UNMEASURED) for bundle in bundles[:2]]
    for part, file in ((warm, folder / "warm"), (bundles, folder / "requests")):
        save(file, (request("POST", path, bundle.data) for bundle in part))
    drive(server.port, 1, folder / "warm")
    before = server.cpu_seconds()
    found = drive(server.port, connections, folder / "requests")
    used = server.cpu_seconds() - before
    assert set(found["statuses"]) == {"200"}, found
    resources = sum(bundle.size for bundle in bundles)
    return {
        "resources_per_s": resources / found["seconds"],
        "resources": resources,
        "wall_s": found["seconds"],
        "server_cpu_s": used,
        "median_ms_per_bundle": found["median_ms"],
    }


def naive(bundles: Sequence[Bundle], folder: Path, searches: int) -> dict[str, Any]:
    """The same over HTTP by the plain store, and its searches."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [*NAIVE, str(folder / "naive.db")]
    with served(folder / "naive", command=command) as server:
        found = {"ingest": posted(server, bundles, folder, 1, "/fhir")}
        return found | {"search": rates(server, folder, CONNECTIONS, searches)}
