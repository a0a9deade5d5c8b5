"""Real DICOM volumes: as an independent reader has them, and as an independent converter wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import SuwenError
from suwen.formats.volume.read import read_volume

SERIES = [
    ("mr_brain_study3/11-T1post-18670", (280, 320, 22), (0.6875, 0.6875, 6.5)),
    ("mr_brain_study3/11_HCropVolume", (34, 50, 40), (1, 1, 1)),
    ("mr_brain_study3/36468-FLAIRreg-58706", (280, 320, 22), (0.6875, 0.6875, 6.5)),
    ("mr_hippocrop_study1", (35, 51, 32), (1, 1, 1)),
    ("dcmqi_seg/ct-3slice", (512, 512, 3), (0.8105, 0.8105, 1)),
    ("dcmqi_seg/23x38x3/image", (23, 38, 3), (0.7, 0.7, 2.5)),
    ("pydicom_test_files/dicomdirtests/98892001/CT5N", (16, 16, 5), (0.4883, 0.4883, 2.5)),
]
SAME = [
    ("liver.dcm", "liver_seg.nrrd"),
    ("23x38x3/seg/label.seg", "23x38x3/nrrd/label.nrrd"),
    ("24x38x3/seg/label.seg", "24x38x3/nrrd/label.nrrd"),
    ("sparse-labelmap-noppv.dcm", "sparse_labelmap_noppv_seg.nrrd"),
]


@pytest.fixture(scope="session")
def dicom(data_dir: Path) -> Path:
    return data_dir / "imaging" / "dicom"


@pytest.mark.parametrize(("name", "shape", "spacing"), SERIES, ids=[one[0] for one in SERIES])
def test_a_real_series_lies_where_simpleitk_has_it(dicom: Path, name: str, shape: Any, spacing: Any) -> None:
    sitk = pytest.importorskip("SimpleITK")
    volume = read_volume(dicom / name, kind="image")
    assert volume.shape == shape
    np.testing.assert_allclose(volume.spacing_mm, spacing, atol=1e-4)
    assert volume.frame_of_reference
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(dicom / name)))
    image = reader.Execute()
    values = sitk.GetArrayViewFromImage(image).transpose(2, 1, 0)
    for index in np.random.default_rng(6).integers(0, shape, (40, 3)):
        mine = volume.to_index(image.TransformIndexToPhysicalPoint([int(at) for at in index]))[0]
        np.testing.assert_allclose(mine, np.rint(mine), atol=0.02)
        assert volume.array[tuple(np.rint(mine).astype(int))] == values[tuple(index)]


@pytest.mark.parametrize(("segmentation", "nrrd"), SAME)
def test_a_segmentation_and_its_nrrd_copy_are_one_volume(dicom: Path, segmentation: str, nrrd: str) -> None:
    folder = dicom / "dcmqi_seg"
    labels = read_volume(folder / segmentation, kind="labels")
    assert labels.content_key() == read_volume(folder / nrrd, kind="labels").content_key()
    assert labels.value_of("liver") == 1
    assert labels.frame_of_reference


@pytest.mark.parametrize("name", ["23x38x3", "24x38x3"])
def test_slices_frames_and_segments_share_their_frame(dicom: Path, name: str) -> None:
    folder = dicom / "dcmqi_seg" / name
    slices = read_volume(folder / "image", kind="image")
    frames = read_volume(folder / "multiframe" / "mf.dcm", kind="image")
    assert slices.content_key() == frames.content_key()
    assert slices.frame_key() == frames.frame_key()
    assert slices.frame_key() == read_volume(folder / "seg" / "label.seg", kind="labels").frame_key()


def test_a_compressed_segmentation_is_the_same(dicom: Path) -> None:
    names = ("liver_expb.dcm", "liver_j2k.dcm")
    keys = {read_volume(dicom / "pydicom_data" / name, kind="labels").content_key() for name in names}
    assert keys == {read_volume(dicom / "dcmqi_seg" / "liver.dcm", kind="labels").content_key()}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("dcmqi_seg/partial_overlaps.dcm", "overlapping-segments"),
        ("highdicom_test_files/seg_image_ct_binary_overlap.dcm", "overlapping-segments"),
        ("highdicom_test_files/seg_image_ct_true_fractional.dcm", "not-labels"),
        ("highdicom_test_files/seg_image_ct_binary_single_frame.dcm", "not-three-dimensional"),
        ("highdicom_test_files/seg_image_sm_dots.dcm", "missing-orientation"),
        ("dcmqi_seg", "mixed-series"),
        ("pydicom_test_files/dicomdirtests/77654033/CT2", "missing-slices"),
        ("pydicom_test_files/dicomdirtests/98892003/MR700", "mixed-orientation"),
        ("pydicom_test_files/dicomdirtests", "mixed-series"),
        ("dcmqi_seg/ct-3slice/01.dcm", "single-slice"),
    ],
)
def test_real_objects_that_are_no_labels_are_refused(dicom: Path, name: str, code: str) -> None:
    with pytest.raises(SuwenError) as error:
        read_volume(dicom / name, kind="labels")
    assert error.value.code == code


def test_no_real_object_ends_in_a_traceback(dicom: Path) -> None:
    read = 0
    for folder in ("pydicom_data", "highdicom_test_files", "dcmqi_sr", "pydicom_charset"):
        for path in sorted((dicom / folder).iterdir()):
            if path.is_file():
                try:
                    read += read_volume(path, kind="image").array.size > 0
                except SuwenError as error:
                    assert error.code
    assert read >= 1


def test_real_nifti_labels_and_images_share_their_frame(data_dir: Path) -> None:
    folder = data_dir / "imaging" / "hippocampus"
    names = sorted(path.name for path in (folder / "labelsTr").glob("*.nii.gz"))[:20]
    assert names
    for name in names:
        labels = read_volume(folder / "labelsTr" / name, kind="labels")
        assert set(labels.present()) == {1, 2}
        assert labels.frame_key() == read_volume(folder / "imagesTr" / name, kind="image").frame_key()
