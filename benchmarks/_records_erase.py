"""How long it takes to erase a patient of many resources: the operation, and the whole command."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _records_server import suwen

PATIENTS = ("first", "second", "bystander")
IN_ONE_FILE = 1000


def measure(resources: int, folder: Path) -> dict[str, Any]:
    """Import two patients of so many resources and another, erase the two, verify the ledger."""
    from suwen.records.erasure import erase
    from suwen.records.record import Record

    files, store = folder / "files", folder / "store"
    files.mkdir(parents=True)
    for number, lines in enumerate(_files(resources)):
        (files / f"{number}.ndjson").write_text("\n".join(lines))
    said, _ = suwen("records", "import", files, "--store", store)
    assert said["rejected"] == 0, said
    with Record.open(store) as record:
        began = time.perf_counter()
        receipt = erase(record, PATIENTS[0], actor="benchmark")
        took = time.perf_counter() - began
    told, wall = suwen("records", "erase", PATIENTS[1], "--store", store, "--yes")
    assert receipt["resources"] == told["resources"] == resources, (receipt["resources"], told["resources"])
    verdict, _ = suwen("records", "verify", "--store", store)
    return {
        "erase_seconds": took,
        "whole_command_s": wall,
        "command_that_does_nothing_s": suwen("records", "keys", "list", "--store", store)[1],
        "resources": resources,
        "receipt_signed": bool(receipt["signature"]),
        "ledger_in_order_afterwards": verdict["ok"],
    }


def _files(resources: int) -> Iterator[list[str]]:
    lines = [json.dumps({"resourceType": "Patient", "id": name}) for name in PATIENTS]
    for name, count in zip(PATIENTS, (resources - 1, resources - 1, 100), strict=True):
        for number in range(count):
            observation = {
                "resourceType": "Observation",
                "id": f"{name}-{number}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": f"{number % 50}-1"}]},
                "subject": {"reference": f"Patient/{name}"},
                "effectiveDateTime": f"20{number % 20:02}-03-04T05:06:07Z",
                "valueQuantity": {"value": number, "unit": "mm"},
            }
            lines.append(json.dumps(observation))
            if len(lines) >= IN_ONE_FILE:
                yield lines
                lines = []
    yield lines
