"""NEWS2 and qSOFA as published: every boundary of the charts, worked examples, and the shipped bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suwen.core.documents import dumps, read_json
from suwen.engines.rules.fill import fill
from suwen.engines.rules.table import document, scores_of
from suwen.lifecycle import models
from suwen.lifecycle.bundle import open_bundle
from suwen.lifecycle.discovery import find
from suwen.lifecycle.predict import predict
from suwen.systems.signals._news2 import NEWS2
from suwen.systems.signals._qsofa import QSOFA

TASK = "signals.deterioration"
WELL = {"RespRate": 16, "SpO2": 97, "Oxygen": 0, "SysBP": 120, "HR": 70, "Consciousness": 0, "Temp": 37.0}


def news2(**changed: float | None) -> Any:
    values = {name: value for name, value in (WELL | changed).items() if value is not None}
    return fill(NEWS2, {name: (0.0, float(v)) for name, v in values.items()}, 0, window_h=12, variables={})


def qsofa(**values: float) -> Any:
    return fill(QSOFA, {name: (0.0, float(v)) for name, v in values.items()}, 0, window_h=12, variables={})


# Royal College of Physicians 2017, Chart 1: last value of each band, and the first of the next.
CHART_1 = {
    "RespRate": [(1, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3)],
    "SpO2": [(50, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "SysBP": [(50, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3), (300, 3)],
    "HR": [(20, 3), (40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
    "Consciousness": [(0, 0), (1, 3), (2, 3), (3, 3), (4, 3)],
    "Temp": [
        (30, 3), (35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2), (42, 2),
    ],
    "Oxygen": [(0, 0), (1, 2)],
}  # fmt: skip
SCALE_2 = [(70, 3), (83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0)]
SCALE_2_OXYGEN = [(93, 1), (94, 1), (95, 2), (96, 2), (97, 3), (100, 3)]


@pytest.mark.parametrize(
    ("name", "value", "points"), [(n, v, p) for n, each in CHART_1.items() for v, p in each]
)
def test_every_boundary_of_chart_1(name: str, value: float, points: int) -> None:
    assert news2(**{name: value}).total == points


@pytest.mark.parametrize(("value", "points"), SCALE_2 + [(v, 0) for v, _ in SCALE_2_OXYGEN])
def test_spo2_scale_2_on_air(value: float, points: int) -> None:
    assert news2(SpO2=value, SpO2Scale=2).total == points


@pytest.mark.parametrize(("value", "points"), SCALE_2 + SCALE_2_OXYGEN)
def test_spo2_scale_2_on_oxygen(value: float, points: int) -> None:
    assert news2(SpO2=value, SpO2Scale=2, Oxygen=1).total == points + 2


def test_scale_2_holds_until_it_is_taken_back_and_scale_1_is_said_where_nobody_prescribed() -> None:
    known = {name: (100.0, float(v)) for name, v in WELL.items()} | {"SpO2": (100.0, 90.0)}
    on_2 = fill(NEWS2, known | {"SpO2Scale": (0.0, 2.0)}, 100, window_h=12, variables={})
    assert on_2.total == 0
    on_1 = fill(NEWS2, known, 100, window_h=12, variables={})
    assert on_1.total == 3
    assert on_1.notes == ("SpO2 scale 1, as nobody charted otherwise",)


@pytest.mark.parametrize(
    ("changed", "on_oxygen"),
    [({"O2Flow": 2}, True), ({"O2Flow": 0}, False), ({"FiO2": 0.28}, True), ({"FiO2": 0.21}, False)],
)
def test_oxygen_is_read_from_flow_or_fraction(changed: dict[str, float], on_oxygen: bool) -> None:
    assert news2(Oxygen=None, **changed).total == (2 if on_oxygen else 0)


def test_gcs_stands_in_where_no_acvpu_was_charted() -> None:
    assert news2(Consciousness=None, GCS=15).total == 0
    assert news2(Consciousness=None, GCS=14).total == 3


@pytest.mark.parametrize(
    ("changed", "total", "band", "monitoring"),
    [
        ({}, 0, "low", "at least every 12 hours"),
        ({"HR": 95}, 1, "low", "at least every 4 to 6 hours"),
        ({"HR": 115, "RespRate": 22}, 4, "low", "at least every 4 to 6 hours"),
        ({"Consciousness": 1}, 3, "low-medium", "at least every hour"),
        ({"Consciousness": 1, "HR": 95}, 4, "low-medium", "at least every hour"),
        ({"HR": 115, "RespRate": 22, "Temp": 38.5}, 5, "medium", "at least every hour"),
        ({"HR": 115, "RespRate": 22, "SpO2": 93}, 6, "medium", "at least every hour"),
        ({"HR": 115, "RespRate": 22, "SpO2": 93, "Temp": 38.5}, 7, "high", "continuously"),
        ({"SysBP": 85, "HR": 135, "Consciousness": 2}, 9, "high", "continuously"),
    ],
)
def test_bands_and_monitoring_of_charts_2_and_4(
    changed: dict[str, float], total: int, band: str, monitoring: str
) -> None:
    found = news2(**changed)
    assert (found.total, found.band, found.band_most, found.monitoring) == (total, band, band, monitoring)
    assert found.response


def test_the_highest_and_a_worked_example_of_a_septic_patient() -> None:
    assert NEWS2.maximum == 20
    worst = {"RespRate": 30, "SpO2": 85, "Oxygen": 1, "SysBP": 80, "HR": 140, "Consciousness": 4, "Temp": 34}
    assert news2(**worst).total == 20
    assert {part.title for part in news2(**worst).parts if part.points == 3} == set(news2(**worst).red)
    # 2 + 2 + 2 + 2 + 2 + 3 + 1: respiration 22, SpO2 92 on oxygen, systolic 98, pulse 118, confused, 38.4 degrees.
    septic = {
        "RespRate": 22,
        "SpO2": 92,
        "Oxygen": 1,
        "SysBP": 98,
        "HR": 118,
        "Consciousness": 1,
        "Temp": 38.4,
    }
    assert news2(**septic).total == 14
    assert qsofa(RespRate=22, SysBP=98, Consciousness=1).total == 3


@pytest.mark.parametrize("missing", sorted(WELL))
def test_a_missing_vital_sign_is_never_normal(missing: str) -> None:
    found = news2(**{missing: None})
    assert found.total is None
    assert found.least == 0
    assert found.most == max(points for _, points in CHART_1[missing])
    assert len(found.missing) == 1
    assert found.band == "low"
    assert found.band_most == ("low-medium" if found.most == 3 else "low")


def test_a_missing_oxygen_on_scale_2_counts_once_with_its_saturation() -> None:
    found = news2(Oxygen=None, SpO2=97, SpO2Scale=2)
    assert (found.least, found.most) == (0, 5)


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ({"RespRate": 21, "SysBP": 101, "GCS": 15}, 0),
        ({"RespRate": 22, "SysBP": 101, "GCS": 15}, 1),
        ({"RespRate": 21, "SysBP": 100, "GCS": 15}, 1),
        ({"RespRate": 21, "SysBP": 101, "GCS": 14}, 1),
        ({"RespRate": 22, "SysBP": 100, "GCS": 15}, 2),
        ({"RespRate": 22, "SysBP": 100, "Consciousness": 1}, 3),
    ],
)
def test_qsofa_of_sepsis_3(values: dict[str, float], total: int) -> None:
    found = qsofa(**values)
    assert found.total == total
    assert found.band == ("positive" if total >= 2 else "negative")
    partial = qsofa(RespRate=22)
    assert (partial.least, partial.most, partial.band, partial.band_most) == (1, 3, "negative", "positive")


def test_the_shipped_bundle_holds_these_very_tables(home: Path) -> None:
    folder = models.shipped(TASK)
    assert folder is not None, "the shipped scores are missing: make models"
    manifest = open_bundle(folder)
    rules = read_json(folder / manifest["engine_manifest"]["weights"])
    assert scores_of(rules) == (NEWS2, QSOFA)
    assert rules == json.loads(dumps(document((NEWS2, QSOFA), window_h=rules["window_h"])))
    assert manifest["operating_point"] == {"rule": "published", "threshold": 5.0}
    assert manifest["calibration"]["method"] == "none"
    assert "never a probability" in (folder / "card.md").read_text("utf-8")


TABLE = """time_h,variable,value,unit
0,RespRate,18,/min
0,SpO2,95,%
0,Oxygen,air,
0,SysBP,124,mmHg
0,HR,88,bpm
0,Temp,98.6,F
0,Consciousness,A,
4,RespRate,23,/min
4,SpO2,93,%
4,SysBP,104,mmHg
4,HR,112,bpm
4,Temp,38.6,C
5,Consciousness,confused,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "obs.csv"
    path.write_text(TABLE, "utf-8")
    return path


