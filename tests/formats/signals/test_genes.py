"""Gene expression: the real sets, archives and tables, and bad ones refused."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.task import Endpoint
from suwen.formats.signals.genes import GeneExpression

SOURCE = GeneExpression()
CODE = ("s", "c", "d")


@pytest.fixture(scope="session")
def task(asking: Callable[..., Any]) -> Any:
    return asking(endpoint=Endpoint(labels={}, positive="", code=CODE), name="expression")


def npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


X = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize(
    ("name", "genes", "classes"),
    [("golub", 7129, {"ALL": 47, "AML": 25}), ("singh", 12_600, {"Tumor": 52, "Normal": 50})],
)
def test_the_real_sets_are_whole(
    name: str, genes: int, classes: dict[str, int], task: Any, signals_dir: Path
) -> None:
    samples = SOURCE.collect(task, str(signals_dir / f"genes/{name}.npz"))
    assert Counter(sample.target for sample in samples) == classes
    rows = [sample.inputs["expression"] for sample in samples]
    assert {len(row.names) for row in rows} == {genes}
    assert rows[0].names[:2] == ("g0", "g1")
    assert not samples.subjects_known
    assert len({sample.subject_id for sample in samples}) == len(samples)
    assert samples.integrity == {
        "samples": len(samples),
        "genes": genes,
        "missing": 0,
        "identical_samples": 0,
    }
    assert any("nested" in note for note in samples.notes)
    read = SOURCE.read(task, signals_dir / f"genes/{name}.npz")
    assert {sample.target for sample in read} == {None}
    assert read[3].inputs["expression"].content_key() == rows[3].content_key()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array(["a", "b", "a"]), ["a", "b", "a"]),
        (np.array([b"a", b"b", b""]), ["a", "b", None]),
        (np.array([0, 1, 1]), ["0", "1", "1"]),
        (np.array([0.0, 1.0, np.nan]), ["0", "1", None]),
    ],
)
def test_labels_in_every_form(labels: Any, expected: list[str | None], task: Any, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(npz(x=X, y=labels, genes=np.array(["TP53", "EGFR", "MYC", "KIT"])))
    samples = SOURCE.collect(task, str(tmp_path / "a.npz"))
    assert [sample.target for sample in samples] == expected
    assert samples.samples[0].inputs["expression"].names == ("TP53", "EGFR", "MYC", "KIT")


def test_a_closed_endpoint_resolves_its_labels(
    asking: Callable[..., Any], tmp_path: Path, refused: Callable[..., str]
) -> None:
    closed = asking(
        endpoint=Endpoint(labels={"normal": ("0",), "tumour": ("1",)}, positive="tumour", code=CODE)
    )
    path = tmp_path / "a.npz"
    path.write_bytes(npz(x=X, y=np.array([0, 1, 1])))
    assert [sample.target for sample in SOURCE.collect(closed, str(path))] == ["normal", "tumour", "tumour"]
    path.write_bytes(npz(x=X, y=np.array([0, 1, 2])))
    assert refused(SOURCE.collect, closed, str(path)) == "unknown-label"


def test_a_csv_with_a_column_of_labels(task: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sample,class,TP53,EGFR\ns1,ALL,1.5,-2\ns2,AML,3,\n")
    samples = SOURCE.collect(task, str(path))
    assert [sample.target for sample in samples] == ["ALL", "AML"]
    row = samples.samples[1].inputs["expression"]
    assert row.names == ("TP53", "EGFR")
    np.testing.assert_array_equal(row.values, np.array([3, np.nan], np.float32))
    (one,) = SOURCE.read(task, b"TP53,EGFR\n1.5,-2\n")
    assert one.inputs["expression"].content_key() == samples.samples[0].inputs["expression"].content_key()


WRONG = {
    "missing-column": npz(y=np.array([1])),
    "bad-row": npz(x=X, y=np.array(["a"])),
    "pickled": npz(x=X, y=np.array(["a", None, "b"], object)),
    "truncated": npz(x=X)[:-30],
    "not-a-number": npz(x=np.where(X == 5, np.inf, X)),
    "empty-table": npz(x=X[:0]),
    "empty-file": b"",
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_file_is_named(code: str, task: Any, refused: Callable[..., str]) -> None:
    assert refused(SOURCE.read, task, WRONG[code]) == code


def test_further_bad_files(task: Any, refused: Callable[..., str], tmp_path: Path) -> None:
    assert refused(SOURCE.read, task, b"TP53,EGFR\n1.5,high\n2,3\n", secret="high") == "not-a-number"
    assert refused(SOURCE.read, task, b"TP53,EGFR\n1.5,high\n", secret="high") == "not-a-number"
    assert refused(SOURCE.read, task, npz(x=np.array([["a"]]))) == "bad-row"
    assert refused(SOURCE.read, task, npz(x=X, genes=np.array(["a"]))) == "bad-row"
    assert refused(SOURCE.collect, task, str(tmp_path / "absent.npz")) == "not-found"
    (tmp_path / "a.npz").write_bytes(npz(x=X))
    assert refused(SOURCE.collect, task, str(tmp_path / "a.npz")) == "no-labels"
