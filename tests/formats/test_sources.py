"""Labelled sources: archive, table, class folders, DICOM; what is kept apart and what is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.core.task import Endpoint
from suwen.formats.image import ClinicalImage
from suwen.formats.sources import ImageFile, open_images, split_fingerprints

Build = Callable[..., bytes]
TABLE = "subject_id,file,label,sex,split\n"


@pytest.fixture
def pictures(encode: Build) -> Callable[[Path, int], None]:
    """Write n different PNG files a0.png, a1.png ... into a folder."""

    def write(folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            noise = np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8)
            (folder / f"a{number}.png").write_bytes(encode(noise))

    return write


def code_of(source: Path, endpoint: Endpoint) -> str:
    with pytest.raises(SuwenError) as caught:
        open_images(source, endpoint)
    return caught.value.code


def test_medmnist(data_dir: Path, endpoint: Endpoint) -> None:
    path = data_dir / "imaging" / "pneumoniamnist.npz"
    start = time.perf_counter()
    samples = open_images(str(path), endpoint)
    assert time.perf_counter() - start < 3
    assert len(samples) == 5232
    assert not samples.subjects_known
    first = samples.samples[17]
    assert (first.subject_id, first.split) == ("train-17", "train")
    assert isinstance(first.inputs["image"].load(), ClinicalImage)
    assert len(samples.where(lambda one: one.target == "pneumonia")) == 3494 + 389
    prints = split_fingerprints(samples)
    assert set(prints) == {"train", "validation"}
    again = open_images(path, endpoint)
    assert again.fingerprint == samples.fingerprint
    assert split_fingerprints(again) == prints


def test_the_real_chest_folder(data_dir: Path, endpoint: Endpoint) -> None:
    start = time.perf_counter()
    samples = open_images(data_dir / "imaging" / "cxr_nih", endpoint)
    assert time.perf_counter() - start < 10
    assert (len(samples), len({one.subject_id for one in samples})) == (703, 478)
    assert samples.subjects_known
    assert samples.unusable == ()
    assert split_fingerprints(samples) == {}
    image = samples.samples[0].inputs["image"]
    assert isinstance(image, ImageFile)
    assert image.load().content_key() == image.content_key()


@pytest.mark.parametrize(("folder", "known"), [("busi", True), ("lungct_iqoth", False)])
def test_other_real_tables(data_dir: Path, folder: str, known: bool) -> None:
    endpoint = Endpoint(
        labels={"normal": (), "benign": (), "malignant": ()}, positive="malignant", code=("", "", "")
    )
    samples = open_images(data_dir / "imaging" / folder, endpoint)
    assert samples.subjects_known is known
    assert not samples.unusable
    assert (samples.samples[0].attributes.keys() == {"number"}) is not known


def test_table_with_everything(
    tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None]
) -> None:
    pictures(tmp_path / "x", 5)
    (tmp_path / "x" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "labels.csv").write_text(
        "\ufeff"
        + TABLE
        + "p1,x/a0.png,0,F,train\np1,x\\a1.png,pneumonia,F,training\np2,x/a2.png,,M,val\n"
        + "p3,x/none.png,1,M,test\np4,x/broken.png,1,M,\np1,x/a0.png,0,F,train\n\n,x/a3.png,NORMAL,,Testing\n"
    )
    samples = open_images(tmp_path, endpoint)
    assert [one.target for one in samples] == ["normal", "pneumonia", None, "normal", "normal"]
    assert [one.split for one in samples] == ["train", "train", "validation", "train", "test"]
    assert [one.subject_id for one in samples][:4] == ["p1", "p1", "p2", "p1"]
    assert samples.samples[0].attributes == {"sex": "F"}
    assert samples.samples[1].source == "x/a1.png"
    assert {(one.source, one.code) for one in samples.unusable} == {
        ("x/none.png", "missing-file"),
        ("x/broken.png", "truncated"),
    }
    assert samples.subjects_known
    assert samples.notes == (
        "1 files in the folder are not in labels.csv",
        "1 records name no subject and count as their own",
    )
    assert open_images(tmp_path / "labels.csv", endpoint).fingerprint == samples.fingerprint


def test_the_fingerprint_follows_content_and_not_names(
    tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None]
) -> None:
    for folder, prefix in (("one", "a"), ("two", "b")):
        pictures(tmp_path / folder, 2)
        for number in range(2):
            (tmp_path / folder / f"a{number}.png").rename(tmp_path / folder / f"{prefix}{number}.png")
    (tmp_path / "one" / "labels.csv").write_text("subject,file,label\np,a0.png,0\nq,a1.png,1\n")
    (tmp_path / "two" / "labels.csv").write_text("label;filename;group_id\n1;b1.png;q\n0;b0.png;p\n")
    one, two = (open_images(tmp_path / name, endpoint) for name in ("one", "two"))
    assert one.fingerprint == two.fingerprint
    (tmp_path / "two" / "labels.csv").write_text("subject,file,label\np,b0.png,0\nq,b1.png,0\n")
    assert open_images(tmp_path / "two", endpoint).fingerprint != one.fingerprint
    (tmp_path / "two" / "labels.csv").write_text("subject,file,label\np,b0.png,0\np,b1.png,1\n")
    assert open_images(tmp_path / "two", endpoint).fingerprint != one.fingerprint


@pytest.mark.parametrize("file", ["../secret.png", "/etc/passwd", "x/../../y.png", "C:\\y.png", "..\\y.png"])
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, endpoint: Endpoint, file: str) -> None:
    (tmp_path / "labels.csv").write_text(f"subject_id,file,label\np1,{file},0\n")
    with pytest.raises(BadInput, match="line 2") as caught:
        open_images(tmp_path, endpoint)
    assert caught.value.code == "outside-folder"


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("", "labels-table"),
        ("subject_id,file,label\n", "labels-table"),
        ("subject_id,label\np,0\n", "labels-table"),
        ("subject_id,file\np,a0.png\n", "labels-table"),
        ("file,label,file\na,b,c\n", "labels-table"),
        ("file,label\na0.png\n", "labels-table"),
        ("file,label\n,0\n", "labels-table"),
        ('file,label\n"a0.png,0\n', "labels-table"),
        ("file,label,split\na0.png,0,holdout\n", "unknown-split"),
        ("file,label\na0.png,tuberculosis\n", "unknown-label"),
    ],
)
def test_broken_tables(
    tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None], table: str, code: str
) -> None:
    pictures(tmp_path, 1)
    (tmp_path / "labels.csv").write_text(table)
    assert code_of(tmp_path, endpoint) == code


def test_an_unknown_label_names_line_and_file(
    tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None]
) -> None:
    pictures(tmp_path, 2)
    (tmp_path / "labels.csv").write_text("file,label\na0.png,0\na1.png,flu\n")
    with pytest.raises(BadInput, match=r"flu.*line 3: a1\.png.*Known labels"):
        open_images(tmp_path, endpoint)


def test_a_table_that_is_no_text(tmp_path: Path, endpoint: Endpoint) -> None:
    (tmp_path / "labels.csv").write_bytes(b"file,label\n\xff\xfe\x00,0\n")
    assert code_of(tmp_path, endpoint) == "labels-table"


def test_class_folders(tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None]) -> None:
    pictures(tmp_path / "normal", 3)
    pictures(tmp_path / "PNEUMONIA" / "deeper", 2)
    (tmp_path / "normal" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "normal" / "notes.txt").write_text("by hand")
    (tmp_path / "README").write_text("about")
    samples = open_images(tmp_path, endpoint)
    assert sorted(str(one.target) for one in samples) == ["normal"] * 3 + ["pneumonia"] * 2
    assert not samples.subjects_known
    assert len({one.subject_id for one in samples}) == 5
    assert [one.code for one in samples.unusable] == ["unknown-format"]
    assert "1 files beside the class folders were left out" in samples.notes


def test_class_folders_below_splits(
    tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None]
) -> None:
    pictures(tmp_path / "train" / "NORMAL", 3)
    pictures(tmp_path / "val" / "PNEUMONIA", 2)
    samples = open_images(tmp_path, endpoint)
    assert {(one.split, one.target) for one in samples} == {
        ("train", "normal"),
        ("validation", "pneumonia"),
    }
    assert set(split_fingerprints(samples)) == {"train", "validation"}


def test_folders_that_are_no_data(
    tmp_path: Path, endpoint: Endpoint, pictures: Callable[[Path, int], None]
) -> None:
    with pytest.raises(NotFound):
        open_images(tmp_path / "none", endpoint)
    assert code_of(tmp_path, endpoint) == "empty-folder"
    pictures(tmp_path, 1)
    assert code_of(tmp_path, endpoint) == "no-labels"
    assert code_of(tmp_path / "a0.png", endpoint) == "no-labels"
    (tmp_path / "empty.npz").touch()
    assert code_of(tmp_path / "empty.npz", endpoint) == "empty-file"
    pictures(tmp_path / "fracture", 1)
    assert code_of(tmp_path, endpoint) == "unknown-label"


def test_medmnist_errors_name_the_archive(tmp_path: Path, endpoint: Endpoint, ramp: Any, npz: Build) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(npz(images=ramp[None]))
    with pytest.raises(BadInput, match=r"x\.npz"):
        open_images(path, endpoint)
    path.write_bytes(npz(train_images=ramp[None], train_labels=np.array([7])))
    with pytest.raises(BadInput, match="train label 0") as caught:
        open_images(path, endpoint)
    assert caught.value.code == "unknown-label"
    path.write_bytes(npz(train_images=ramp[None]))
    assert open_images(path, endpoint).samples[0].target is None


def test_dicom_with_a_table(tmp_path: Path, endpoint: Endpoint, ramp: Any, dicom_bytes: Build) -> None:
    for number, patient in enumerate(("P1", "P1", "P2")):
        changed = np.roll(ramp, number)
        name = f"{number}.dcm"
        uid = f"1.2.826.0.1.99.{number}"
        (tmp_path / name).write_bytes(dicom_bytes(changed, PatientID=patient, SOPInstanceUID=uid))
    (tmp_path / "labels.csv").write_text("file,label\n0.dcm,0\n1.dcm,1\n2.dcm,1\n")
    by_file = open_images(tmp_path, endpoint)
    subjects = [one.subject_id for one in by_file]
    assert by_file.subjects_known
    assert subjects[0] == subjects[1] != subjects[2]
    assert "P1" not in "".join(subjects)
    (tmp_path / "labels.csv").write_text(
        "sop_instance_uid,label\n1.2.826.0.1.99.0,0\n1.2.826.0.1.99.1,1\n1.2.826.0.1.99.2,1\n1.2.3,1\n"
    )
    by_uid = open_images(tmp_path, endpoint)
    assert by_uid.fingerprint == by_file.fingerprint
    assert [(one.source, one.code) for one in by_uid.unusable] == [("line 5", "missing-file")]
    (tmp_path / "labels.csv").write_text("subject_id,file,label\nalice,0.dcm,0\n")
    assert open_images(tmp_path, endpoint).samples[0].subject_id == "alice"
