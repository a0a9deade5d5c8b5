"""Continuous glucose: the real Shanghai periods, free text become flags and doses, and bad periods refused."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.sample import Samples
from suwen.core.task import Forecast
from suwen.formats.signals.cgm import Cgm
from suwen.formats.signals.times import Clock
from suwen.systems.signals._variables import GLUCOSE

SOURCE = Cgm()
HEADER = (
    "Date,CGM (mg / dl),CBG (mg / dl),Blood Ketone (mmol / L),Dietary intake,饮食,Insulin dose - s.c.,"
    'Non-insulin hypoglycemic agents,"CSII - bolus insulin (Novolin R, IU)",'
    '"CSII - basal insulin (Novolin R, IU / H)",Insulin dose - i.v.'
)


def period(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


GOOD = period("2021-05-04 10:33:00,156.6,,,,,,,,,", "2021-05-04 10:48:00,151.2,,,,,,,,,")


@pytest.fixture(scope="session")
def forecast(asking: Callable[..., Any]) -> Any:
    endpoint = Forecast(
        quantity="glucose", unit="mg/dL", horizons_min=(30, 60), low=70, high=180, code=("s", "c", "d")
    )
    return asking(GLUCOSE, endpoint, name="trace")


@pytest.fixture(scope="session")
def shanghai(forecast: Any, signals_dir: Path) -> Samples:
    return SOURCE.collect(forecast, str(signals_dir / "cgm"))


def test_the_shanghai_data_are_whole(shanghai: Samples, signals_dir: Path) -> None:
    assert Counter(s.attributes["diabetes_type"] for s in shanghai) == {"type 1": 14, "type 2": 85}
    patients = {(s.attributes["diabetes_type"], s.subject_id) for s in shanghai}
    assert Counter(kind for kind, _ in patients) == {"type 1": 10, "type 2": 80}
    assert not shanghai.unusable
    readings = Counter[str]()
    for sample in shanghai:
        readings[sample.attributes["diabetes_type"]] += len(sample.inputs["trace"].of("glucose")[0])
    assert readings == {"type 1": 14_356, "type 2": 87_768}
    assert {str(sample.target) for sample in shanghai} == {"trace"}
    assert shanghai.integrity["gaps"] == 11
    assert shanghai.integrity["patients"] == 90
    assert any("3 values not plain numbers" in note for note in shanghai.notes)


def test_readings_are_possible_and_fifteen_minutes_apart(shanghai: Samples) -> None:
    for sample in shanghai:
        hours, values = sample.inputs["trace"].of("glucose")
        assert hours[0] == 0
        assert (values >= 20).all()
        assert (values <= 600).all()
        assert np.isclose(np.diff(hours) * 4 % 1, 0, atol=1e-6).all()
        assert sample.inputs["trace"].start.startswith("202")


def test_one_type_and_one_archive_alone(forecast: Any, signals_dir: Path, tmp_path: Path) -> None:
    samples = SOURCE.collect(forecast, str(signals_dir / "cgm/T1DM"))
    assert Counter(s.attributes["diabetes_type"] for s in samples) == {"type 1": 14}
    packed = shutil.make_archive(str(tmp_path / "cgm"), "zip", signals_dir / "cgm")
    read = SOURCE.read(forecast, Path(packed))
    assert Counter(s.attributes["diabetes_type"] for s in read) == {"type 1": 14, "type 2": 85}
    assert all(sample.target is None for sample in read)


def test_free_text_becomes_flags_and_doses(forecast: Any) -> None:
    (sample,) = SOURCE.read(
        forecast,
        period(
            '2021-05-04 10:33:00,156.6,160,0.3,data not available,未记录,"Novolin 30R, 12 IU",acarbose 50 mg,2.5,0.7,',
            '2021-05-04 10:48:00,151.2,,,,鸡蛋 65g,"Humulin R, 2 IU, insulin degludec, 12 IU",,,,'
            '"500 ml 5% glucose, 10 IU Novolin R, 10 ml 10% potassium chloride"',
            "2021-05-04 11:03:00,,,,,,as ordered,,temporarily suspend insulin delivery,"
            "temporarily suspend insulin delivery,",
        ),
    )
    trace = sample.inputs["trace"]
    given = {name: trace.of(name)[1].tolist() for name in trace.names}
    assert {name: pytest.approx(values) for name, values in given.items()} == {
        "glucose": [156.6, 151.2],
        "capillary_glucose": [160],
        "ketone": [0.3],
        "meal": [1, 1],
        "oral_agent": [1],
        "insulin_sc": [12, 14],
        "insulin_iv": [10],
        "insulin_bolus": [2.5],
        "insulin_basal": [0.7, 0],
    }
    assert trace.dropped == {"unparsed": 2}
    assert trace.length_h == 0.5


def test_millimoles_are_converted_by_the_columns_name(forecast: Any) -> None:
    header = "Date,CGM (mmol / L),进食量"
    (sample,) = SOURCE.read(forecast, period("2021/5/4 9:05,5.55,", "2021/5/4 9:20,6.0,蛋", header=header))
    hours, values = sample.inputs["trace"].of("glucose")
    assert hours.tolist() == [0, 0.25]
    assert values == pytest.approx([99.99, 108.1], abs=0.1)
    assert sample.inputs["trace"].of("meal")[0].tolist() == [0.25]


def test_gaps_stay_gaps(forecast: Any) -> None:
    data = period(*(f"2021-05-04 {at}:00,100,,,,,,,,," for at in ("10:00", "10:15", "12:00")))
    assert SOURCE.read(forecast, data)[0].inputs["trace"].hours.tolist() == [0, 0.25, 2]


WRONG = {
    "missing-column": period("2021-05-04 10:33:00,5", header="Date,CGMx"),
    "bad-row": period("2021-05-04 10:33:00,156.6"),
    "bad-time": period("this morning,156.6,,,,,,,,,"),
    "future-time": period("2999-05-04 10:33:00,156.6,,,,,,,,,"),
    "unsorted-times": period("2021-05-04 10:33:00,156.6,,,,,,,,,", "2021-05-04 10:03:00,1,,,,,,,,,"),
    "not-a-number": period("2021-05-04 10:33:00,high,,,,,,,,,"),
    "wrong-unit": period("2021-05-04 10:33:00,5.5", header="Date,CGM (kg)"),
    "empty-stay": period("2021-05-04 10:33:00,,120,,,,,,,,"),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_period_is_named(
    code: str, forecast: Any, refused: Callable[..., str], tmp_path: Path
) -> None:
    if code != "missing-column":
        assert refused(SOURCE.read, forecast, WRONG[code], secret="high") == code
    (tmp_path / "1_0_20210504.csv").write_bytes(WRONG[code])
    (tmp_path / "2_0_20210504.csv").write_bytes(GOOD)
    samples = SOURCE.collect(forecast, str(tmp_path))
    assert [bad.code for bad in samples.unusable] == [code]
    assert [(s.subject_id, s.attributes["diabetes_type"]) for s in samples] == [("2", "")]


def test_readings_in_another_unit_than_said_are_refused(forecast: Any, refused: Callable[..., str]) -> None:
    lines = [f"2021-05-04 10:{minute}:00,5.5,,,,,,,,," for minute in (10, 25, 40)]
    assert refused(SOURCE.read, forecast, period(*lines)) == "wrong-unit"


@pytest.mark.parametrize("value", ["nan", "inf", "LO", "1e999"])
def test_what_is_no_number_is_refused(value: str, forecast: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, forecast, period(f"2021-05-04 10:33:00,{value},,,,,,,,,")) == "not-a-number"


def test_a_long_table_is_read_too(forecast: Any) -> None:
    (sample,) = SOURCE.read(forecast, b"time_h,variable,value,unit\n0,glucose,5.5,mmol/L\n0.25,meal,1,\n")
    assert sample.inputs["trace"].of("glucose")[1] == pytest.approx([99.1], abs=0.1)


def test_a_single_file_and_an_absent_source(
    forecast: Any, tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = tmp_path / "1002_0_20210504.csv"
    path.write_bytes(GOOD)
    assert [sample.subject_id for sample in SOURCE.collect(forecast, str(path))] == ["1002"]
    path.write_bytes(WRONG["bad-time"])
    assert refused(SOURCE.collect, forecast, str(path)) == "bad-time"
    assert refused(SOURCE.collect, forecast, str(tmp_path / "absent")) == "not-found"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021/5/4 9:05", "2021-05-04T09:05:00"),
        ("2021-05-04", "2021-05-04T00:00:00"),
        ("2021.05.04 23:05:10", "2021-05-04T23:05:10"),
        ("2021-05-04T10:33:00+02:00", "2021-05-04T10:33:00+02:00"),
    ],
)
def test_spellings_of_a_moment(text: str, moment: str) -> None:
    assert Clock().moment(text).isoformat() == moment
