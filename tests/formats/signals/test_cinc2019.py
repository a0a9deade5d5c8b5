"""PhysioNet/CinC 2019: the real hospital B, hour by hour labels, and every way a stay can be wrong."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import Unreadable
from suwen.core.sample import Samples
from suwen.formats.signals.cinc2019 import Cinc2019
from suwen.formats.signals.cinc2019_stay import SERIES
from suwen.systems.signals._variables import SEPSIS_2019

SOURCE = Cinc2019()
HEADER = "HR|Temp|FiO2|Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel"


def psv(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


GOOD = psv(
    "80|NaN|0.4|61|1|0|1|-8.5|3|0",
    "NaN|NaN|NaN|61|1|0|1|-8.5|4|0",
    "82|37.1|50|61|1|0|1|-8.5|5|1",
)


@pytest.fixture(scope="session")
def hospital_b(sepsis: Any, signals_dir: Path) -> Samples:
    return SOURCE.collect(sepsis, str(signals_dir / "cinc2019"))


def test_hospital_b_is_whole(hospital_b: Samples) -> None:
    assert len(hospital_b) + len(hospital_b.unusable) == 15_000
    assert Counter(bad.code for bad in hospital_b.unusable) == {"empty-stay": 2}
    assert Counter(str(sample.target) for sample in hospital_b) == {"sepsis": 861, "no sepsis": 14_137}
    labels = np.concatenate([sample.target.values for sample in hospital_b])
    assert len(labels) == 572_223 - 109  # of two stays in which nothing was measured
    assert (labels == 1).sum() == 572_223 - 564_076
    assert not (labels == -1).any()
    assert hospital_b.integrity["labelled_hours"] == len(labels)


def test_hours_and_labels_of_hospital_b_belong_together(hospital_b: Samples) -> None:
    for sample in hospital_b:
        stay = sample.inputs["stay"]
        assert stay.length_h == len(sample.target.values)
        assert stay.hours[-1] < stay.length_h
    first = [sample.inputs["stay"].static["ICULOS"] for sample in hospital_b]
    assert min(first) == 1
    assert max(first) == 25
    assert {sample.attributes["hospital"] for sample in hospital_b} == {"B"}
    assert Counter(sample.attributes["sex"] for sample in hospital_b).keys() == {"male", "female"}


def test_four_fifths_of_hospital_b_are_missing_and_the_rest_is_possible(hospital_b: Samples) -> None:
    cells = 572_223 * 34
    measured = hospital_b.integrity["observations"] + hospital_b.integrity["by_reason"]["impossible"]
    assert 1 - measured / cells == pytest.approx(0.809, abs=0.001)
    index = np.concatenate([sample.inputs["stay"].variable for sample in hospital_b])
    values = np.concatenate([sample.inputs["stay"].values for sample in hospital_b])
    for at, variable in enumerate(SEPSIS_2019):
        seen = values[index == at]
        low, high = variable.plausible
        assert low - 1e-3 <= seen.min() <= seen.max() <= high + 1e-3, variable.name
    oxygen = values[index == SERIES.index("FiO2")]
    assert oxygen.min() >= 0.2
    assert oxygen.max() <= 1


def test_the_variables_are_those_of_the_challenge() -> None:
    assert tuple(variable.name for variable in SEPSIS_2019) == SERIES


def test_hour_0_is_the_first_line_and_its_iculos_is_kept(sepsis: Any, tmp_path: Path) -> None:
    (tmp_path / "p000001.psv").write_bytes(GOOD)
    (sample,) = SOURCE.collect(sepsis, str(tmp_path))
    stay = sample.inputs["stay"]
    assert stay.hours.tolist() == [0, 0, 2, 2, 2]
    assert stay.of("FiO2")[1] == pytest.approx([0.4, 0.5])
    assert stay.dropped == {"converted": 1}
    assert stay.static["ICULOS"] == 3
    assert stay.static["HospAdmTime"] == -8.5
    assert stay.length_h == 3
    assert sample.target.values.tolist() == [0, 0, 1]
    assert sample.target.names == ("no sepsis", "sepsis")
    assert str(sample.target) == "sepsis"
    assert sample.attributes == {"sex": "male", "age_band": "50-64", "unit": "surgical", "hospital": ""}


def test_an_hour_without_a_line_has_no_label(sepsis: Any, tmp_path: Path) -> None:
    (tmp_path / "p1.psv").write_bytes(
        psv("80|NaN|NaN|61|1|0|1|0|1|0", "80|NaN|NaN|61|1|0|1|0|4|1", "80|NaN|NaN|61|1|0|1|0|5|NaN")
    )
    (sample,) = SOURCE.collect(sepsis, str(tmp_path))
    assert sample.target.values.tolist() == [0, -1, -1, 1, -1]
    assert sample.inputs["stay"].hours.tolist() == [0, 3, 4]


def test_labels_are_passed_over_for_prediction_and_may_be_absent(sepsis: Any) -> None:
    bare = GOOD.decode().replace("|SepsisLabel", "").replace("|0\n", "\n").replace("|1\n", "\n").encode()
    (labelled,), (unlabelled,) = SOURCE.read(sepsis, GOOD), SOURCE.read(sepsis, bare)
    assert labelled.target is None
    assert unlabelled.target is None
    assert labelled.inputs["stay"].content_key() == unlabelled.inputs["stay"].content_key()


def test_every_layout_holds_the_same_data(sepsis: Any, tmp_path: Path) -> None:
    for name, number in (("training_setA", 1), ("training_setB", 2)):
        folder = tmp_path / "folders" / name
        folder.mkdir(parents=True)
        (folder / f"p{number}.psv").write_bytes(GOOD.replace(b"80|", f"8{number}|".encode(), 1))
        packed = tmp_path / "packed"
        packed.mkdir(exist_ok=True)
        with tarfile.open(packed / f"{name}.tar.xz", "w:xz") as pack:
            pack.add(folder, name)
    collected = [SOURCE.collect(sepsis, str(tmp_path / kind)) for kind in ("folders", "packed")]
    assert len({samples.fingerprint for samples in collected}) == 1
    for samples in collected:
        assert [(s.subject_id, s.attributes["hospital"]) for s in samples] == [("p1", "A"), ("p2", "B")]
    (one,) = SOURCE.collect(sepsis, str(tmp_path / "packed/training_setB.tar.xz"))
    assert (one.subject_id, one.attributes["hospital"]) == ("p2", "B")
    # Unpacked beside its archive, a set is read once.
    (tmp_path / "folders/training_setA.tar.xz").write_bytes(
        (tmp_path / "packed/training_setA.tar.xz").read_bytes()
    )
    assert len(SOURCE.collect(sepsis, str(tmp_path / "folders"))) == 2


LINE = "80|37|NaN|61|1|0|1|-8.5|{}|0"
WRONG = {
    "not-a-stay": psv("1|2", header="Age|Gender"),
    "bad-row": psv("80|37"),
    "unknown-variable": psv("80|1", header="HeartRate|ICULOS"),
    "duplicate-column": psv("80|80", header="HR|HR"),
    "not-a-number": psv("fast|37|NaN|61|1|0|1|-8.5|1|0"),
    "bad-time": psv(LINE.format("1.5")),
    "unsorted-times": psv(LINE.format(2), LINE.format(1)),
    "duplicate-hour": psv(LINE.format(2), LINE.format(2)),
    "unknown-label": psv("80|37|NaN|61|1|0|1|-8.5|1|2"),
    "empty-stay": psv("NaN|NaN|NaN|61|1|0|1|-8.5|1|0"),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_stay_is_named(
    code: str, sepsis: Any, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert refused(SOURCE.read, sepsis, WRONG[code], secret="fast") == code
    (tmp_path / "p1.psv").write_bytes(WRONG[code])
    (tmp_path / "p2.psv").write_bytes(GOOD)
    samples = SOURCE.collect(sepsis, str(tmp_path))
    assert [bad.code for bad in samples.unusable] == [code]
    assert len(samples) == 1


@pytest.mark.parametrize("value", ["inf", "-inf", "1e999", "1_0", "٣", "80 bpm"])
def test_what_is_no_number_is_refused(value: str, sepsis: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, sepsis, psv(f"{value}|37|NaN|61|1|0|1|-8.5|1|0")) == "not-a-number"


def test_impossible_values_are_missing_and_counted(sepsis: Any) -> None:
    (sample,) = SOURCE.read(sepsis, psv("80|50|4000|130|1|0|1|-8.5|1|0", "0|37|-50|61|1|0|1|-8.5|2|0"))
    stay = sample.inputs["stay"]
    assert [names for names in stay.names if len(stay.of(names)[0])] == ["HR", "Temp"]
    assert stay.dropped == {"impossible": 5}
    assert np.isnan(stay.static["Age"])


def test_a_long_table_is_read_too(sepsis: Any) -> None:
    data = b"time_h,variable,value,unit\n0,HR,80,bpm\n300,Temp,98.6,F\n300,Age,70,years\n"
    (sample,) = SOURCE.read(sepsis, data)
    assert sample.inputs["stay"].of("Temp")[1] == pytest.approx([37.0])
    assert sample.inputs["stay"].length_h == 300
    assert sample.attributes["age_band"] == "65-79"


def test_sources_without_labels_or_cut_short(
    sepsis: Any, tmp_path: Path, signals_dir: Path, refused: Callable[..., str]
) -> None:
    assert refused(SOURCE.collect, sepsis, str(tmp_path / "absent")) == "not-found"
    assert refused(SOURCE.collect, sepsis, str(tmp_path)) == "empty-folder"
    (tmp_path / "p1.psv").write_bytes(b"HR|ICULOS\n80|1\n")
    assert refused(SOURCE.collect, sepsis, str(tmp_path)) == "no-labels"
    cut = tmp_path / "cut.tar.xz"
    with (signals_dir / "cinc2019/training_setB.tar.xz").open("rb") as whole:
        cut.write_bytes(whole.read(300_000))
    for action in (SOURCE.read, SOURCE.collect):
        with pytest.raises(Unreadable) as caught:
            action(sepsis, cut if action == SOURCE.read else str(cut))  # type: ignore[arg-type]
        assert caught.value.code == "truncated"
