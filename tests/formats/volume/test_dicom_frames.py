"""DICOM objects that hold a whole volume: enhanced images and segmentations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from suwen.core.errors import SuwenError
from suwen.formats.volume.read import read_volume

Build = Callable[..., bytes]
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"


def at(*levels: float) -> list[tuple[float, float, float]]:
    return [(-5.0, -6.0, level) for level in levels]


def refused(data: bytes, kind: Any = "labels") -> str:
    with pytest.raises(SuwenError) as error:
        read_volume(data, kind=kind)
    assert error.value.fix
    return error.value.code


@pytest.fixture
def frames() -> NDArray[np.uint16]:
    """Four frames (4, 9, 8), each with values of its own."""
    return np.random.default_rng(3).integers(0, 2000, (4, 9, 8)).astype(np.uint16)


@pytest.mark.parametrize("compress", ["", RLELossless])
def test_frames_are_put_in_order_and_rescaled(
    enhanced: Build, frames: NDArray[np.uint16], compress: str
) -> None:
    volume = read_volume(enhanced(frames, at(4, 0, 6, 2), compress=compress), kind="image")
    want = frames[[1, 3, 0, 2]].transpose(2, 1, 0) * 2.0 - 1000
    np.testing.assert_array_equal(volume.array, want)
    np.testing.assert_allclose(volume.spacing_mm, [0.5, 0.75, 2])
    np.testing.assert_allclose(volume.to_lps([0, 0, 3]), [[-5, -6, 6]])
    assert volume.frame_of_reference == "1.2.9"


def test_frames_that_are_no_volume_are_refused(enhanced: Build, frames: NDArray[np.uint16]) -> None:
    assert refused(enhanced(frames, at(0, 2, 4, 4)), "image") == "duplicate-slices"
    assert refused(enhanced(frames, at(0, 2, 4, 8)), "image") == "missing-slices"
    assert refused(enhanced(frames, at(0, 2, 4, 7)), "image") == "uneven-spacing"
    assert refused(enhanced(frames[:1], at(0)), "image") == "single-slice"
    assert refused(enhanced(frames, at(0, 2, 4)), "image") == "undecodable-header"

    def bare(data: Dataset) -> None:
        del data.PerFrameFunctionalGroupsSequence

    assert refused(enhanced(frames, at(0, 2, 4, 6), change=bare), "image") == "missing-orientation"
    assert refused(enhanced(frames, at(0, 2, 4, 6))[:-30], "image") == "truncated"

    def huge(data: Dataset) -> None:
        data.Rows = data.Columns = 60_000

    assert refused(enhanced(frames, at(0, 2, 4, 6), change=huge), "image") == "too-large"


@pytest.fixture
def masks() -> NDArray[np.uint8]:
    """Frames of two segments that do not overlap: segment 1 on two planes, segment 2 on two."""
    made = np.zeros((4, 9, 8), np.uint8)
    made[0, 1:3, 2:5] = made[1, 2:4, 2:5] = made[2, 6:8, 5:7] = made[3, 7, 5] = 1
    return made


def segmentation(enhanced: Build, masks: NDArray[np.uint8], levels: Any, **changed: Any) -> bytes:
    said = {
        "segments": [1, 1, 2, 2], "names": {1: "Left thalamus", 2: "Vessel"}, "sop_class": SEGMENTATION, "bits": 1,
    }  # fmt: skip
    return enhanced(masks, at(*levels), **(said | changed))


def test_segments_become_labels_with_names(enhanced: Build, masks: NDArray[np.uint8]) -> None:
    volume = read_volume(segmentation(enhanced, masks, (2, 4, 4, 10)), kind="labels")
    assert volume.shape == (8, 9, 5)  # planes 2, 4, 6, 8, 10
    want = np.zeros((8, 9, 5), int)
    want[:, :, 0] = masks[0].T
    want[:, :, 1] = masks[1].T + 2 * masks[2].T
    want[:, :, 4] = 2 * masks[3].T
    np.testing.assert_array_equal(volume.array, want)
    assert volume.value_of("left thalamus") == 1
    np.testing.assert_allclose(volume.to_lps([0, 0, 1]), [[-5, -6, 4]])
    assert volume.notes == ("planes without a frame, background: 2",)
    assert volume.source_format == "dicom-seg"


def test_without_a_stated_gap_the_smallest_is_taken(enhanced: Build, masks: NDArray[np.uint8]) -> None:
    volume = read_volume(segmentation(enhanced, masks, (2, 4, 4, 10), gap=None), kind="labels")
    assert volume.shape == (8, 9, 5)
    assert refused(segmentation(enhanced, masks, (2, 4, 4, 9), gap=None)) == "uneven-spacing"
    assert refused(segmentation(enhanced, masks, (2, 4, 4, 9))) == "uneven-spacing"


def test_segments_that_are_no_labels_are_refused(enhanced: Build, masks: NDArray[np.uint8]) -> None:
    assert refused(segmentation(enhanced, masks[[0, 1, 1, 3]], (2, 4, 4, 10))) == "overlapping-segments"
    assert refused(segmentation(enhanced, masks, (2, 2, 4, 6))) == "duplicate-slices"
    assert refused(segmentation(enhanced, masks * 0, (2, 4, 4, 6))) == "empty-labels"
    assert (
        refused(segmentation(enhanced, masks, (2, 2, 2, 2), segments=[1, 2, 3, 4])) == "not-three-dimensional"
    )
    assert refused(segmentation(enhanced, masks, (2, 4, 4, 6)), "image") == "derived-object"

    def fractional(data: Dataset) -> None:
        data.SegmentationType = "FRACTIONAL"

    assert refused(segmentation(enhanced, masks, (2, 4, 4, 6), bits=8, change=fractional)) == "not-labels"
    assert refused(segmentation(enhanced, masks, (2, 4, 4, 6), segments=[0, 1, 1, 2])) == "undecodable-header"


def test_a_label_map_is_read_as_it_is(enhanced: Build) -> None:
    values = np.random.default_rng(1).integers(0, 4, (3, 9, 8)).astype(np.uint8)
    data = enhanced(values, at(0, 2, 4), names={1: "a", 3: "c"}, sop_class=LABEL_MAP, bits=8)
    volume = read_volume(data, kind="labels")
    np.testing.assert_array_equal(volume.array, values.transpose(2, 1, 0))
    assert dict(volume.names) == {1: "a", 3: "c"}


def test_padding_and_segment_0_of_a_label_map_are_background(enhanced: Build) -> None:
    values = np.random.default_rng(1).integers(0, 4, (3, 9, 8)).astype(np.uint8)

    def padded(data: Dataset) -> None:
        data.PixelPaddingValue = 3

    said: Any = {"sop_class": LABEL_MAP, "bits": 8}
    data = enhanced(values, at(0, 2, 4), names={0: "Background", 1: "a"}, change=padded, **said)
    volume = read_volume(data, kind="labels")
    np.testing.assert_array_equal(volume.array, np.where(values == 3, 0, values).transpose(2, 1, 0))
    assert dict(volume.names) == {1: "a"}
    assert refused(enhanced(values, at(0, 2, 4), names={0: "vessel"}, **said)) == "not-labels"


def test_a_single_object_in_a_folder_is_that_object(
    enhanced: Build, masks: NDArray[np.uint8], folder: Callable[..., Any]
) -> None:
    data = segmentation(enhanced, masks, (2, 4, 4, 10))
    alone = read_volume(folder([data]), kind="labels")
    assert alone.content_key() == read_volume(data, kind="labels").content_key()