def test_it_answers_out_of_the_box(home: Path, table: Path) -> None:
    (found,) = predict(TASK, [table])
    tally: Any = found.output
    assert tally.hours == (0.0, 4.0, 5.0)
    assert tally.least == tally.most == (1, 8, 11)
    assert tally.alarms == (4.0,)
    assert [sheet.total for sheet in tally.sheets] == [11, 2]
    assert found.provenance.model.startswith(f"{TASK}@")
    assert found.abstained is None


def test_the_command_line_says_points_and_never_a_probability(
    home: Path, table: Path, suwen: Callable[..., Any]
) -> None:
    said = suwen("predict", TASK, table, "--json")
    assert said.code == 0, said.err
    (result,) = said.document["results"]
    assert result["probability"] is None
    assert result["decision"] == "high"
    assert result["said"] == "NEWS2 11 of 20: high; qSOFA 2 of 3: positive"
    assert [one["total"] for one in result["scores"]] == [11, 2]
    assert result["course"]["least"] == [1, 8, 11]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("time_h,variable,value\n", "empty-stay"),
        ("time_h,variable,value\n0,RespRate,fast\n", "not-a-number"),
        ("time_h,variable,value\n0,Resp Rate,20\n", "unknown-variable"),
        ("time_h,variable,value,unit\n0,Temp,37,mmHg\n", "wrong-unit"),
        ("time_h,variable,value\n3,HR,80\n1,HR,80\n", "unsorted-times"),
        ("time_h,variable,value\n0,HR,1e9\n", "empty-stay"),
    ],
)
def test_bad_tables_are_refused(
    text: str, code: str, home: Path, tmp_path: Path, suwen: Callable[..., Any]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    said = suwen("predict", TASK, path, "--json")
    assert said.code == 3
    assert said.document["error"]["code"] in {code, "bad-row", "bad-csv", "missing-column"}
    assert "Traceback" not in said.err


def test_it_lives_on_the_same_verbs(home: Path, tmp_path: Path, suwen: Callable[..., Any]) -> None:
    """Collected, written as a run, judged on labels, deployed: nothing learned, everything said."""
    folder = tmp_path / "stays"
    folder.mkdir()
    for number in range(60):
        ill = number % 3 == 0
        rows = ["subject_id,label,time_h,variable,value"]
        vitals = {
            "RespRate": 24 if ill else 16,
            "SpO2": 92 if ill else 97,
            "HR": 112 + number / 10 - (0 if ill else 40),
        }
        if number % 7:
            vitals["SysBP"] = 98 if ill else 125
        rows += [f"s{number},{int(ill)},0,{name},{value}" for name, value in vitals.items()]
        (folder / f"{number}.csv").write_text("\n".join(rows) + "\n", "utf-8")
    collected = suwen("collect", TASK, "--from", folder, "--no-probe", "--json")
    assert collected.code == 0, collected.err
    run = tmp_path / "run"
    trained = suwen("train", TASK, "--from", folder, "--run", run, "--set", "mlflow=false", "--json")
    assert trained.code == 0, trained.err
    report = trained.document["validation"]
    assert report["metrics"]["auroc"]["value"] == 1.0
    assert "brier" not in report["metrics"]
    assert "qsofa" in report["baselines"]
    assert "nothing to learn" in trained.err
    assert trained.document["operating_point"] == {"rule": "published", "threshold": 5.0}
    assert scores_of(read_json(run / "model" / "rules.json")) == find(TASK).scores  # type: ignore[attr-defined]
    judged = suwen("evaluate", run, "--from", folder, "--split", "test", "--json")
    assert judged.code == 0, judged.err
    deployed = suwen("deploy", run, "--json")
    assert deployed.code == 0, deployed.err
    assert deployed.document["in_service"]
    refused = suwen(
        "train", TASK, "--from", folder, "--run", tmp_path / "r", "--set", "operating_point=f1", "--json"
    )
    assert refused.document["error"]["code"] == "unknown-setting"
