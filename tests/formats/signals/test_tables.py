"""Tables of risk factors: the real Framingham file, units behind names, and bad tables refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.variables import Variable
from suwen.formats.signals.tables import Table


def flag(name: str) -> Variable:
    return Variable(name=name, title=name, unit="1", plausible=(0, 1))


FACTORS = (
    Variable(name="gender", title="Sex", unit="1", plausible=(0, 1), coded={"male": 1, "female": 0}),
    Variable(name="age", title="Age", unit="a", plausible=(18, 110)),
    flag("currentSmoker"),
    Variable(
        name="totChol",
        title="Total cholesterol",
        unit="mg/dL",
        plausible=(50, 1000),
        convertible={"mmol/L": (38.665, 0.0)},
    ),
    Variable(name="sysBP", title="Systolic pressure", unit="mm[Hg]", plausible=(50, 300)),
    flag("diabetes"),
)
SOURCE = Table(labels=("label", "TenYearCHD"), age="age", sex="gender")
HEADER = "gender,age,currentSmoker,totChol,sysBP,diabetes"


@pytest.fixture(scope="session")
def task(asking: Callable[..., Any]) -> Any:
    return asking(FACTORS, name="row")


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def test_the_framingham_table_is_whole(task: Any, signals_dir: Path) -> None:
    source = signals_dir / "tabular/framingham_10yr_chd.csv"
    samples = SOURCE.collect(task, str(source))
    assert Counter(sample.target for sample in samples) == {"survived": 2513, "died": 455}
    assert not samples.unusable
    assert not samples.subjects_known
    values = np.stack([sample.inputs["row"].values for sample in samples])
    assert values.shape == (2968, 6)
    assert np.isnan(values).sum(axis=0).tolist() == [0, 0, 0, 40, 0, 0]
    assert samples.integrity["by_variable"] == {"missing": {"totChol": 40}}
    assert Counter(sample.attributes["sex"] for sample in samples) == {"female": 1710, "male": 1258}
    assert any("columns passed over: education" in note for note in samples.notes)
    assert SOURCE.collect(task, str(source.parent)).fingerprint == samples.fingerprint


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_line_end_and_delimiter(end: str, delimiter: str, task: Any) -> None:
    text = table("1,50,0,200,120,1", "0,60,NA,n/a,,0").decode()
    data = text.replace("\n", end).replace(",", delimiter).encode("utf-8-sig")
    one, other = SOURCE.read(task, data)
    assert one.inputs["row"].values.tolist() == [1, 50, 0, 200, 120, 1]
    np.testing.assert_array_equal(
        other.inputs["row"].values, np.array([0, 60, np.nan, np.nan, np.nan, 0], np.float32)
    )
    assert one.attributes == {"age_band": "50-64", "sex": "male"}


def test_units_words_synonyms_and_json(task: Any) -> None:
    header = "sex,age,currentSmoker,totChol [mmol/L],sysBP (mmHg),diabetes,extra"
    source = Table(synonyms={"sex": "gender"})
    (one,) = source.read(task, table("male,50,yes,5,120,No,7", header=header))
    assert one.inputs["row"].names == tuple(variable.name for variable in FACTORS)
    assert one.inputs["row"].values.tolist() == pytest.approx([1, 50, 1, 193.325, 120, 0])
    record = {
        "gender": "female",
        "age": 50,
        "currentSmoker": True,
        "totChol": None,
        "sysBP": 120.5,
        "diabetes": 0,
    }
    for document in (record, [record]):
        (one,) = source.read(task, json.dumps(document).encode())
        np.testing.assert_array_equal(
            one.inputs["row"].values, np.array([0, 50, 1, np.nan, 120.5, 0], np.float32)
        )


def test_impossible_values_are_missing_and_bad_rows_unusable(task: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        table(
            "1,50,0,9000,120,1,1,p1", "1,50,0,many,120,1,0,p2", ",,,,,,0,p3", "0,60,0,200,120,0,,p4",
            "0,60,0,200,120,0,0,p4",
            header=f"{HEADER},label,patient_id",
        )
    )  # fmt: skip
    samples = SOURCE.collect(task, str(path))
    assert [(s.subject_id, s.target) for s in samples] == [("p1", "died"), ("p4", None), ("p4", "survived")]
    assert samples.subjects_known
    assert [bad.code for bad in samples.unusable] == ["not-a-number", "empty-row"]
    assert samples.integrity["by_variable"]["impossible"] == {"totChol": 1}
    assert samples.integrity["identical_rows"] == 1
    assert any("1 rows repeat another" in note for note in samples.notes)


def test_optional_columns_may_be_missing(task: Any) -> None:
    source = Table(optional=("totChol", "diabetes"))
    (one,) = source.read(task, table("1,50,0,120", header="gender,age,currentSmoker,sysBP"))
    np.testing.assert_array_equal(
        one.inputs["row"].values, np.array([1, 50, 0, np.nan, 120, np.nan], np.float32)
    )


WRONG = {
    "missing-column": table("1,50", header="gender,age"),
    "wrong-unit": table("1,50,0,5,120,1", header=HEADER.replace("totChol", "totChol [kPa]")),
    "not-a-number": table("1,50,0,many,120,1"),
    "bad-row": table("1,50,0"),
    "duplicate-column": table("1,50,0,200,120,1,5", header=f"{HEADER},totChol [mmol/L]"),
    "empty-table": table(),
    "empty-row": table(",,,,,"),
    "empty-file": b"\n",
    "not-text": b"\x00\x01\x02",
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_table_is_named(code: str, task: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, task, WRONG[code], secret="many") == code


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf", "1e999", "1_0", "٣", "50 years"])
def test_what_is_no_number_is_refused(value: str, task: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, task, table(f"1,{value},0,200,120,1")) == "not-a-number"


def test_a_missing_column_names_the_nearest(task: Any) -> None:
    with pytest.raises(Exception, match="Did you mean 'totChol_'"):
        SOURCE.read(task, table("1,50,0,200,120,1", header=HEADER.replace("totChol", "totChol_")))


def test_sources_without_labels(task: Any, tmp_path: Path, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.collect, task, str(tmp_path / "absent.csv")) == "not-found"
    assert refused(SOURCE.collect, task, str(tmp_path)) == "is-a-folder"
    (tmp_path / "a.csv").write_bytes(table("1,50,0,200,120,1"))
    assert refused(SOURCE.collect, task, str(tmp_path)) == "no-labels"
    (tmp_path / "a.csv").write_bytes(table("1,50,0,200,120,1,7", header=f"{HEADER},label"))
    assert refused(SOURCE.collect, task, str(tmp_path)) == "unknown-label"
