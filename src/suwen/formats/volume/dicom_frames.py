"""DICOM objects that hold a volume by themselves: enhanced CT and MR, and segmentations (PS3.3 C.7.6.16, C.8.20)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.dicom_object import broken, parsed, quiet
from suwen.formats.dicom_pixels import PIXEL_KEYWORDS, PLUGINS
from suwen.formats.grayscale import modality_values
from suwen.formats.rle import unpack_rle
from suwen.formats.volume.dicom_stack import Plane, Stack, check_upright, plane_of, stacked
from suwen.formats.volume.source import sized, three, voxels
from suwen.formats.volume.structures import plain
from suwen.formats.volume.volume import Kind, Volume

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
RLE = "1.2.840.10008.1.2.5"
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")


def read_enhanced(data: bytes, kind: Kind) -> Volume:
    """Read one multi-frame object.

    A segmentation becomes labels: segment numbers, with the segments' labels as names. Planes that it leaves
    out are background, as the standard has it.

    Parameters
    ----------
    data
        The whole object.
    kind
        ``labels`` or ``image``.

    Raises
    ------
    BadInput
        ``single-slice``, ``no-pixels``, ``derived-object`` (a segmentation where an image is asked for),
        ``not-labels`` (a fractional segmentation), ``overlapping-segments``, ``not-numbers``, ``too-large``,
        and what :func:`~suwen.formats.volume.dicom_stack.stacked` refuses.
    Unreadable
        ``undecodable-header``, ``truncated``, ``no-codec`` or ``undecodable-pixels``.
    """
    with quiet():
        dataset = parsed(data)
        try:
            return sized(_volume(dataset, kind), unit_stated=True)
        except SuwenError:
            raise
        except Exception as error:  # decoders raise nearly every type; none of their text is repeated
            raise broken(error) from None


def _volume(dataset: Any, kind: Kind) -> Volume:
    sop_class = str(dataset.get("SOPClassUID") or "")
    segments = sop_class in (SEGMENTATION, LABEL_MAP)
    _check(dataset, kind, segments=segments)
    groups = _groups(dataset)
    planes = [_plane(own, shared) for own, shared in groups]
    gap = _gap(groups[0]) if segments else None
    stack = stacked(planes, sparse=segments, gap_mm=gap)
    sides = three((int(dataset.Columns), int(dataset.Rows), stack.planes))
    notes: tuple[str, ...] = ()
    names: Mapping[int, str] = {}
    array: NDArray[Any]
    if segments:
        names = _segment_names(dataset)
        array = _labels(dataset, groups, stack, sides, mapped=sop_class == LABEL_MAP)
        bare = stack.planes - len(set(stack.plane_of))
        notes = (f"planes without a frame, background: {bare}",) if bare else ()
    else:
        array, notes = _image(dataset, groups, stack, sides)
    frame = str(dataset.get("FrameOfReferenceUID") or "").strip()
    return Volume(
        array=array,
        affine_lps=stack.affine_lps,
        kind=kind,
        names=names,
        frame_of_reference=frame or None,
        source_format="dicom-seg" if segments else "dicom",
        notes=notes if frame else (*notes, "no frame of reference is stated"),
    )


def _check(dataset: Any, kind: Kind, *, segments: bool) -> None:
    if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
        raise BadInput("the object holds no pixels", fix="Send the whole object", code="no-pixels")
    if segments and kind == "image":
        raise BadInput(
            "the object is a segmentation and not an image", fix="Send the image", code="derived-object"
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames < 2 and not segments:
        raise BadInput(
            "the object is a single slice", fix="Name the folder of its whole series", code="single-slice"
        )
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise BadInput("the frames are in colour", fix="Give CT or MR", code="not-numbers")
    if segments and str(dataset.get("SegmentationType") or "").upper() == "FRACTIONAL":
        raise BadInput(
            "the segmentation is fractional: its borders are not stated",
            fix="Export it as a binary segmentation",
            code="not-labels",
        )
    voxels((int(dataset.Columns), int(dataset.Rows), frames))
    check_upright(dataset)


def _groups(dataset: Any) -> list[tuple[Any, Any]]:
    """For each frame, its own functional groups and those that all frames share."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or [None]
    own = dataset.get("PerFrameFunctionalGroupsSequence")
    if not own:
        raise BadInput(
            "the frames do not say where they lie in the patient",
            fix="Send enhanced CT or MR, or the single slices",
            code="missing-orientation",
        )
    if len(own) != int(dataset.get("NumberOfFrames") or 1):
        raise Unreadable(
            "the object describes another number of frames than it holds",
            fix="Export it again",
            code="undecodable-header",
        )
    return [(item, shared[0]) for item in own]


