"""How long it takes to erase a patient of many resources, with the command that anybody would use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _records_server import suwen

PATIENT = "erased"
IN_ONE_FILE = 1000


def measure(resources: int, folder: Path, *, db: str | None = None) -> dict[str, Any]:
    """Import a patient of so many resources and some of another, erase the first, verify the ledger."""
    files, store = folder / "files", folder / "store"
    files.mkdir(parents=True)
    for number, lines in enumerate(_files(resources)):
        (files / f"{number}.ndjson").write_text("\n".join(lines))
    where = ["--store", str(store), *(["--db", db] if db else [])]
    said, _ = suwen("records", "import", files, *where)
    assert said["rejected"] == 0, said
    receipt, wall = suwen("records", "erase", PATIENT, *where, "--yes")
    assert receipt["resources"] == resources, receipt["resources"]
    verdict, _ = suwen("records", "verify", *where)
    return {
        "erase_seconds": wall,
        "resources": resources,
        "of_which_starting_the_program_s": _idle(where),
        "ledger_in_order_afterwards": verdict["ok"],
    }


def _idle(where: list[str]) -> float:
    """Wall seconds of the program that opens the record and does next to nothing."""
    return suwen("records", "keys", "list", *where)[1]


def _files(resources: int) -> Iterator[list[str]]:
    lines = [json.dumps({"resourceType": "Patient", "id": name}) for name in (PATIENT, "other")]
    for number in range(resources - 1 + 100):
        patient = PATIENT if number < resources - 1 else "other"
        lines.append(
            json.dumps(
                {
                    "resourceType": "Observation",
                    "id": f"o{number}",
                    "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": f"{number % 50}-1"}]},
                    "subject": {"reference": f"Patient/{patient}"},
                    "effectiveDateTime": f"20{number % 20:02}-03-04T05:06:07Z",
                    "valueQuantity": {"value": number, "unit": "mm"},
                }
            )
        )
        if len(lines) >= IN_ONE_FILE:
            yield lines
            lines = []
    yield lines
