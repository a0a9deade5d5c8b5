"""PhysioNet/CinC 2012: the real set, every layout it may lie in, and every way a stay can be wrong."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import Unreadable
from suwen.core.sample import Samples
from suwen.formats.signals.cinc2012 import Cinc2012
from suwen.formats.signals.cinc2012_stay import SERIES
from suwen.systems.signals._variables import ICU_2012

SOURCE = Cinc2012()
HEADER = "Time,Parameter,Value\n"
START = (
    "00:00,RecordID,{}\n00:00,Age,54\n00:00,Gender,0\n00:00,Height,170\n00:00,ICUType,4\n00:00,Weight,80\n"
)
OUTCOMES = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n"


def stay(*lines: str, record: int = 1) -> bytes:
    return (HEADER + START.format(record) + "".join(f"{line}\n" for line in lines)).encode()


GOOD = stay("00:07,HR,73", "01:37,HR,60", "01:37,Temp,36.6")


@pytest.fixture(scope="session")
def set_a(mortality: Any, signals_dir: Path) -> Samples:
    return SOURCE.collect(mortality, str(signals_dir / "cinc2012"))


def test_set_a_is_whole(set_a: Samples) -> None:
    assert len(set_a) + len(set_a.unusable) == 4000
    assert Counter(sample.target for sample in set_a) == {"survived": 3443, "died": 554}
    assert Counter(bad.code for bad in set_a.unusable) == {"empty-stay": 3}
    found = set_a.integrity
    # 1,758,451 rows: six descriptors each, of which weight is a time series too, and 471 further ages.
    rows = 1_758_451 - 5 * 4000 - 471
    dropped = sum(found["by_reason"][reason] for reason in ("missing", "impossible"))
    static = sum(found["by_variable"]["missing"][name] for name in ("Height", "Gender"))
    static += found["by_variable"]["impossible"]["Height"]
    unusable = 3  # their weights
    assert found["observations"] + dropped - static + unusable == rows
    assert sum(found["hour_histogram"]) == found["observations"]
    assert found["late_share"] == pytest.approx(0.92, abs=0.02)
    assert not any("LATE" in note for note in set_a.notes)


def test_set_a_knows_its_subgroups_and_scores(set_a: Samples) -> None:
    counts = {key: Counter(s.attributes[key] for s in set_a) for key in ("sex", "age_band", "unit")}
    assert counts["sex"] == {"male": 2244, "female": 1750, "": 3}
    assert counts["unit"] == {
        "medical": 1478,
        "surgical": 1068,
        "cardiac surgery": 874,
        "coronary care": 577,
    }
    assert set(counts["age_band"]) == {"<50", "50-64", "65-79", "80+"}
    static = [sample.inputs["stay"].static for sample in set_a]
    assert {tuple(one) for one in static} == {
        ("Age", "Gender", "Height", "ICUType", "Weight", "saps_i", "sofa")
    }
    saps = np.array([one["saps_i"] for one in static])
    assert np.nanmin(saps) >= 0
    died = np.array([sample.target == "died" for sample in set_a])
    assert np.nanmean(saps[died]) > np.nanmean(saps[~died])
    ages = np.array([one["Age"] for one in static])
    assert np.nanmax(ages) == 90


def test_every_value_of_set_a_is_possible_and_none_is_minus_one(set_a: Samples) -> None:
    index = np.concatenate([sample.inputs["stay"].variable for sample in set_a])
    values = np.concatenate([sample.inputs["stay"].values for sample in set_a])
    for at, variable in enumerate(ICU_2012):
        seen = values[index == at]
        assert len(seen) > 100, variable.name
        low, high = variable.plausible
        assert low * 0.999 <= seen.min() <= seen.max() <= high * 1.001, variable.name
    assert (values >= 0).all()


def test_neither_length_of_stay_nor_survival_is_read(set_a: Samples, mortality: Any, tmp_path: Path) -> None:
    def with_outcomes(text: str) -> Samples:
        (tmp_path / "set-a").mkdir(exist_ok=True)
        (tmp_path / "set-a/1.txt").write_bytes(GOOD)
        (tmp_path / "Outcomes-a.txt").write_text(OUTCOMES + text)
        return SOURCE.collect(mortality, str(tmp_path))

    one, other = with_outcomes("1,6,1,5,-1,0\n"), with_outcomes("1,6,1,77,400,0\n")
    assert one.fingerprint == other.fingerprint
    assert one.samples[0].inputs["stay"].static["saps_i"] == 6
    missing = with_outcomes("1,-1,-1,5,-1,0\n").samples[0].inputs["stay"].static
    assert np.isnan(missing["saps_i"])
    assert np.isnan(missing["sofa"])


def test_altered_copies_without_their_late_values_are_told(set_a: Samples) -> None:
    from dataclasses import replace

    from suwen.formats.signals.cleaning import Reasons
    from suwen.formats.signals.integrity import audit

    def altered(seen: Any) -> Any:
        last = {int(v): at for at, v in enumerate(seen.variable)}
        keep = np.ones(len(seen), bool)
        keep[list(last.values())] = False
        return replace(seen, hours=seen.hours[keep], variable=seen.variable[keep], values=seen.values[keep])

    some = [sample.inputs["stay"] for sample in set_a][:400]
    assert not any("LATE" in line for line in audit(some, Reasons(), window_h=48)[0])
    notes, found = audit([altered(one) for one in some], Reasons(), window_h=48)
    assert found["late_share"] < 0.3
    assert any("LATE OBSERVATIONS LACKING" in line for line in notes)


@pytest.fixture
def layouts(tmp_path: Path) -> Callable[[str], Path]:
    """The same two stays, laid out in different ways."""
    files = {"1.txt": GOOD, "2.txt": stay("00:30,HR,90", record=2)}
    outcomes = OUTCOMES + "1,6,1,5,-1,0\n2,16,8,8,3,1\n"

    def make(kind: str) -> Path:
        root = tmp_path / kind
        root.mkdir()
        if kind == "folder":
            (root / "set-a").mkdir()
            for name, data in files.items():
                (root / "set-a" / name).write_bytes(data)
        elif kind == "inside":
            for name, data in files.items():
                (root / name).write_bytes(data)
        else:
            with tarfile.open(root / "set-a.tar.xz", "w:xz") as pack:
                for name, data in files.items():
                    info = tarfile.TarInfo(f"set-a/{name}")
                    info.size = len(data)
                    pack.addfile(info, io.BytesIO(data))
        (root / "Outcomes-a.txt").write_text(outcomes)
        return root

    return make


def test_every_layout_holds_the_same_data(layouts: Callable[[str], Path], mortality: Any) -> None:
    tar, folder, inside = layouts("tar"), layouts("folder"), layouts("inside")
    sources = [tar, tar / "set-a.tar.xz", folder, folder / "set-a", inside]
    collected = [SOURCE.collect(mortality, str(source)) for source in sources]
    assert len({samples.fingerprint for samples in collected}) == 1
    assert [(s.subject_id, s.target) for s in collected[0]] == [("1", "survived"), ("2", "died")]
    read = SOURCE.read(mortality, tar / "set-a.tar.xz")
    assert [(s.subject_id, s.target) for s in read] == [("1", None), ("2", None)]
    assert len(SOURCE.read(mortality, inside)) == 2


def test_several_sets_are_pooled_and_a_folder_goes_before_its_archive(
    layouts: Callable[[str], Path], mortality: Any
) -> None:
    root = layouts("tar")
    for name in ("set-a", "set-b"):
        (root / name).mkdir()
    (root / "set-a/1.txt").write_bytes(GOOD)
    (root / "set-b/7.txt").write_bytes(stay("00:30,HR,90", record=7))
    samples = SOURCE.collect(mortality, str(root))
    assert [(s.subject_id, s.target) for s in samples] == [("1", "survived"), ("7", None)]
    assert any("set-b has no outcomes" in note for note in samples.notes)
    assert any("1 outcomes name a stay that is not there" in note for note in samples.notes)


def test_one_bad_stay_does_not_stop_the_others(layouts: Callable[[str], Path], mortality: Any) -> None:
    root = layouts("folder")
    (root / "set-a/3.txt").write_bytes(stay("00:30,HR,fast", record=3))
    (root / "set-a/4.txt").write_bytes(stay("02:00,HR,80", "01:00,HR,80", record=4))
    samples = SOURCE.collect(mortality, str(root))
    assert len(samples) == 2
    assert [(bad.source, bad.code) for bad in samples.unusable] == [
        ("3.txt", "not-a-number"),
        ("4.txt", "unsorted-times"),
    ]


WRONG = {
    "bad-row": HEADER.encode() + b"00:00,HR\n",
    "bad-time": stay("later,HR,80"),
    "future-time": stay("48:01,HR,80"),
    "unsorted-times": stay("02:00,HR,80", "01:00,HR,81"),
    "unknown-variable": stay("01:00,HeartRate,80"),
    "not-a-number": stay("01:00,HR,fast"),
    "empty-stay": stay(),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_stay_is_named(
    code: str, mortality: Any, refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "1.txt"
    path.write_bytes(WRONG[code])
    assert refused(SOURCE.read, mortality, path, secret="fast") == code
    assert refused(SOURCE.read, mortality, tmp_path, secret="fast") == code
    assert refused(SOURCE.read, mortality, WRONG[code], secret="fast") == code


def test_another_table_is_no_stay(mortality: Any, refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_bytes(b"Zeit,Parameter,Wert\n00:00,HR,80\n")
    assert refused(SOURCE.read, mortality, tmp_path) == "not-a-stay"
    assert refused(SOURCE.read, mortality, tmp_path / "1.txt") == "missing-column"


@pytest.mark.parametrize(
    "value", ["nan", "NaN", "inf", "-inf", "1e999", "", "1_000", "８０", "0x10", "80 bpm", "1,5"]
)
def test_what_is_no_number_is_refused(value: str, mortality: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, mortality, stay(f"01:00,HR,{value}")) in {"not-a-number", "bad-row"}


def test_an_empty_file_and_binary_noise(mortality: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, mortality, b"") == "empty-file"
    assert refused(SOURCE.read, mortality, bytes(range(256))) == "not-text"


def test_an_unknown_variable_names_the_nearest(mortality: Any) -> None:
    with pytest.raises(Exception, match="Did you mean 'Lactate'"):
        SOURCE.read(mortality, stay("01:00,lactat,2"))


def test_missing_impossible_converted_and_repeated_values_are_counted(mortality: Any) -> None:
    (sample,) = SOURCE.read(
        mortality,
        stay(
            "00:10,HR,-1",
            "00:10,Temp,98.6",
            "00:10,pH,735",
            "00:20,DiasABP,0",
            "00:20,Temp,-17.8",
            "00:30,MAP,80",
            "00:30,MAP,82",
            "00:40,FiO2,40",
        ),
    )
    seen = sample.inputs["stay"]
    assert seen.dropped == {"missing": 1, "impossible": 2, "converted": 3, "repeated": 1}
    assert seen.of("Temp")[1] == pytest.approx([37.0])
    assert seen.of("pH")[1] == pytest.approx([7.35])
    assert seen.of("FiO2")[1] == pytest.approx([0.4])
    assert seen.of("MAP")[1].tolist() == [80, 82]
    assert not len(seen.of("HR")[0])
    assert seen.hours.tolist() == sorted(seen.hours.tolist())
    assert seen.length_h == 48


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("00:00,Height,431.8", "Height", 170.0),
        ("00:00,Height,1.8", "Height", 180.0),
        ("00:00,Height,13", "Height", np.nan),
        ("00:00,Age,200", "Age", 90.0),
        ("00:00,Gender,-1", "Gender", np.nan),
        ("00:00,Weight,0.6", "Weight", np.nan),
    ],
)
def test_descriptors_are_put_right_or_left_out(line: str, name: str, value: float, mortality: Any) -> None:
    (sample,) = SOURCE.read(mortality, f"{HEADER}{line}\n00:30,HR,80\n".encode())
    assert sample.inputs["stay"].static[name] == pytest.approx(value, nan_ok=True)


def test_of_contradicting_descriptors_the_first_counts_and_it_is_said(mortality: Any) -> None:
    (sample,) = SOURCE.read(
        mortality, HEADER.encode() + b"00:00,Age,74\n00:00,Age,68\n00:00,Age,73\n00:10,HR,80\n"
    )
    assert sample.inputs["stay"].static["Age"] == 74
    assert sample.inputs["stay"].dropped == {"contradictory": 2}


def test_parameters_the_task_does_not_use_are_passed_over(asking: Callable[..., Any]) -> None:
    task = asking(tuple(v for v in ICU_2012 if v.name in {"HR", "Temp"}))
    (sample,) = SOURCE.read(task, stay("00:10,HR,80", "00:10,GCS,15", "48:00,Temp,37"))
    assert sample.inputs["stay"].names == ("HR", "Temp")
    assert sample.inputs["stay"].variable.tolist() == [0, 1]
    assert sample.inputs["stay"].hours.tolist() == pytest.approx([1 / 6, 48.0])


def test_the_variables_are_those_of_the_challenge() -> None:
    assert tuple(sorted(v.name for v in ICU_2012)) == tuple(sorted(SERIES))


def test_a_truncated_archive_is_refused(layouts: Callable[[str], Path], mortality: Any) -> None:
    root = layouts("tar")
    archive = root / "set-a.tar.xz"
    archive.write_bytes(archive.read_bytes()[:-40])
    for action in (lambda: SOURCE.collect(mortality, str(root)), lambda: SOURCE.read(mortality, archive)):
        with pytest.raises(Unreadable) as caught:
            action()
        assert caught.value.code == "truncated"


def test_sources_without_outcomes_or_without_anything(
    tmp_path: Path, mortality: Any, refused: Callable[..., str]
) -> None:
    assert refused(SOURCE.collect, mortality, str(tmp_path / "absent")) == "not-found"
    (tmp_path / "set-a").mkdir()
    (tmp_path / "set-a/1.txt").write_bytes(GOOD)
    assert refused(SOURCE.collect, mortality, str(tmp_path)) == "no-labels"
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed/Outcomes-a.txt").write_text(OUTCOMES)
    assert refused(SOURCE.read, mortality, tmp_path / "packed") == "empty-folder"
    outcomes = tmp_path / "Outcomes-a.txt"
    outcomes.write_text("RecordID,Survival\n1,3\n")
    assert refused(SOURCE.collect, mortality, str(tmp_path)) == "no-labels"
    outcomes.write_text(OUTCOMES + "1,6,1,5,-1,0\n1,6,1,5,-1,1\n")
    assert refused(SOURCE.collect, mortality, str(tmp_path)) == "conflicting-labels"
    outcomes.write_text(OUTCOMES + "1,6,1\n")
    assert refused(SOURCE.collect, mortality, str(tmp_path)) == "bad-row"
    outcomes.write_text(OUTCOMES + "1,6,1,5,-1,2\n")
    assert refused(SOURCE.collect, mortality, str(tmp_path)) == "unknown-label"
