"""Synthea's bundles for the benchmark, multiplied with fresh ids, and searches over what they hold."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Bundle:
    """One transaction.

    Attributes
    ----------
    name
        Of the file it comes from, and which copy it is.
    data
        JSON.
    size
        Resources in it.
    """

    name: str
    data: bytes
    size: int


def originals(folder: Path) -> list[Bundle]:
    """The bundles as they are, the largest one last: whoever takes few takes small ones."""
    found = []
    for file in sorted(folder.glob("*.json.gz")):
        data = gzip.decompress(file.read_bytes())
        found.append(Bundle(file.name.removesuffix(".json.gz"), data, len(json.loads(data)["entry"])))
    return sorted(found, key=lambda bundle: bundle.size)


def invented(patients: int = 6) -> list[Bundle]:
    """Small bundles of the same shape, where the data set is absent."""
    found = []
    for number in range(patients):
        name = [str(_fresh(b"%d" % at, number).decode()) for at in range(40)]
        patient: dict[str, Any] = {
            "resourceType": "Patient", "id": name[0], "gender": "female",
            "birthDate": f"19{50 + number}-02-03",
        }  # fmt: skip
        resources = [patient] + [
            {
                "resourceType": "Observation", "id": one, "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": f"{at % 5}-1"}]},
                "subject": {"reference": f"urn:uuid:{name[0]}"},
                "effectiveDateTime": f"20{at % 20:02}-03-04T05:06:07Z",
                "valueQuantity": {"value": at, "unit": "mm"},
            }
            for at, one in enumerate(name[1:])
        ]  # fmt: skip
        entries = [
            {
                "fullUrl": f"urn:uuid:{one['id']}", "resource": one,
                "request": {"method": "POST", "url": one["resourceType"]},
            }
            for one in resources
        ]  # fmt: skip
        document = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        found.append(Bundle(f"invented{number}", json.dumps(document).encode(), len(entries)))
    return found


def source(folder: Path) -> tuple[list[Bundle], str]:
    """The bundles there are, and what they are."""
    there = folder / "records" / "synthea_r4"
    if there.is_dir():
        return originals(there), "synthea_r4: 21 patients, 3955 resources"
    return invented(), "invented bundles (synthea_r4 is absent)"


def copy_of(bundle: Bundle, number: int) -> Bundle:
    """The same bundle of other patients: every UUID in it is another one. Copy 0 is the original."""
    if not number:
        return bundle
    fresh: dict[bytes, bytes] = {}

    def other(match: re.Match[bytes]) -> bytes:
        old = match[0]
        if old not in fresh:
            fresh[old] = _fresh(old, number)
        return fresh[old]

    return Bundle(f"{bundle.name}-{number}", _UUID.sub(other, bundle.data), bundle.size)


def multiplied(bundles: Iterable[Bundle], resources: int) -> Iterator[Bundle]:
    """Bundles, and copies of them, until they hold at least so many resources."""
    bundles, total, number = list(bundles), 0, 0
    while True:
        for bundle in bundles:
            if total >= resources:
                return
            yield copy_of(bundle, number)
            total += bundle.size
        number += 1


def under_own_ids(bundle: Bundle) -> Bundle:
    """The same with ``PUT Type/id`` for ``POST Type``, so that what is stored can be asked for by id."""
    document = json.loads(bundle.data)
    for entry in document["entry"]:
        resource = entry["resource"]
        entry["request"] = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    return Bundle(bundle.name, json.dumps(document, ensure_ascii=False).encode(), bundle.size)


def write(bundles: Iterable[Bundle], folder: Path) -> int:
    """Write bundles as files; how many resources."""
    folder.mkdir(parents=True)
    total = 0
    for bundle in bundles:
        (folder / f"{bundle.name}.json").write_bytes(bundle.data)
        total += bundle.size
    return total


def resources_of(bundles: Iterable[Bundle], kind: str) -> list[dict[str, Any]]:
    """All resources of a type."""
    return [
        entry["resource"]
        for bundle in bundles
        for entry in json.loads(bundle.data)["entry"]
        if entry["resource"]["resourceType"] == kind
    ]


def _fresh(uuid: bytes, number: int) -> bytes:
    made = hashlib.md5(b"%s/%d" % (uuid, number), usedforsecurity=False).hexdigest()
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-8{made[17:20]}-{made[20:]}".encode()


# A shape is a query with places for what is drawn from one stored resource of its type:
# {patient} its reference to a patient, {encounter} to an encounter, {code} and {system} of its first coding,
# {day}, {month}, {year} of its date, {id} its own.
SHAPES = (
    "Observation?code={system}|{code}",
    "Observation?code={code}",
    "Observation?patient={patient}",
    "Observation?subject={patient}&code={system}|{code}",
    "Observation?patient={patient}&date=ge{year}",
    "Observation?date={day}",
    "Observation?date=ge{month}",
    "Observation?date=ge{year}&date=lt{day}",
    "Observation?encounter={encounter}",
    "Observation?status=final&code={code}&date=le{year}",
    "Observation?patient={patient}&category=vital-signs",
    "Encounter?patient={patient}",
    "Encounter?date={month}",
    "Encounter?date=gt{day}&status=finished",
    "Encounter?class=AMB&date=lt{year}",
    "Encounter?_id={id}",
    "Condition?patient={patient}",
    "Condition?code={system}|{code}",
    "Condition?clinical-status=active&onset-date=ge{year}",
    "Condition?encounter={encounter}",
    "Procedure?patient={patient}&date=ge{year}",
    "Procedure?code={code}",
    "Immunization?patient={patient}",
    "Immunization?vaccine-code={code}",
    "Immunization?date={year}&status=completed",
    "MedicationRequest?patient={patient}&status=active",
    "MedicationRequest?authoredon=ge{month}&intent=order",
    "DiagnosticReport?patient={patient}&code={system}|{code}",
    "Patient?birthdate=ge{year}&gender=female",
    "Patient?_id={id}",
)
"""Thirty shapes of simple searches: token, date and reference."""

_DATES = ("effectiveDateTime", "onsetDateTime", "occurrenceDateTime", "authoredOn", "birthDate")
_PERIODS = ("period", "performedPeriod")
_CODES = ("code", "vaccineCode", "medicationCodeableConcept")


def searches(samples: dict[str, list[dict[str, Any]]], count: int, *, seed: int = 0) -> list[str]:
    """Addresses of searches below ``/fhir/``: the shapes in turn, each filled in from a random resource.

    Parameters
    ----------
    samples
        Stored resources by type, as they are read back.
    count
        How many.
    seed
        Of the draw.
    """
    draw = random.Random(seed)
    usable = [shape for shape in SHAPES if samples.get(shape.partition("?")[0])]
    found: list[str] = []
    tries = 0
    while len(found) < count and tries < 50 * count:
        shape = usable[tries % len(usable)]
        tries += 1
        kind, _, query = shape.partition("?")
        values = _values(draw.choice(samples[kind]))
        try:
            pairs = [pair.partition("=") for pair in query.split("&")]
            filled = "&".join(f"{name}={quote(value.format(**values), safe='')}" for name, _, value in pairs)
        except KeyError:  # this resource has no such element
            continue
        found.append(f"{kind}?{filled}")
    draw.shuffle(found)
    return found


def _values(resource: dict[str, Any]) -> dict[str, str]:
    found = {"id": resource["id"]}
    for name in ("subject", "patient"):
        if name in resource:
            found["patient"] = resource[name]["reference"]
    if "encounter" in resource:
        found["encounter"] = resource["encounter"]["reference"]
    for name in _CODES:
        coding = (resource.get(name) or {}).get("coding") or [{}]
        if "code" in coding[0] and "system" in coding[0]:
            found |= {"system": coding[0]["system"], "code": coding[0]["code"]}
    moments = [resource.get(name) for name in _DATES] + [
        (resource.get(name) or {}).get("start") for name in _PERIODS
    ]
    moment = next((text for text in moments if text), None)
    if moment:
        found |= {"day": moment[:10], "month": moment[:7], "year": moment[:4]}
    return found
