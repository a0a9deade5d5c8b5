"""Beats: the real ECG5000 and MIT-BIH record 100, the WFDB reader against the wfdb package, bad input refused."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.task import Endpoint
from suwen.formats.signals.beats import LENGTH, beat_row, r_peaks
from suwen.formats.signals.ecg import EcgBeats
from suwen.formats.signals.wfdb import read_beats, read_record

SOURCE = EcgBeats()
CLASSES = {
    "normal": ("N",),
    "supraventricular": ("S",),
    "ventricular": ("V",),
    "fusion": ("F",),
    "unknown beat": ("Q",),
}


@pytest.fixture(scope="session")
def task(asking: Callable[..., Any]) -> Any:
    endpoint = Endpoint(labels=CLASSES, positive="ventricular", code=("s", "c", "d"))
    return asking(endpoint=endpoint, name="beat")


@pytest.fixture(scope="session")
def record(signals_dir: Path) -> Path:
    return signals_dir / "ecg/wfdb_sample/100.hea"


def line(label: str | None = "1", seed: int = 0) -> str:
    values = np.random.default_rng(seed).normal(size=LENGTH)
    return ",".join(([label] if label else []) + [f"{value:.6e}" for value in values])


def test_ecg5000_is_whole(task: Any, signals_dir: Path) -> None:
    samples = SOURCE.collect(task, str(signals_dir / "ecg/ECG5000_TRAIN.txt"))
    assert Counter(sample.target for sample in samples) == {
        "normal": 234,
        "ventricular": 142 + 8,
        "supraventricular": 15,
        "unknown beat": 2,
    }
    assert not samples.unusable
    assert not samples.subjects_known
    assert len({sample.subject_id for sample in samples}) == 401
    assert {sample.split for sample in samples} == {None}
    assert any("one single person" in note for note in samples.notes)
    rows = np.stack([sample.inputs["beat"].values for sample in samples])
    assert rows.shape == (401, LENGTH)
    plain = np.loadtxt(signals_dir / "ecg/ECG5000_TRAIN.txt")[:, 1:]
    np.testing.assert_allclose(rows, plain, atol=1e-5)


def test_the_folder_of_both_reads_the_text_and_says_what_it_passed_over(task: Any, signals_dir: Path) -> None:
    samples = SOURCE.collect(task, str(signals_dir / "ecg"))
    assert len(samples) == 401
    assert any("1 WFDB records in folders further down were not read" in note for note in samples.notes)


def test_record_100_of_mit_bih(task: Any, record: Path) -> None:
    for source in (record, record.parent, record.with_suffix(".dat")):
        samples = SOURCE.collect(task, str(source))
        counts = Counter(sample.target for sample in samples)
        counts.update(bad.code for bad in samples.unusable)
        assert counts == {"normal": 2237, "supraventricular": 33, "ventricular": 1, "cut-beat": 2}
        assert samples.subjects_known
        assert {sample.subject_id for sample in samples} == {"100"}
        assert {sample.attributes["lead"] for sample in samples} == {"MLII"}
        assert any("all beats are of one record" in note for note in samples.notes)
    rows = np.stack([sample.inputs["beat"].values for sample in samples])
    assert np.abs(rows.mean(axis=1)).max() < 1e-5
    assert rows.std(axis=1, ddof=1) == pytest.approx(1, abs=1e-5)
    peak = round(0.25 / 0.70 * LENGTH)
    assert abs(int(rows.mean(axis=0).argmax()) - peak) <= 2
    other = EcgBeats(lead="V5").collect(task, str(record))
    assert {sample.attributes["lead"] for sample in other} == {"V5"}


def test_the_reader_agrees_with_the_wfdb_package(record: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    found = read_record(record.read_bytes(), {"100.dat": record.with_suffix(".dat").read_bytes()})
    known = wfdb.rdrecord(str(record.with_suffix("")))
    np.testing.assert_allclose(found.signals, known.p_signal, atol=1e-6)
    assert found.leads == tuple(known.sig_name)
    assert found.fs_hz == known.fs
    places, symbols = read_beats(record.with_suffix(".atr").read_bytes())
    notes = wfdb.rdann(str(record.with_suffix("")), "atr")
    beats = [(at, what) for at, what in zip(notes.sample, notes.symbol, strict=True) if what != "+"]
    assert list(zip(places.tolist(), symbols, strict=True)) == beats


@pytest.mark.parametrize(("form", "top"), [("16", 30_000), ("80", 120), ("212", 2000)])
def test_every_format_that_is_read(form: str, top: int, tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    draw = np.random.default_rng(1).integers(-top, top, (101, 3))
    wfdb.wrsamp(
        "r", fs=250, units=["mV"] * 3, sig_name=["I", "II", "V1"], d_signal=draw, fmt=[form] * 3,
        adc_gain=[200.0] * 3, baseline=[3, 0, -7], write_dir=str(tmp_path),
    )  # fmt: skip
    found = read_record((tmp_path / "r.hea").read_bytes(), {"r.dat": (tmp_path / "r.dat").read_bytes()})
    np.testing.assert_allclose(found.signals, (draw - [3, 0, -7]) / 200, atol=1e-3)
    assert found.leads == ("I", "II", "V1")


def test_long_pauses_and_notes_in_annotations(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    at = np.array([10, 5_000, 200_000, 200_300])
    wfdb.wrann(
        "r", "atr", at, symbol=["N", "+", "V", "A"], aux_note=["", "(AFIB", "", ""], num=np.array([0, 0, 1, 0]),
        write_dir=str(tmp_path),
    )  # fmt: skip
    places, symbols = read_beats((tmp_path / "r.atr").read_bytes())
    assert (places.tolist(), symbols) == ([10, 200_000, 200_300], ("N", "V", "A"))


def test_without_annotations_peaks_are_found(task: Any, record: Path, tmp_path: Path) -> None:
    for suffix in (".hea", ".dat"):
        shutil.copy(record.with_suffix(suffix), tmp_path)
    annotated, bare = SOURCE.read(task, record), SOURCE.read(task, tmp_path / "100.hea")
    assert {sample.target for sample in (*annotated, *bare)} == {None}
    assert abs(len(annotated) - len(bare)) <= 2
    found = read_record(record.read_bytes(), {"100.dat": record.with_suffix(".dat").read_bytes()})
    peaks = r_peaks(found.signals[:, 0], found.fs_hz)
    known, _ = read_beats(record.with_suffix(".atr").read_bytes())
    near = 0.05 * found.fs_hz
    assert np.mean(np.abs(known[:, None] - peaks).min(axis=1) <= near) > 0.99
    assert np.mean(np.abs(known[:, None] - peaks).min(axis=0) <= near) > 0.99


def test_an_archive_of_a_record(task: Any, record: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "r"), "gztar", record.parent))
    assert len(SOURCE.read(task, packed)) == len(SOURCE.read(task, packed.read_bytes())) == 2271


def test_parts_by_the_files_names_and_any_separator(task: Any, tmp_path: Path) -> None:
    (tmp_path / "ECG5000_TRAIN.txt").write_text(f"{line('1', 1)}\n{line('4.0', 2)}\n")
    (tmp_path / "ECG5000_TEST.txt").write_text(f"{line('2', 3)}\n{line('NaN', 4)}\n".replace(",", "  "))
    samples = SOURCE.collect(task, str(tmp_path))
    assert [(s.split, s.target) for s in samples] == [
        ("test", "ventricular"),
        ("test", None),
        ("train", "normal"),
        ("train", "supraventricular"),
    ]
    (bare,) = SOURCE.read(task, line(None, 1).encode())
    np.testing.assert_allclose(
        bare.inputs["beat"].values, samples.samples[2].inputs["beat"].values, atol=1e-6
    )


def test_a_beat_of_another_length_is_resampled() -> None:
    wave = np.sin(np.linspace(0, 6, 252))
    row = beat_row(wave)
    assert len(row.values) == LENGTH
    again = beat_row(np.sin(np.linspace(0, 6, LENGTH)))
    np.testing.assert_allclose(row.values, again.values, atol=1e-3)


FLAT = ",".join(["1"] + ["0.5"] * LENGTH)
WRONG = {
    "bad-row": b"1,2,3",
    "not-a-number": line().replace(",", ",high,", 1).rsplit(",", 1)[0].encode(),
    "flat-signal": FLAT.encode(),
    "missing-samples": line().rsplit(",", 1)[0].encode() + b",NaN",
    "unknown-label": line("7").encode(),
    "empty-file": b"",
    "truncated": b"PK\x03\x04 and no more",
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_beat_is_named(code: str, task: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, task, WRONG[code], secret="high") == code


@pytest.mark.parametrize("value", ["inf", "1e999", "1_0", "٣"])
def test_what_is_no_number_is_refused(value: str, task: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, task, f"{line().rsplit(',', 1)[0]},{value}".encode()) == "not-a-number"


def test_one_bad_beat_does_not_stop_the_others(task: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{line('1', 1)}\n{FLAT}\n")
    samples = SOURCE.collect(task, str(tmp_path / "a.txt"))
    assert len(samples) == 1
    assert [bad.code for bad in samples.unusable] == ["flat-signal"]


@pytest.fixture
def broken(record: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of record 100 with one file changed."""

    def make(suffix: str, change: Callable[[bytes], bytes | None]) -> Path:
        for one in (".hea", ".dat", ".atr"):
            data = record.with_suffix(one).read_bytes()
            changed = change(data) if one == suffix else data
            if changed is not None:
                (tmp_path / f"100{one}").write_bytes(changed)
        return tmp_path / "100.hea"

    return make


