"""What the index holds of a resource, and what it must not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import Unreadable
from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.index import Entries, Indexer, pack, unpack
from suwen.records.fhir.search_dates import date_range
from suwen.records.fhir.search_slots import layout
from suwen.records.keys.blind import Blind

BLIND = Blind(b"k" * 32)
LONG = st.integers(-(1 << 63), (1 << 63) - 1)
REAL = st.floats(allow_nan=False)


@pytest.fixture(scope="module")
def indexer() -> Indexer:
    return Indexer(definitions(), BLIND)


def bits(resource: dict[str, Any], indexer: Indexer) -> set[str]:
    laid = layout(definitions(), resource["resourceType"])
    present = indexer.entries(resource).present
    return {code for code in laid.parameters if present & laid.bit(code)}


def test_an_observation(indexer: Indexer) -> None:
    found = indexer.entries(
        {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
            "subject": {"reference": "Patient/p"},
            "effectiveDateTime": "2012-08-10T20:37:06Z",
            "valueQuantity": {
                "value": 165.1,
                "unit": "cm",
                "system": "http://unitsofmeasure.org",
                "code": "cm",
            },
        }
    )
    assert found.patient == "Patient/p"
    assert len(found.terms) == 4
    assert [target for _, target in found.links] == [BLIND.ref("Patient/p")]
    assert {span[2:] for span in found.spans} == {(165.1, 165.1), date_range("2012-08-10T20:37:06Z")}


def test_presence_is_by_parameter(indexer: Indexer) -> None:
    observation = {
        "resourceType": "Observation",
        "subject": {"reference": "Group/1"},
        "valueSampledData": {"data": "E"},
    }
    assert bits(observation, indexer) == {"subject", "value-quantity", "combo-value-quantity"}
    patient = {"resourceType": "Patient", "name": [{"use": "old"}], "telecom": [{"system": "email"}]}
    assert bits(patient, indexer) == {"name", "phonetic", "telecom", "email", "deceased"}


def test_nothing_that_identifies_stands_in_clear(indexer: Indexer) -> None:
    found = indexer.entries(
        {
            "resourceType": "Patient",
            "id": "p",
            "birthDate": "1986-11-28",
            "deceasedDateTime": "2019-01-01T10:00:00Z",
            "name": [{"family": "Conn", "given": ["Liz"]}],
        }
    )
    assert found.spans == []
    assert found.terms
    other = Indexer(definitions(), Blind(b"l" * 32)).entries(
        {"resourceType": "Patient", "birthDate": "1986-11-28"}
    )
    assert not set(other.terms) & set(found.terms)


@pytest.mark.parametrize(
    ("resource", "patient"),
    [
        ({"resourceType": "Patient", "id": "a"}, "Patient/a"),
        ({"resourceType": "Observation", "performer": [{"reference": "Patient/b"}]}, "Patient/b"),
        (
            {
                "resourceType": "Observation",
                "performer": [{"reference": "Patient/b"}],
                "subject": {"reference": "Patient/a/_history/3"},
            },
            "Patient/a",
        ),
        ({"resourceType": "Observation", "subject": {"reference": "Group/a"}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "http://b.org/Patient/a"}}, None),
        ({"resourceType": "Organization", "id": "o"}, None),
        (
            {"resourceType": "Appointment", "participant": [{"actor": {"reference": "Patient/a"}}]},
            "Patient/a",
        ),
    ],
)
def test_whose_record_it_belongs_to(indexer: Indexer, resource: dict[str, Any], patient: str | None) -> None:
    assert indexer.entries(resource).patient == patient


def test_every_bundle_can_be_indexed_and_its_rows_come_back(indexer: Indexer, data_dir: Path) -> None:
    file = data_dir / "records" / "synthea_r4" / "p010.json.gz"
    for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
        found = indexer.entries(entry["resource"])
        again = unpack(pack(found))
        assert (again.terms, again.spans, again.links) == (found.terms, found.spans, found.links)
        for rows in (found.terms, found.spans, found.links):
            assert len(set(rows)) == len(rows)


@given(
    st.lists(LONG, max_size=30),
    st.lists(st.tuples(LONG, LONG, REAL, REAL), max_size=9),
    st.lists(st.tuples(LONG, LONG), max_size=9),
)
def test_rows_come_back(terms: list[int], spans: list[Any], links: list[Any]) -> None:
    found = unpack(pack(Entries(terms, spans, links, 0, None)))
    assert (found.terms, found.spans, found.links) == (terms, spans, links)


def test_rows_cut_off_are_refused() -> None:
    data = pack(Entries([1, 2], [(1, 2, 3.0, 4.0)], [(5, 6)], 0, None))
    for size in range(len(data)):
        with pytest.raises(Unreadable):
            unpack(data[:size])
