"""Every search parameter of R4 has a getter, and it finds what fhirpathpy finds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import BadInput
from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.search_paths import UNSUPPORTED, atoms, getter, supported
from suwen.records.fhir.search_slots import INDEXED, REVISION, fingerprint, layout
from suwen.records.fhir.search_values import PARTS

ALL = sorted(definitions().resource_types)


def test_every_parameter_compiles_or_is_listed() -> None:
    without = set()
    for kind in ALL:
        for code, parameter in definitions().parameters(kind).items():
            if supported(kind, code):
                assert atoms(definitions(), kind, parameter.expression or ""), (kind, code)
                getter(definitions(), kind, code)({"resourceType": kind})
            else:
                without.add(code if code in UNSUPPORTED else f"{kind}.{code}")
                assert getter(definitions(), kind, code)({"resourceType": kind}) == []
    assert without == set(UNSUPPORTED)


def test_every_type_that_parameters_find_is_indexed_or_has_no_value() -> None:
    unused = set()
    for kind in ALL:
        laid = layout(definitions(), kind)
        assert len(laid.parameters) < 63  # bits of ``resource.present``
        for code, places in laid.places.items():
            form = laid.parameters[code].kind
            unused |= {(form, place.type) for place in places if place.type not in INDEXED[form]}
    assert unused == {
        ("date", "string"),
        ("date", "Age"),
        ("date", "Range"),
        ("quantity", "SampledData"),
        ("reference", "Attachment"),
        *(("string", kind) for kind in PARTS),
    }


def test_parameters_that_look_at_the_same_places_share_them() -> None:
    uses = layout(definitions(), "Observation").uses
    assert [use.slot for use in uses["code"]] == [uses["combo-code"][0].slot]
    assert uses["patient"][0].slot is uses["subject"][0].slot
    assert (uses["patient"][0].target, uses["subject"][0].target) == ("Patient", None)
    names = layout(definitions(), "Patient").uses
    assert names["family"][0].slot in [use.slot for use in names["name"]]


def test_what_is_indexed_changes_only_with_its_revision() -> None:
    """Stores in the field are indexed anew when the revision or the definitions change, and only then."""
    known = (1, "51e40c2941a7deb41bc157a9498e688a5361850cdf144895ea44ed302a6867f5")
    assert (REVISION, fingerprint(definitions())) == known


@pytest.mark.parametrize(
    "text", ["Patient.name +", "Patient.nothing", "Patient.name.as(Money)", "Patient.name.first()"]
)
def test_other_expressions_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        atoms(definitions(), "Patient", text)
    assert caught.value.code == "bad-expression"


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2001"}, True),
    ],
)
def test_deceased(resource: dict[str, Any], said: bool) -> None:
    patient = {"resourceType": "Patient", **resource}
    assert getter(definitions(), "Patient", "deceased")(patient) == [(said, "boolean")]


def test_getters_find_what_fhirpath_finds(data_dir: Path) -> None:
    """On every fourth official example; ``resolve()`` needs a server and is left to the searches' own tests."""
    from fhirpathpy import compile as compile_path
    from fhirpathpy.models import models

    folder = data_dir / "records"
    official = json.loads((folder / "fhir_r4_defs" / "search-parameters.json").read_bytes())["entry"]
    paths: dict[str, Any] = {}
    compared = 0
    for file in sorted((folder / "fhir_r4_examples").glob("*.json"))[::4]:
        resource = json.loads(file.read_bytes()) if file.stat().st_size < 12_000 else {}
        kind = resource.get("resourceType", "")
        for parameter in (entry["resource"] for entry in official):
            text, code = parameter.get("expression", ""), parameter["code"]
            if kind not in parameter["base"] or not supported(kind, code) or "resolve()" in text:
                continue
            if parameter["type"] in {"composite", "special"}:
                continue
            parts = [part.strip() for part in text.split("|")]
            path = " | ".join(part for part in parts if re.match(rf"\(?({kind}\b|[a-z])", part))
            path = re.sub(r"\(([\w.]+) as (\w+)\)", r"\1.ofType(\2)", path).replace(".as(", ".ofType(")
            if path not in paths:
                paths[path] = compile_path(path, models["r4"])
            want = {json.dumps(one, sort_keys=True, default=float) for one in paths[path](resource)}
            found = {
                json.dumps(one, sort_keys=True) for one, _ in getter(definitions(), kind, code)(resource)
            }
            assert found == want, (file.name, code)
            compared += bool(found)
    assert compared > 300
