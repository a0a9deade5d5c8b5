"""DICOM slices as one volume: in order of their places, in HU, and nothing missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from suwen.core.errors import SuwenError
from suwen.formats.volume.read import read_volume

Series = Callable[..., list[bytes]]
Folder = Callable[..., Path]


@pytest.fixture
def body() -> NDArray[np.int16]:
    """An image (9, 10, 6) in HU without any symmetry."""
    return np.random.default_rng(4).integers(-1000, 2000, (9, 10, 6)).astype(np.int16)


def refused(path: Path) -> SuwenError:
    with pytest.raises(SuwenError) as error:
        read_volume(path, kind="image")
    assert error.value.fix
    assert "SECRET" not in str(error.value)
    return error.value


def test_slices_are_put_in_order_by_their_place(
    series: Series, folder: Folder, body: NDArray[np.int16]
) -> None:
    volume = read_volume(folder(series(body)), kind="image")
    np.testing.assert_array_equal(volume.array, body)
    np.testing.assert_allclose(volume.spacing_mm, [0.5, 0.75, 2.0])
    np.testing.assert_allclose(volume.to_lps([[0, 0, 0], [2, 4, 5]]), [[-5, -6, 7], [-4, -3, 17]])
    assert volume.frame_of_reference == "1.2.9"
    assert volume.handedness == "right"
    assert volume.notes == ("rescaled: slope 1, intercept -1024",)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ((0, 1, 0), (0, 0, -1)),
        ((1, 0, 0), (0, 0, -1)),
        ((0.8, 0.6, 0), (-0.6, 0.8, 0)),
        ((-1, 0, 0), (0, 1, 0)),
    ],
)
def test_any_orientation_lands_where_dicom_says(
    series: Series, folder: Folder, body: NDArray[np.int16], row: Any, column: Any
) -> None:
    volume = read_volume(folder(series(body, row=row, column=column)), kind="image")
    index = np.array([3, 7, 4])
    # PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1, for the pixel of that slice.
    want = np.array([-5, -6, 7]) + np.array(row) * 0.5 * 3 + np.array(column) * 0.75 * 7
    want = want + np.cross(row, column) * 2.0 * 4
    np.testing.assert_allclose(volume.to_lps(index), [want], atol=1e-5)
    assert volume.array[tuple(index)] == body[tuple(index)]


def test_an_independent_reader_agrees(series: Series, folder: Folder, body: NDArray[np.int16]) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = folder(series(body, row=(0.8, 0.6, 0), column=(0, 0, -1)))
    volume = read_volume(path, kind="image")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path)))
    image = reader.Execute()
    values = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    for index in np.random.default_rng(2).integers(0, volume.shape, (20, 3)):
        there = image.TransformIndexToPhysicalPoint([int(at) for at in index])
        mine = volume.to_index(there)[0]
        np.testing.assert_allclose(mine, np.rint(mine), atol=1e-4)
        assert volume.array[tuple(np.rint(mine).astype(int))] == values[tuple(index)]


def of(plane: int, **elements: Any) -> Callable[[int, Dataset], None]:
    def change(at: int, data: Dataset) -> None:
        if at == plane:
            for keyword, value in elements.items():
                if value is None:
                    delattr(data, keyword)
                else:
                    setattr(data, keyword, value)

    return change


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"SeriesInstanceUID": "9.9"}, "mixed-series"),
        ({"FrameOfReferenceUID": "9.9"}, "mixed-frames"),
        ({"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]}, "mixed-orientation"),
        ({"PixelSpacing": [0.75, 0.6]}, "mixed-grid"),
        ({"Rows": 5}, "mixed-grid"),
        ({"ImagePositionPatient": None}, "missing-orientation"),
        ({"ImageOrientationPatient": None}, "missing-orientation"),
        ({"PixelSpacing": None}, "no-spacing"),
        ({"PixelSpacing": [0, 0.5]}, "no-spacing"),
        ({"ImagePositionPatient": [-5, 1e200, 11]}, "implausible-size"),
        ({"ImagePositionPatient": [-5, -6, 9]}, "duplicate-slices"),
        ({"ImagePositionPatient": [-5, -6, 11.4]}, "uneven-spacing"),
        ({"ImagePositionPatient": [-5, -6.2, 11]}, "uneven-spacing"),
        ({"NumberOfFrames": 3}, "mixed-series"),
        ({"SamplesPerPixel": 3}, "not-numbers"),
    ],
)
def test_slices_that_are_no_volume_are_refused(
    series: Series, folder: Folder, body: NDArray[np.int16], elements: Any, code: str
) -> None:
    assert refused(folder(series(body, change=of(2, **elements)))).code == code


def test_a_missing_slice_is_noticed(series: Series, folder: Folder, body: NDArray[np.int16]) -> None:
    slices = series(body)
    error = refused(folder(slices[:2] + slices[3:]))
    assert error.code == "missing-slices"
    assert "1 slices are missing" in str(error)


def test_three_of_four_slices_are_too_few(series: Series, folder: Folder, body: NDArray[np.int16]) -> None:
    slices = series(body)
    assert refused(folder([slices[0], slices[1], slices[3]])).code == "missing-slices"


def test_a_tilted_gantry_is_refused(series: Series, folder: Folder, body: NDArray[np.int16]) -> None:
    def tilt(plane: int, data: Dataset) -> None:
        data.ImagePositionPatient = [-5, -6 + 0.3 * plane, 7 + 2 * plane]

    assert refused(folder(series(body, change=tilt))).code == "sheared"


def test_rounded_positions_are_one_even_stack(series: Series, folder: Folder) -> None:
    body = np.arange(9 * 10 * 60).reshape(9, 10, 60) % 3000 - 1000

    def rounded(plane: int, data: Dataset) -> None:
        data.ImagePositionPatient = [-5, -6, round(7 + plane * 2 / 3, 2)]

    volume = read_volume(folder(series(body, change=rounded)), kind="image")
    np.testing.assert_allclose(volume.spacing_mm[2], 2 / 3, atol=1e-4)


def test_one_slice_is_no_volume(series: Series, folder: Folder, body: NDArray[np.int16]) -> None:
    assert refused(folder(series(body)[:1])).code == "single-slice"


def test_other_files_are_left_out_and_counted(
    series: Series, folder: Folder, body: NDArray[np.int16]
) -> None:
    volume = read_volume(folder(series(body), README_txt=b"hello", empty_=b""), kind="image")
    assert "files left out: 2" in volume.notes


def test_a_slice_that_is_damaged_is_not_left_out(
    series: Series, folder: Folder, body: NDArray[np.int16]
) -> None:
    slices = series(body)
    assert refused(folder(slices, last_dcm=b"no slice at all, but named as one")).code == "not-dicom"


def test_a_cut_slice_is_refused(series: Series, folder: Folder, body: NDArray[np.int16]) -> None:
    slices = series(body)
    slices[3] = slices[3][:-40]
    assert refused(folder(slices)).code == "truncated"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "empty-folder"
    with pytest.raises(SuwenError) as error:
        read_volume(tmp_path / "no-such", kind="image")
    assert error.value.code == "not-found"


def test_ct_without_rescale_says_that_hu_are_not_known(
    series: Series, folder: Folder, body: NDArray[np.int16]
) -> None:
    def without(plane: int, data: Dataset) -> None:
        del data.RescaleSlope, data.RescaleIntercept

    volume = read_volume(folder(series(body, change=without)), kind="image")
    assert volume.notes == ("no rescale slope: values as stored, not known to be HU",)
    assert volume.array.min() >= 0


def test_animals_on_four_legs_have_other_axes(
    series: Series, folder: Folder, body: NDArray[np.int16]
) -> None:
    def animal(plane: int, data: Dataset) -> None:
        data.AnatomicalOrientationType = "QUADRUPED"

    assert refused(folder(series(body, change=animal))).code == "missing-frame"
