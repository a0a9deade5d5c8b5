"""The patient record: ingest, search, validation, encryption, erasure, durability, beside peers.

Unlike the other benchmarks these are wall-clock figures where a disk or a second process is part of the
claim: ingest, search and erasure. Run them on an idle machine; ``load_1min`` tells whether it was one.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _records_cipher as cipher
import _records_erase as erase
import _records_ingest as ingest
import _records_medplum as medplum
import _records_search as search
import _records_validation as validation
from _common import data_dir, parser, publish
from _records_data import SHAPES, Bundle, multiplied, resources_of, source
from _records_kills import kill_rounds
from _records_postgres import postgres

TARGETS = {
    "ingest_resources_per_s": 3000,
    "http_ingest_resources_per_s": 2700,
    "http_ingest_resources_per_s_at_least": 2000,
    "search_per_s": 1000,
    "search_per_s_at_least": 400,
    "search_growth.same_result_ratio_10x": 1.5,
    "validate_speedup": 20,
    "cipher_vs_openssl": 0.7,
    "erase_seconds": 1.0,
    "kills.acknowledged_lost": 0,
    "kills.half_transactions": 0,
}
PARTS = (
    "ingest",
    "http",
    "search",
    "growth",
    "validate",
    "cipher",
    "erase",
    "kills",
    "postgresql",
    "medplum",
)
NAIVE_DOES_NOT = (
    "encrypt, keep a ledger, versions or history, resolve conditional references, check required bindings "
    "and reference targets; it indexes 14 elements"
)


class Run:
    """One run of all that was chosen.

    Parameters
    ----------
    chosen
        The options.
    folder
        For stores and files.
    """

    def __init__(self, chosen: argparse.Namespace, folder: Path) -> None:
        self.chosen, self.folder = chosen, folder
        self.originals, self.data = source(data_dir())
        self.bundles = list(multiplied(self.originals, chosen.resources))
        size, self.some = 0, list[Bundle]()
        for bundle in self.bundles:  # what the slow peers are given
            if size < chosen.peer_resources:
                self.some.append(bundle)
                size += bundle.size

    def all(self) -> dict[str, Any]:
        """Every part that was not left out."""
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "ingest": self.ingest,
            "http": self.http,
            "growth": self.growth,
            "validate": self.validate,
            "cipher": self.cipher,
            "erase": self.erase,
            "kills": self.kills,
            "postgresql": self.postgresql,
            "medplum": self.medplum,
        }
        document: dict[str, Any] = {}
        for name, part in parts.items():
            if name not in self.chosen.without:
                document |= part()
        return document | {
            "data": self.data,
            "left_out": sorted(self.chosen.without),
            "targets": TARGETS,
            "published_elsewhere": "resources/s on 8 vCPU, second-hand: Aidbox 2678, HAPI 2214, Medplum 764",
        }

    def ingest(self) -> dict[str, Any]:
        """Ingest by the command line."""
        found = ingest.by_command(self.bundles, self.folder / "command")
        return {"ingest_resources_per_s": found["resources_per_s"], "ingest": found}

    def http(self) -> dict[str, Any]:
        """Ingest over HTTP, and searches of the store that it fills."""
        searches = 0 if "search" in self.chosen.without else self.chosen.searches
        found: dict[str, Any] = {}
        for number in ingest.CONNECTIONS:
            last = number == ingest.CONNECTIONS[-1]
            place = self.folder / f"http{number}"
            told = ingest.over_http(self.bundles, place, number, searches=searches if last else 0)
            found[f"connections_{number}"] = told["ingest"]
        best = max(one["resources_per_s"] for one in found.values())
        result: dict[str, Any] = {"http_ingest_resources_per_s": best, "http_ingest": found}
        if searches:
            result |= self._search(told["search"])
        return result | self._naive(best, result.get("search_per_s"))

    def _search(self, rates: dict[str, Any]) -> dict[str, Any]:
        found = [one["searches_per_s"] for one in rates.values() if isinstance(one, dict)]
        shapes = {"query_shapes": len(SHAPES), "page": 10}
        return {"search_per_s": max(found), "search": rates | shapes}

    def _naive(self, ours: float, our_searches: float | None) -> dict[str, Any]:
        """The plain store, over HTTP as well, on as many bundles as are worth the wait."""
        found = ingest.naive(self.some, self.folder / "naive", self.chosen.searches)
        found |= {"ingest_speedup": ours / found["ingest"]["resources_per_s"], "does_not": NAIVE_DOES_NOT}
        if our_searches is not None:
            found["search_speedup"] = our_searches / self._search(found["search"])["search_per_s"]
        return {"naive": found}

    def growth(self) -> dict[str, Any]:
        """What a search costs in a store of ten times the size."""
        few: list[Bundle] = []
        for bundle in self.originals:
            if sum(one.size for one in few) < self.chosen.resources / 5:
                few.append(bundle)
        return {"search_growth": search.growth(few, self.folder / "growth", self.chosen.rounds)}

    def validate(self) -> dict[str, Any]:
        """Validation, in turns with the peer."""
        observations = resources_of(self.originals, "Observation")[: self.chosen.resources]
        found = validation.compare(observations, self.chosen.rounds)
        return {"validate_speedup": found.pop("validate_speedup"), "validation": found}

    def cipher(self) -> dict[str, Any]:
        """The cipher of files, in turns with openssl."""
        found = cipher.compare(self.chosen.rounds, megabytes=256 if self.chosen.rounds > 1 else 32)
        return {"cipher_vs_openssl": found.pop("cipher_vs_openssl"), "cipher": found}

    def erase(self) -> dict[str, Any]:
        """Erasure of a patient of 10,000 resources."""
        found = erase.measure(min(10_000, self.chosen.resources), self.folder / "erase")
        return {"erase_seconds": found.pop("erase_seconds"), "erase": found}

    def kills(self) -> dict[str, Any]:
        """Durability under ``kill -9``."""
        (self.folder / "kills").mkdir()
        return {"kills": kill_rounds(self.folder / "kills", self.chosen.kills).document()}

    def postgresql(self) -> dict[str, Any]:
        """Ingest and search on a PostgreSQL server with its default settings."""
        place = self.folder / "postgresql"
        with postgres() as server:
            if server is None:
                return {"postgresql": {"absent": "no server under /usr/lib/postgresql"}}
            by_command = ingest.by_command(self.bundles, place / "command", db=server.fresh("command"))
            over_http = ingest.over_http(
                self.bundles, place / "http", 4, db=server.fresh("http"), searches=self.chosen.searches
            )
            return {
                "postgresql": {
                    "ingest_resources_per_s": by_command["resources_per_s"],
                    "http_ingest_resources_per_s": over_http["ingest"]["resources_per_s"],
                    **self._search(over_http["search"]),
                    "ingest": by_command,
                    "http_ingest": over_http["ingest"],
                    "server": server.version,
                }
            }

    def medplum(self) -> dict[str, Any]:
        """Medplum's repository in memory, on the resources of the plain store."""
        resources = [
            one for kind in ("Patient", "Encounter", "Observation") for one in resources_of(self.some, kind)
        ]
        return {"medplum": medplum.measure(resources, self.folder, 10)}


def options() -> argparse.ArgumentParser:
    made = parser(__doc__)
    made.add_argument("--resources", type=int, default=20_000, help="resources to ingest, at least")
    made.add_argument("--peer-resources", type=int, default=4_000, help="resources the slow peers are given")
    made.add_argument("--searches", type=int, default=3_000, help="searches in one measurement")
    made.add_argument("--rounds", type=int, default=7, help="turns of each side where sides take turns")
    made.add_argument("--kills", type=int, default=100, help="times the server is killed")
    made.add_argument("--without", nargs="*", default=[], choices=PARTS, help="parts to leave out")
    return made


def main(words: Sequence[str] | None = None) -> None:
    chosen = options().parse_args(words)
    with tempfile.TemporaryDirectory(prefix="suwen-records-") as name:
        document = Run(chosen, Path(name)).all()
    publish(document, as_json=chosen.json)


if __name__ == "__main__":
    main()
