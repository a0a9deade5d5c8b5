"""Follow-up from HDF5 and CSV: the real files, repeats kept together, leaks left out, bad tables refused."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.target import Outcome
from suwen.core.task import TimeToEvent
from suwen.formats.signals.survival import SurvivalTable

h5py = pytest.importorskip("h5py")
SOURCE = SurvivalTable()
CSV = "id,time,event,age,sex,stage\na,5,1,61,female,II\nb,7.5,0,48,male,I\nc,,,70,,III\n"


@pytest.fixture(scope="session")
def task(asking: Callable[..., Any]) -> Any:
    return asking(endpoint=TimeToEvent(event="death", code=("s", "c", "d")), name="row")


def h5(**groups: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        for name, arrays in groups.items():
            for key, values in arrays.items():
                file[f"{name}/{key}"] = np.asarray(values)
    return out.getvalue()


def group(n: int = 4, d: int = 2, seed: int = 0) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    return {"x": draw.normal(size=(n, d)).astype(np.float32), "t": np.arange(1, n + 1), "e": np.arange(n) % 2}


@pytest.mark.parametrize(
    ("name", "rows", "events", "distinct", "first"),
    [
        ("metabric_IHC4_clinical", 1523, 887, 1523, "EGFR"),
        ("gbsg_cancer", 1546, 968, 1540, "hormone_therapy"),
        ("support", 7098, 4823, 7098, "age"),
        ("whas", 1310, 552, 638, "x0"),
    ],
)
def test_the_files_of_deepsurv(
    name: str, rows: int, events: int, distinct: int, first: str, task: Any, signals_dir: Path
) -> None:
    samples = SOURCE.collect(task, str(signals_dir / f"survival/deepsurv_{name}_train_test.h5"))
    assert len(samples) == rows
    assert Counter(str(sample.target) for sample in samples) == {"event": events, "censored": rows - events}
    assert len({sample.subject_id for sample in samples}) == distinct
    assert samples.integrity["distinct_rows"] == distinct
    assert {sample.inputs["row"].names[0] for sample in samples} == {first}
    assert {sample.split for sample in samples} == {None}
    assert not samples.subjects_known
    assert any("rows repeat" in note for note in samples.notes) == (distinct < rows)


def test_support_of_deepsurv_is_support2(task: Any, signals_dir: Path) -> None:
    """The names of the unnamed columns hold, value by value."""
    plain = SOURCE.collect(task, str(signals_dir / "survival/deepsurv_support_train_test.h5"))
    full = SOURCE.collect(task, str(signals_dir / "survival/support2.csv"))
    assert (len(full), sum(s.target.event for s in full)) == (7241, 4913)
    assert full.subjects_known

    def table(samples: Any) -> tuple[dict[tuple[float, float], dict[str, float]], Counter[Any]]:
        rows, seen = {}, Counter()
        for sample in samples:
            row = sample.inputs["row"]
            given = dict(zip(row.names, row.values.tolist(), strict=True))
            key = (round(given["age"], 3), sample.target.time)
            seen[key] += 1
            rows[key] = given
        return rows, seen

    here, one = table(plain)
    there, other = table(full)
    both = [key for key in here if one[key] == other[key] == 1]
    assert len(both) > 6500
    names = {
        "female": "sex=female", "comorbidities": "num.co", "diabetes": "diabetes", "dementia": "dementia",
        "mean_pressure": "meanbp", "heart_rate": "hrt", "respiratory_rate": "resp", "temperature": "temp",
        "sodium": "sod", "wbc": "wblc", "creatinine": "crea",
    }  # fmt: skip
    for name, column in names.items():
        pairs = np.array([(here[key][name], there[key][column]) for key in both])
        known = ~np.isnan(pairs[:, 1])
        assert np.allclose(pairs[known, 0], pairs[known, 1], atol=1e-3), name


def test_support2_leaves_out_what_is_only_known_later(task: Any, signals_dir: Path) -> None:
    samples = SOURCE.collect(task, str(signals_dir / "survival/support2.csv"))
    names = samples.samples[0].inputs["row"].names
    for leak in (
        "hospdead",
        "slos",
        "charges",
        "totcst",
        "sps",
        "surv2m",
        "prg2m",
        "prg6m",
        "death",
        "d.time",
    ):
        assert not any(name == leak or name.startswith(f"{leak}=") for name in names)
    assert {"sex=female", "sex=male", "ca=metastatic", "race=asian", "crea"} <= set(names)
    assert any("known only later: hospdead" in note for note in samples.notes)
    assert Counter(s.attributes["sex"] for s in samples) == {"male": 4060, "female": 3181}


def test_both_groups_of_a_file_are_parts_and_repeats_are_said(task: Any, tmp_path: Path) -> None:
    train, test = group(6), group(3, seed=1)
    test["x"][0] = train["x"][2]
    (tmp_path / "a.h5").write_bytes(h5(train=train, test=test))
    samples = SOURCE.collect(task, str(tmp_path))
    assert Counter(sample.split for sample in samples) == {"train": 6, "test": 3}
    assert samples.integrity["repeats_of_training_rows"] == {"test": 1}
    assert any("1 test rows repeat a training row" in note for note in samples.notes)
    assert samples.samples[2].subject_id == samples.samples[6].subject_id
    assert samples.samples[0].inputs["row"].names == ("x0", "x1")
    assert samples.samples[0].target == Outcome(time=1.0, event=False)


def test_a_csv_with_categories_and_unknown_outcomes(task: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CSV)
    samples = SOURCE.collect(task, str(path))
    assert [sample.subject_id for sample in samples] == ["a", "b", "c"]
    assert [sample.target for sample in samples] == [
        Outcome(time=5.0, event=True),
        Outcome(time=7.5, event=False),
        None,
    ]
    row = samples.samples[2].inputs["row"]
    assert row.names == ("age", "sex=female", "sex=male", "stage=I", "stage=II", "stage=III")
    np.testing.assert_array_equal(row.values, np.array([70, np.nan, np.nan, 0, 0, 1], np.float32))
    assert [sample.attributes for sample in samples] == [
        {"age_band": "50-64", "sex": "female"},
        {"age_band": "<50", "sex": "male"},
        {"age_band": "65-79", "sex": ""},
    ]
    for sample, known in zip(SOURCE.read(task, CSV.encode()), samples, strict=True):
        assert sample.target is None
        assert sample.inputs["row"].content_key() == known.inputs["row"].content_key()


def test_columns_by_other_names(task: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("months,dead,cost,age\n3,yes,900,50\n4,no,800,60\n")
    samples = SurvivalTable(time="months", event="dead", leaks=("cost",)).collect(task, str(tmp_path))
    assert [sample.target.event for sample in samples] == [True, False]
    assert samples.samples[0].inputs["row"].names == ("age",)
    assert len(SOURCE.read(task, b'[{"age": 50, "er": 3}, {"age": null, "er": 4}]')) == 2


def test_follow_up_of_no_length_is_unusable(task: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,event,age\n0,1,50\n-3,0,60\n4,1,60\n")
    samples = SOURCE.collect(task, str(tmp_path))
    assert [bad.code for bad in samples.unusable] == ["no-follow-up", "no-follow-up"]
    assert len(samples) == 1


WRONG = {
    "not-a-number": b"time,event,age\n3,1,50\n4,0,old\n",
    "unknown-label": b"time,event,age\n3,2,50\n",
    "unknown-split": b"time,event,age,split\n3,1,50,monday\n",
    "bad-row": b"time,event,age\n3,1\n",
    "duplicate-column": b"time,event,age,age\n3,1,5,5\n",
    "missing-column": b"time,age\n3,5\n",
    "empty-table": b"time,event,age\n",
    "empty-file": b" ",
    "truncated": h5(train=group())[:400],
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_table_is_named(
    code: str, task: Any, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert refused(SOURCE.read, task, WRONG[code], secret="old") == code
    path = tmp_path / ("a.h5" if code == "truncated" else "a.csv")
    path.write_bytes(WRONG[code])
    assert refused(SOURCE.collect, task, str(path), secret="old") == code


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", "1e999", "1_0", "٣", "1e39"])
def test_what_is_no_number_is_refused(value: str, task: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, task, f"time,event,age\n3,1,50\n4,0,{value}\n".encode()) == "not-a-number"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (h5(train={"t": [1.0], "e": [1]}), "missing-column"),
        (h5(train={"x": [[1.0]], "t": [1.0]}), "missing-column"),
        (h5(train={"x": [[1.0]], "t": [1.0, 2.0], "e": [1, 0]}), "bad-row"),
        (h5(train={"x": [1.0], "t": [1.0], "e": [1]}), "bad-row"),
        (h5(train={"x": [[np.inf]], "t": [1.0], "e": [1]}), "not-a-number"),
        (h5(monday=group(), tuesday=group()), "unknown-split"),
        (h5(), "missing-column"),
    ],
)
def test_what_is_wrong_with_a_file_of_deepsurv_is_named(
    data: bytes, code: str, task: Any, refused: Callable[..., str]
) -> None:
    assert refused(SOURCE.read, task, data) == code


def test_links_to_other_files_are_not_followed(
    task: Any, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "other.h5").write_bytes(h5(train=group()))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/train")
    assert refused(SOURCE.collect, task, str(tmp_path / "a.h5")) == "outside-file"


def test_a_folder_of_several_files_asks_for_one(
    task: Any, signals_dir: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert refused(SOURCE.collect, task, str(signals_dir / "survival")) == "is-a-folder"
    assert refused(SOURCE.collect, task, str(tmp_path)) == "is-a-folder"
    assert refused(SOURCE.collect, task, str(tmp_path / "absent")) == "not-found"
    (tmp_path / "a.csv").write_text("age\n3\n")
    assert refused(SOURCE.collect, task, str(tmp_path)) == "no-labels"


def test_without_h5py_the_extra_is_named(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    data = h5(train=group())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(Exception, match=r"pip install 'suwen\[train\]'"):
        SOURCE.read(task, data)