def _macro(groups: tuple[Any, Any], keyword: str) -> Any:
    """A functional group of a frame: its own, else the shared one."""
    for group in groups:
        found = None if group is None else group.get(keyword)
        if found:
            return found[0]
    return None


def _plane(own: Any, shared: Any) -> Plane:
    groups = (own, shared)
    return plane_of(
        _macro(groups, "PlanePositionSequence"),
        _macro(groups, "PlaneOrientationSequence"),
        _macro(groups, "PixelMeasuresSequence"),
    )


def _gap(groups: tuple[Any, Any]) -> float | None:
    measures = _macro(groups, "PixelMeasuresSequence")
    given = None if measures is None else measures.get("SpacingBetweenSlices")
    return abs(float(given)) if given else None


def _frames(dataset: Any) -> Iterator[NDArray[Any]]:
    """Stored values (H, W) of each frame in turn, decoded by the codec that the house trusts."""
    from pydicom.encaps import generate_frames
    from pydicom.pixels.utils import pixel_array

    rows, columns = int(dataset.Rows), int(dataset.Columns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if syntax in NATIVE:
        yield from pixel_array(dataset).reshape(frames, rows, columns)
    elif syntax == RLE:
        bits = int(dataset.BitsAllocated)
        signed = "i" if int(dataset.PixelRepresentation) else "u"
        for packed in generate_frames(dataset.PixelData, number_of_frames=frames):
            plain = unpack_rle(packed, pixels=rows * columns, samples=1, sample_bytes=bits // 8)
            yield np.frombuffer(plain, f"<{signed}{bits // 8}").reshape(rows, columns)
    elif syntax in PLUGINS:
        for at in range(frames):
            yield pixel_array(dataset, index=at, decoding_plugin=PLUGINS[syntax]).reshape(rows, columns)
    else:
        raise Unreadable(
            "no decoder is installed for the transfer syntax", fix="Export it uncompressed", code="no-codec"
        )


def _image(
    dataset: Any, groups: list[tuple[Any, Any]], stack: Stack, sides: tuple[int, int, int]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    array = np.zeros(sides, np.float32)
    said: set[str] = set()
    for frame, group, plane in zip(_frames(dataset), groups, stack.plane_of, strict=True):
        values, notes = modality_values(frame, _macro(group, "PixelValueTransformationSequence") or dataset)
        array[:, :, plane] = values.T
        said |= set(notes)
    return array, tuple(sorted(said))


def _labels(
    dataset: Any,
    groups: list[tuple[Any, Any]],
    stack: Stack,
    sides: tuple[int, int, int],
    *,
    mapped: bool,
) -> NDArray[np.uint32]:
    array = np.zeros(sides, np.uint32)
    nothing = dataset.get("PixelPaddingValue") if mapped else None
    seen: set[tuple[int, int]] = set()
    for frame, group, plane in zip(_frames(dataset), groups, stack.plane_of, strict=True):
        number = 0 if mapped else _segment_of(group)
        if (number, plane) in seen:
            raise BadInput(
                "two frames show the same plane of the same segment",
                fix="Export one volume of labels",
                code="duplicate-slices",
            )
        seen.add((number, plane))
        values = frame.T.astype(np.uint32) if mapped else (frame.T > 0) * np.uint32(number)
        if nothing is not None:  # PS3.3 C.8.20.4: what is of no segment may have a value of its own
            values[values == int(nothing)] = 0
        there = array[:, :, plane]
        if (there[values > 0] > 0).any():
            raise BadInput(
                "segments of the object overlap",
                fix="Export a segmentation in which each voxel is of one structure",
                code="overlapping-segments",
            )
        there[values > 0] = values[values > 0]
    return array


def _segment_of(groups: tuple[Any, Any]) -> int:
    item = _macro(groups, "SegmentIdentificationSequence")
    number = 0 if item is None else int(item.get("ReferencedSegmentNumber") or 0)
    if number < 1:
        raise Unreadable(
            "a frame does not say of which segment it is", fix="Export it again", code="undecodable-header"
        )
    return number


def _segment_names(dataset: Any) -> dict[int, str]:
    found: dict[int, str] = {
        int(item.SegmentNumber): str(item.get("SegmentLabel") or "").strip()
        for item in dataset.get("SegmentSequence") or ()
    }
    if plain(found.get(0, "background")) not in ("", "background"):
        raise BadInput(
            f"the structure '{found[0]}' has the number 0, which is background",
            fix="Number the segments from 1",
            code="not-labels",
        )
    return {number: name for number, name in found.items() if number and name}
