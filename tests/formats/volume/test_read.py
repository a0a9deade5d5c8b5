"""Every real volume is read, and lies where an independent reader has it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import SuwenError
from suwen.formats.volume.read import read_volume

# Of the collection's README: name, kind, shape, spacing in mm, label values with background.
REAL = [
    ("spl_head/hncma-atlas.nrrd", "labels", (256, 256, 256), (1, 1, 1), 313),
    ("spl_head/skin.nrrd", "labels", (288, 320, 208), (0.75, 0.75, 0.75), 2),
    ("topcow/topcow_ct_roi_003.nii.gz", "labels", (86, 69, 30), (0.50, 0.50, 0.75), 13),
    ("topcow/topcow_mr_roi_003.nii.gz", "labels", (146, 121, 35), (0.30, 0.30, 0.60), 13),
    ("totalseg/example_seg.nii.gz", "labels", (122, 101, 30), (3, 3, 3), 42),
    ("totalseg/example_seg_fast.nii.gz", "labels", (122, 101, 30), (3, 3, 3), 41),
    ("totalseg/example_seg_dicom.nii.gz", "labels", (512, 512, 20), (0.98, 0.98, 2.0), 32),
    ("totalseg/example_ct.nii.gz", "image", (122, 101, 112), (3, 3, 3), None),
    ("totalseg/example_ct_sm.nii.gz", "image", (122, 101, 30), (3, 3, 3), None),
    ("totalseg/example_mr_sm.nii.gz", "image", (117, 91, 20), (3, 3, 3), None),
    ("totalseg/ct_brain_atlas_1mm.nii.gz", "image", (202, 202, 179), (1, 1, 1), None),
]


@pytest.mark.parametrize(("name", "kind", "shape", "spacing", "values"), REAL, ids=[one[0] for one in REAL])
def test_a_real_volume_lies_where_simpleitk_has_it(
    anatomy: Path, name: str, kind: Any, shape: Any, spacing: Any, values: int | None
) -> None:
    sitk = pytest.importorskip("SimpleITK")
    volume = read_volume(anatomy / name, kind=kind)
    assert volume.shape == shape
    np.testing.assert_allclose(volume.spacing_mm, spacing, atol=0.01)
    if values is not None:
        assert len(volume.present()) == values - 1
    image = sitk.ReadImage(str(anatomy / name))
    there = sitk.GetArrayViewFromImage(image).transpose(2, 1, 0)
    for index in np.random.default_rng(8).integers(0, shape, (60, 3)):
        point = image.TransformIndexToPhysicalPoint([int(at) for at in index])
        np.testing.assert_allclose(volume.to_lps(index), [point], atol=1e-3)
        assert volume.array[tuple(index)] == there[tuple(index)]


def test_left_is_left_in_the_atlas(anatomy: Path) -> None:
    head = read_volume(
        anatomy / "spl_head" / "hncma-atlas.nrrd",
        kind="labels",
        names=anatomy / "spl_head" / "hncma-atlas-lut.ctbl",
    )
    assert head.value_of("Left subthalamic nucleus") == 391
    assert head.notes[-1] == "labels without a name: 1"
    left, right = (
        head.to_lps(np.argwhere(head.array == head.value_of(f"{side} subthalamic nucleus"))).mean(axis=0)
        for side in ("left", "right")
    )
    assert left[0] > right[0]  # L is positive
    assert head.handedness == "left"  # its axes are posterior, inferior, left


def test_labels_and_image_of_one_scan_share_their_frame(anatomy: Path) -> None:
    folder = anatomy / "totalseg"
    labels, image, other = (
        read_volume(folder / f"{name}.nii.gz", kind=kind)  # type: ignore[arg-type]
        for name, kind in (("example_seg", "labels"), ("example_ct_sm", "image"), ("example_ct", "image"))
    )
    assert labels.frame_key() == image.frame_key()
    assert labels.frame_key() != other.frame_key()
    assert labels.value_of("kidney left") == 3
    left, right = (
        labels.to_lps(np.argwhere(labels.array == labels.value_of(f"kidney {side}"))).mean(axis=0)[0]
        for side in ("left", "right")
    )
    assert left > right


def test_the_name_of_a_file_says_nothing(anatomy: Path, tmp_path: Path) -> None:
    source = anatomy / "topcow" / "topcow_ct_roi_003.nii.gz"
    other = tmp_path / "labels.nrrd"
    shutil.copy(source, other)
    assert read_volume(other, kind="labels").content_key() == read_volume(source, kind="labels").content_key()
    assert read_volume(source.read_bytes(), kind="labels").source_format == "nifti"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty-file"),
        (b"hello, this is no volume", "unknown-format"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "unknown-format"),
        (b"\0" * 128 + b"DICM" + b"\0" * 10, "undecodable-header"),
        (b"NRRD0009\n\n", "unknown-format"),
        (b"\x1f\x8b" + b"\0" * 40, "undecodable"),
    ],
)
def test_what_is_no_volume_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(SuwenError) as error:
        read_volume(data, kind="labels")
    assert error.value.fix
    assert error.value.code in (code, "no-pixels", "truncated")


def test_an_error_says_which_file(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    path.write_bytes(b"no volume")
    with pytest.raises(SuwenError) as error:
        read_volume(path, kind="labels")
    assert error.value.where == str(path)


def test_an_image_is_no_segmentation(anatomy: Path) -> None:
    with pytest.raises(SuwenError) as error:
        read_volume(anatomy / "totalseg" / "example_ct_sm.nii.gz", kind="labels")
    assert error.value.code == "negative-labels"
    with pytest.raises(SuwenError) as error:
        read_volume(anatomy / "topcow" / "topcow_ct_roi_003.nii.gz", kind="mesh")  # type: ignore[arg-type]
    assert error.value.code == "unknown-kind"


@pytest.mark.parametrize(
    ("module", "name"),
    [("nibabel.nifti1", "topcow/topcow_ct_roi_003.nii.gz"), ("nrrd", "spl_head/skin.nrrd")],
)
def test_a_missing_package_is_named(
    anatomy: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SuwenError, match=r"suwen\[surgery\]") as error:
        read_volume(anatomy / name, kind="labels")
    assert error.value.code == "missing-extra"
