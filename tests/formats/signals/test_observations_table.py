"""Long tables of observations: units converted or refused, times checked, CSV and JSON alike."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput, SuwenError
from suwen.core.sample import Sample
from suwen.formats.signals.cinc2012 import Cinc2012
from suwen.formats.signals.cinc2012_stay import DESCRIPTORS
from suwen.formats.signals.cleaning import Rules
from suwen.formats.signals.observations_table import read_stays, read_table
from suwen.formats.signals.units import ucum


def read(task: Any, data: bytes) -> list[Sample]:
    return read_table(task, data, rules=Rules(variables=task.variables), descriptors=DESCRIPTORS, length_h=48)


def table(*lines: str, header: str = "time_h,variable,value,unit") -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def test_values_arrive_in_the_variables_own_unit(mortality: Any) -> None:
    (sample,) = read(
        mortality,
        table(
            "0.5,HR,80,bpm",
            "0.5,Temp,98.6,°F",
            "1,Creatinine,88.4,umol/L",
            "1,Glucose,5.55,mmol/L",
            "1.5,PaO2,12,kPa",
            "2,FiO2,40,%",
            "2,Platelets,210,10^9/L",
            "2.5,2524-7,18.016,mg/dL",
            "3,MechVent,yes,",
            "3,Age,71,years",
        ),
    )
    seen = sample.inputs["stay"]
    given = {name: seen.of(name)[1].tolist() for name in seen.names if len(seen.of(name)[1])}
    assert {name: pytest.approx(values, rel=1e-3) for name, values in given.items()} == {
        "HR": [80],
        "Temp": [37.0],
        "Creatinine": [1.0],
        "Glucose": [100.0],
        "PaO2": [90.0],
        "FiO2": [0.4],
        "Platelets": [210],
        "Lactate": [2.0],
        "MechVent": [1],
    }
    assert seen.static["Age"] == 71
    assert seen.length_h == 48
    assert seen.hours.tolist() == [0.5, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3]


def test_a_weight_on_admission_describes_the_stay_and_is_observed_too(mortality: Any) -> None:
    (first,) = read(mortality, table("0,Weight,80,kg", "0,HR,80,bpm", "5,Weight,82,kg"))
    seen = first.inputs["stay"]
    assert seen.static["Weight"] == 80
    assert seen.of("Weight")[1].tolist() == [80, 82]
    (later,) = read(mortality, table("0,HR,80,bpm", "5,Weight,82,kg"))
    assert math.isnan(later.inputs["stay"].static["Weight"]), (
        "what was weighed later was not known on admission"
    )
    lines = [{"time_h": 0, "variable": "HR", "value": 80}]
    (said,) = read(mortality, json.dumps({"static": {"Weight": 70}, "observations": lines}).encode())
    assert said.inputs["stay"].static["Weight"] == 70
    assert not len(said.inputs["stay"].of("Weight")[1])


def test_json_and_csv_say_the_same(mortality: Any) -> None:
    lines = [
        {"time_h": 0.5, "variable": "HR", "value": 80},
        {"time_h": 1, "variable": "Temp", "value": 98.6, "unit": "F"},
    ]
    csv = read(mortality, table("0.5,HR,80,", "1,Temp,98.6,F"))[0].inputs["stay"]
    forms: list[Any] = [lines, {"observations": lines}, [{"observations": lines}]]
    for form in forms:
        (sample,) = read(mortality, json.dumps(form).encode())
        assert sample.inputs["stay"].content_key() == csv.content_key()
    (described,) = read(
        mortality,
        json.dumps({"subject_id": "a", "static": {"Age": 50}, "observations": lines}).encode(),
    )
    assert described.subject_id == "a"
    assert described.inputs["stay"].static["Age"] == 50
    for line_end in (b"\r\n", b"\r"):
        data = table("0.5;HR;80;", "1;Temp;98.6;F", header="time_h;variable;value;unit")
        (sample,) = read(mortality, data.replace(b"\n", line_end))
        assert sample.inputs["stay"].content_key() == csv.content_key()


def test_moments_are_hours_since_the_first(mortality: Any) -> None:
    (sample,) = read(
        mortality,
        table(
            "2024-05-01T08:30:00Z,HR,80",
            "2024-05-01T10:00:00+00:00,HR,81",
            "2024-05-02T08:30:00Z,HR,82",
            header="time,variable,value",
        ),
    )
    assert sample.inputs["stay"].hours.tolist() == [0, 1.5, 24]
    assert sample.inputs["stay"].start == "2024-05-01T08:30:00+00:00"
    (sample,) = read(mortality, table("00:30,HR,80", "26:15,HR,81", header="time,variable,value"))
    assert sample.inputs["stay"].hours.tolist() == [0.5, 26.25]


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


WRONG = {
    "unknown-variable": table("1,HeartRate,80,"),
    "wrong-unit": table("1,HR,80,mmol/L"),
    "not-a-number": table("1,HR,fast,"),
    "bad-time": table("soon,HR,80,"),
    "future-time": table("48.5,HR,80,"),
    "unsorted-times": table("2,HR,80,", "1,HR,80,"),
    "empty-stay": table("1,HR,,"),
    "empty-file": b"  ",
    "missing-column": table("1,80", header="time_h,value"),
    "bad-row": table("1,HR"),
    "duplicate-column": table("1,HR,80,80", header="time_h,variable,value,value"),
    "bad-json": b"[{",
    "conflicting-labels": table("1,HR,80,0", "1,HR,80,1", header="time_h,variable,value,label"),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_table_is_named(
    code: str, mortality: Any, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert refused(read, mortality, WRONG[code], secret="fast") == code
    if code not in {"conflicting-labels", "missing-column"}:
        assert refused(Cinc2012().read, mortality, WRONG[code], secret="fast") == code


@pytest.mark.parametrize("value", ["NaN", "nan", "inf", "-Infinity", "1e400", "1_0", "٣"])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_no_number_is_refused(
    value: str, form: str, mortality: Any, refused: Callable[..., str]
) -> None:
    if form == "json" and value in {"NaN", "-Infinity"}:
        data = f'[{{"time_h": 1, "variable": "HR", "value": {value}}}]'.encode()
    elif form == "json":
        data = json.dumps([{"time_h": 1, "variable": "HR", "value": value}]).encode()
    else:
        data = table(f"1,HR,{value},")
    assert refused(read, mortality, data) == "not-a-number"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{tomorrow},HR,80", "future-time"),
        ("2024-05-01T08:30:00,HR,80", "bad-time"),
        ("2024-04-01T08:30:00Z,HR,80", "unsorted-times"),
        ("-1:00,HR,80", "bad-time"),
        (",HR,80", "missing-column"),
    ],
)
def test_moments_that_cannot_be(line: str, code: str, mortality: Any, refused: Callable[..., str]) -> None:
    data = table("2024-05-01T08:30:00Z,HR,80", line.format(tomorrow=tomorrow()), header="time,variable,value")
    assert refused(read, mortality, data) == code


def test_an_unknown_variable_names_the_nearest_and_a_wrong_unit_the_known(mortality: Any) -> None:
    with pytest.raises(BadInput, match="Did you mean 'Creatinine'"):
        read(mortality, table("1,creatinin,1,"))
    with pytest.raises(BadInput, match="mg/dL, umol/L"):
        read(mortality, table("1,Creatinine,1,kg"))


words = [
    "time_h",
    "time",
    "variable",
    "value",
    "unit",
    "subject_id",
    "label",
    "static",
    "observations",
    "HR",
    "Age",
    "1",
]
leaves = st.none() | st.booleans() | st.integers(-9, 99) | st.floats() | st.sampled_from(["", "x", *words])
anything = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.sampled_from(words), leaves, max_size=2)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.dictionaries(st.sampled_from(words), anything, max_size=5), max_size=3))
def test_any_json_is_read_or_refused(document: list[Any]) -> None:
    from suwen.systems.signals._variables import ICU_2012

    with contextlib.suppress(SuwenError):
        read_stays(json.dumps(document).encode(), rules=Rules(variables=ICU_2012), descriptors=DESCRIPTORS)


def test_subjects_are_told_apart_and_labelled(mortality: Any) -> None:
    lines = ["a,1,HR,80,0", "b,0.5,HR,120,1", "a,2,HR,82,0", "c,0,HR,90,"]
    data = table(*lines, header="subject_id,time_h,variable,value,label")
    stays = read_stays(data, rules=Rules(variables=mortality.variables))
    assert [(stay.subject, stay.label) for stay in stays] == [("a", "0"), ("b", "1"), ("c", None)]
    assert stays[0].observations.of("HR")[1].tolist() == [80, 82]
    assert stays[0].observations.length_h == 2
    assert [sample.subject_id for sample in read(mortality, data)] == ["a", "b", "c"]


def test_values_out_of_range_are_missing_and_counted(mortality: Any) -> None:
    (sample,) = read(mortality, table("1,HR,80,", "2,HR,999,", "2,HR,,", "3,HR,80,", "3,HR,81,"))
    assert sample.inputs["stay"].dropped == {"impossible": 1, "missing": 1, "repeated": 1}
    assert sample.inputs["stay"].of("HR")[1].tolist() == [80, 80, 81]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("mmHg", "mm[Hg]"),
        (" mg / dl ", "mg/dL"),
        ("°C", "Cel"),
        ("", None),
        (None, None),
        ("furlong", "furlong"),
    ],
)
def test_spellings_of_units(text: str | None, unit: str | None) -> None:
    assert ucum(text) == unit
