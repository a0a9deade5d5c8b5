"""How many searches a second, and what they cost when the store grows and the result does not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import quote

from _records_client import Connection, drive, get, request, save
from _records_data import Bundle, copy_of, searches, under_own_ids, write
from _records_server import Server, served, suwen

TYPES = (
    "Patient", "Observation", "Encounter", "Condition", "Procedure", "Immunization", "MedicationRequest",
    "DiagnosticReport",
)  # fmt: skip
SAMPLES = 200
"""Resources of each type that searches are drawn from."""
GROWTH = (1, 3, 10)


def samples(port: int) -> dict[str, list[dict[str, Any]]]:
    """Some stored resources of each type."""
    with closing(Connection(port)) as connection:
        pages = {kind: get(connection, f"/fhir/{kind}?_count={SAMPLES}") for kind in TYPES}
    return {kind: [entry["resource"] for entry in page.get("entry", ())] for kind, page in pages.items()}


def rates(server: Server, folder: Path, connections: Sequence[int], count: int) -> dict[str, Any]:
    """Searches a second of a running server, by the number of connections."""
    asked = [f"/fhir/{query}&_count=10" for query in searches(samples(server.port), count)]
    save(folder / "searches", (request("GET", path) for path in asked))
    save(folder / "warm", (request("GET", path) for path in asked[: len(asked) // 5 + 1]))
    drive(server.port, 1, folder / "warm")
    found: dict[str, Any] = {"searches": len(asked), "distinct": len(set(asked))}
    for number in connections:
        before = server.cpu_seconds()
        told = drive(server.port, number, folder / "searches")
        assert set(told["statuses"]) == {"200"}, told
        found[f"connections_{number}"] = {
            "searches_per_s": told["answers"] / told["seconds"],
            "median_ms": told["median_ms"],
            "p99_ms": told["p99_ms"],
            "server_cpu_ms_per_search": 1000 * (server.cpu_seconds() - before) / told["answers"],
            "kilobytes_per_answer": told["bytes"] / told["answers"] / 1000,
        }
    return found


def growth(bundles: Sequence[Bundle], folder: Path, rounds: int) -> dict[str, Any]:
    """Cost of the same searches with the same results, in stores of 1, 3 and 10 times the size.

    The searches are about patients of the first copy: their results stay the same while others are added.
    ``first_page`` ones match ever more, and give out the first ten of them.
    """
    own = [under_own_ids(bundle) for bundle in bundles]
    store, done = folder / "store", 0
    sizes, same, first = {}, {}, {}
    asked: dict[str, list[str]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    with served(store) as server:
        for factor in GROWTH:
            copies = [copy_of(bundle, number) for number in range(done, factor) for bundle in own]
            write(copies, folder / f"files{factor}")
            suwen("records", "import", folder / f"files{factor}", "--store", store)
            done, key = factor, f"{factor}x"
            asked = asked or _questions(server.port)
            with closing(Connection(server.port)) as connection:
                totals = (get(connection, f"/fhir/{kind}?_summary=count&_total=accurate") for kind in TYPES)
                sizes[key] = sum(found["total"] for found in totals)
                same[key] = _milliseconds(connection, asked["same_result"], rounds)
                first[key] = _milliseconds(connection, asked["first_page"], rounds)
    return {
        "resources_of_the_types_searched": sizes,
        "same_result_ms": {key: one["ms"] for key, one in same.items()},
        "same_result_resources_found": {key: one["found"] for key, one in same.items()},
        "same_result_ratio_10x": same["10x"]["ms"] / same["1x"]["ms"],
        "first_page_ms": {key: one["ms"] for key, one in first.items()},
        "first_page_resources_found": {key: one["found"] for key, one in first.items()},
        "first_page_ratio_10x": first["10x"]["ms"] / first["1x"]["ms"],
        "per": "search over HTTP, one connection, median",
    }


def _questions(port: int) -> dict[str, list[str]]:
    seen = samples(port)
    patients = [f"Patient/{one['id']}" for one in seen["Patient"]][:12]
    codes = sorted({one["code"]["coding"][0]["code"] for one in seen["Observation"]})[:6]
    same = [
        query
        for patient in patients
        for query in (
            f"Observation?patient={patient}&_count=10",
            f"Observation?patient={patient}&code={quote(codes[0])}&_count=10",
            f"Observation?patient={patient}&date=ge2005&_count=10",
            f"Observation?patient={patient}&status=final&_sort=-date&_count=10",
            f"Patient?_id={patient.partition('/')[2]}",
        )
    ]
    first = [
        query
        for code in codes
        for query in (
            f"Observation?code={quote(code)}&_count=10",
            f"Observation?code=http://loinc.org|{quote(code)}&date=ge2005&_count=10",
        )
    ]
    return {"same_result": same, "first_page": first}


def _milliseconds(connection: Connection, queries: Sequence[str], rounds: int) -> dict[str, float]:
    """Median time of a search, and the resources all of them give out in one round."""
    times, found = [], 0
    for number in range(rounds + 1):
        for query in queries:
            asked = request("GET", f"/fhir/{query}")
            began = perf_counter()
            status, body = connection.exchange(asked)
            took = perf_counter() - began
            assert status == 200, (query, body[:300])
            if number:
                times.append(took)
            else:
                found += body.count(b'"fullUrl"')
    return {"ms": 1000 * median(times), "found": found}
