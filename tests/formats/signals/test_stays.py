"""Long tables of observations as a source: labels, one file or many, and what cannot be used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from suwen.core.errors import BadInput, NotFound
from suwen.lifecycle.discovery import find

TASK = find("signals.deterioration")
HEAD = "subject_id,label,time_h,variable,value\n"


def test_stays_of_one_table_have_their_labels(tmp_path: Path) -> None:
    table = tmp_path / "stays.csv"
    table.write_text(f"{HEAD}a,1,0,HR,120\na,1,1,HR,130\nb,0,0,HR,80\nc,,0,HR,70\n", "utf-8")
    found = TASK.collect(str(table))
    assert [(one.subject_id, one.target) for one in found] == [
        ("a", "deteriorated"),
        ("b", "stable"),
        ("c", None),
    ]
    assert found.subjects_known
    (seen,) = found.samples[0].inputs.values()
    assert seen.of("HR")[1].tolist() == [120.0, 130.0]


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_or_archive_of_tables(tmp_path: Path, packed: bool) -> None:
    folder = tmp_path / "stays"
    folder.mkdir()
    for name, text in {
        "a.csv": f"{HEAD}a,yes,0,HR,120\n",
        "b.csv": f"{HEAD}b,no,0,HR,80\n",
        "c.csv": f"{HEAD}c,no,0,HR,fast\n",
    }.items():
        (folder / name).write_text(text, "utf-8")
    source = folder
    if packed:
        source = tmp_path / "stays.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)
    found = TASK.collect(str(source))
    assert sorted(one.subject_id for one in found) == ["a", "b"]
    assert [(one.source.rpartition("/")[2], one.code) for one in found.unusable] == [
        ("c.csv", "not-a-number")
    ]
    assert found.fingerprint == TASK.collect(str(folder)).fingerprint


def test_what_is_no_source_or_no_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        TASK.collect(str(tmp_path / "nowhere"))
    table = tmp_path / "stays.csv"
    table.write_text(f"{HEAD}a,perhaps,0,HR,120\n", "utf-8")
    with pytest.raises(BadInput) as refused:
        TASK.collect(str(table))
    assert refused.value.code == "unknown-label"
    with pytest.raises(NotFound):
        TASK.read(tmp_path / "nowhere.csv")


def test_an_input_may_be_bytes_and_may_hold_several_stays(tmp_path: Path) -> None:
    text = f"{HEAD}a,,0,HR,120\nb,,0,HR,80\n".encode()
    assert [one.subject_id for one in TASK.read(text)] == ["a", "b"]
    assert [one.target for one in TASK.read(text)] == [None, None]
    unnamed = tmp_path / "bed-4.csv"
    unnamed.write_text("time_h,variable,value\n0,HR,80\n", "utf-8")
    assert TASK.read(unnamed)[0].subject_id == "bed-4"
