"""A folder of DICOM slices as one volume: one series, one frame, one orientation, no slice missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.dicom_object import broken, is_dicom, parsed, quiet
from suwen.formats.dicom_pixels import PIXEL_KEYWORDS, stored_values
from suwen.formats.grayscale import modality_values
from suwen.formats.read import DICOM_SUFFIXES, naming
from suwen.formats.volume.dicom_frames import read_enhanced
from suwen.formats.volume.dicom_stack import check_upright, plane_of, stacked
from suwen.formats.volume.source import content, sized, three
from suwen.formats.volume.volume import Kind, Volume

MAX_FILES = 10_000
"""A folder with more files is refused before it is read."""


def read_series(folder: Path, kind: Kind) -> Volume:
    """Read the slices of one CT or MR series; values of CT are in HU.

    Slices are put in order by their place along the normal, never by name or number. Files that are no DICOM
    objects, or objects without pixels, are left out, and a note says how many.

    Parameters
    ----------
    folder
        Searched with its folders. A single multi-frame object or segmentation in it is read as such.
    kind
        ``labels`` or ``image``.

    Raises
    ------
    BadInput
        ``empty-folder``, ``too-many-files``, ``mixed-series``, ``mixed-frames``, ``mixed-grid``,
        ``single-slice``, ``not-numbers``, and what :func:`~suwen.formats.volume.dicom_stack.stacked`
        refuses.
    Unreadable
        ``not-dicom`` for a file named .dcm that is none, and what
        :func:`~suwen.formats.dicom_pixels.stored_values` refuses.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if len(files) > MAX_FILES:
        raise BadInput(f"the folder holds {len(files)} files", fix="Name one series", code="too-many-files")
    slices: list[tuple[Path, Any]] = []
    with quiet(), _decoding():
        for path in files:
            header = _header(path)
            if header is not None:
                slices.append((path, header))
    if not slices:
        raise BadInput(
            "the folder holds no DICOM slices", fix="Name the folder of one series", code="empty-folder"
        )
    left_out = len(files) - len(slices)
    if len(slices) == 1:
        return read_enhanced(content(slices[0][0]), kind)
    headers = [header for _, header in slices]
    with quiet(), _decoding():
        _check_one_series(headers)
        return _volume(slices, headers, kind, left_out)


def _header(path: Path) -> Any:
    """The elements of a slice; ``None`` for what is none."""
    with naming(path):
        try:
            data = content(path)
        except Unreadable as error:
            if error.code == "empty-file" and path.suffix.lower() not in DICOM_SUFFIXES:
                return None
            raise
        if not is_dicom(data):
            if path.suffix.lower() in DICOM_SUFFIXES:
                raise Unreadable("this is not a DICOM object", fix="Send the series again", code="not-dicom")
            return None
        dataset = parsed(data)
        if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
            if dataset.get("Rows"):  # an image that has lost its pixels is no report
                raise Unreadable("the pixels are cut short", fix="Send the whole file", code="truncated")
            return None
        for keyword in PIXEL_KEYWORDS:
            if keyword in dataset:
                delattr(dataset, keyword)
        return dataset


def _check_one_series(headers: Sequence[Any]) -> None:
    if any(int(header.get("NumberOfFrames") or 1) > 1 for header in headers):
        raise BadInput(
            "the folder holds several objects, one of them with frames", fix="Name one", code="mixed-series"
        )
    for keyword, what, code in (
        ("SeriesInstanceUID", "series", "mixed-series"),
        ("FrameOfReferenceUID", "frames of reference", "mixed-frames"),
        ("Rows", "numbers of rows", "mixed-grid"),
        ("Columns", "numbers of columns", "mixed-grid"),
    ):
        found = {str(header.get(keyword) or "") for header in headers}
        if len(found) > 1:
            raise BadInput(
                f"the folder holds slices of {len(found)} {what}", fix="Name one series", code=code
            )
    if any(int(header.get("SamplesPerPixel") or 1) != 1 for header in headers):
        raise BadInput("the slices are in colour", fix="Give CT or MR slices", code="not-numbers")
    check_upright(headers[0])


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn what decoders raise on broken objects into our refusal, without their text."""
    try:
        yield
    except SuwenError:
        raise
    except Exception as error:
        raise broken(error) from None


def _volume(slices: Sequence[tuple[Path, Any]], headers: Sequence[Any], kind: Kind, left_out: int) -> Volume:
    stack = stacked([plane_of(header, header, header) for header in headers], sparse=False)
    sides = three((int(headers[0].Columns), int(headers[0].Rows), stack.planes))
    array: NDArray[np.float32] = np.zeros(sides, np.float32)
    said: set[str] = set()
    for (path, header), plane in zip(slices, stack.plane_of, strict=True):
        with naming(path):
            values, notes = stored_values(parsed(content(path)))
            rescaled, more = modality_values(values, header)
            array[:, :, plane] = rescaled.T
            said |= {*notes, *more}
    if str(headers[0].get("Modality") or "") == "CT" and "RescaleSlope" not in headers[0]:
        said.add("no rescale slope: values as stored, not known to be HU")
    frame = str(headers[0].get("FrameOfReferenceUID") or "").strip()
    notes = tuple(sorted(said)) + ((f"files left out: {left_out}",) if left_out else ())
    volume = Volume(
        array=array,
        affine_lps=stack.affine_lps,
        kind=kind,
        frame_of_reference=frame or None,
        source_format="dicom",
        notes=notes if frame else (*notes, "no frame of reference is stated"),
    )
    return sized(volume, unit_stated=True)