@pytest.mark.parametrize(
    ("suffix", "change", "code"),
    [
        (".dat", lambda data: data[:-3], "truncated"),
        (".dat", lambda data: data[:900] + b"\x7f" + data[901:], "truncated"),
        (".dat", lambda _: None, "missing-file"),
        (".atr", lambda data: data[:-2], "truncated"),
        (".atr", lambda _: b"\x00\x00", "no-beats"),
        (".hea", lambda data: data.replace(b" 212 ", b" 310 "), "unsupported-format"),
        (".hea", lambda data: data.replace(b"100.dat", b"../100.dat"), "missing-file"),
        (".hea", lambda data: data.replace(b"100 2 360", b"100 x 360"), "bad-header"),
        (".hea", lambda data: data.replace(b"100 2 360", b"100/3 2 360"), "unsupported-format"),
        (".hea", lambda data: data.replace(b" 200 ", b" 200/mmHg "), "wrong-unit"),
        (".hea", lambda data: data.replace(b"360 650000", b"360 100"), "truncated"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(
    suffix: str, change: Any, code: str, task: Any, broken: Callable[..., Path], refused: Callable[..., str]
) -> None:
    path = broken(suffix, change)
    assert refused(SOURCE.read, task, path) == code
    assert refused(SOURCE.collect, task, str(path)) == code


def test_leads_layouts_and_absent_sources(
    task: Any, record: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert refused(EcgBeats(lead="aVR").read, task, record) == "unknown-lead"
    assert refused(SOURCE.collect, task, str(tmp_path / "absent.hea")) == "not-found"
    assert refused(SOURCE.collect, task, str(tmp_path)) == "empty-folder"
    (tmp_path / "a.txt").write_text(line(None))
    assert refused(SOURCE.collect, task, str(tmp_path / "a.txt")) == "no-labels"
    for suffix in (".hea", ".dat"):
        shutil.copy(record.with_suffix(suffix), tmp_path)
    assert refused(SOURCE.collect, task, str(tmp_path)) == "mixed-layouts"
