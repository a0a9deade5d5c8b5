"""Stored pixel values of one DICOM object, decoded by the codec we trust for each transfer syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, Unreadable
from suwen.formats.codestream import J2K_START, JP2_BOX, JPEG_START, declared_size, frame_marker
from suwen.formats.image import check_size
from suwen.formats.rle import unpack_rle

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import FileDataset
    from pydicom.uid import UID

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"

# One named plug-in each, so that a result never depends on what else is installed. The GPL codec
# pylibjpeg-libjpeg is not among them, and GDCM serves only JPEG lossless, which nothing else here can.
PLUGINS: dict[str, str] = {
    "1.2.840.10008.1.2.4.50": "pillow",  # JPEG baseline, 8 bits
    JPEG_EXTENDED: "pillow",  # only where it holds 8 bits
    "1.2.840.10008.1.2.4.57": "gdcm",  # JPEG lossless
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.80": "pyjpegls",  # JPEG-LS
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",  # JPEG 2000
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",  # high-throughput JPEG 2000
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}

_RLE = "1.2.840.10008.1.2.5"
_NATIVE = frozenset(
    ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")
)
_MARKER_SYNTAX = {0xC0: "50", 0xC1: "51", 0xC3: "70", 0xF7: "80"}


def stored_values(dataset: FileDataset) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decode one frame: (H, W) grey or palette indices, or (H, W, 3) RGB.

    Returns
    -------
    tuple
        The array as stored (before any LUT), and notes.

    Raises
    ------
    BadInput
        ``empty-image``, ``image-too-small`` or ``too-large`` by the declared size.
    Unreadable
        ``no-codec`` or ``truncated``; whatever else a decoder raises passes through.
    """
    from pydicom.pixels.utils import pixel_array

    rows, columns = int(dataset.Rows), int(dataset.Columns)
    check_size(rows, columns)
    syntax, notes = _transfer_syntax(dataset)
    if syntax not in _NATIVE:
        if syntax not in (*PLUGINS, _RLE) or (syntax == JPEG_EXTENDED and int(dataset.BitsStored) > 8):
            raise _no_codec(syntax)
        frame = _first_frame(dataset)
        if syntax == _RLE:
            _expand_rle(dataset, frame, rows * columns)
        else:
            _check_frame(frame, rows, columns)
    plugin = PLUGINS.get(syntax, "")
    if plugin == "gdcm":
        _silence_gdcm()
    values = pixel_array(dataset, decoding_plugin=plugin)
    if values.ndim == 4 or (values.ndim == 3 and values.shape[-1] != 3):
        raise BadInput(
            f"the object holds an array of {values.ndim} dimensions",
            fix="Send single frames, one object each",
            code="multi-frame",
        )
    return values, notes


def _no_codec(syntax: UID) -> Unreadable:
    return Unreadable(
        f"no decoder is installed for the transfer syntax {syntax.name} ({syntax})",
        fix="Export it uncompressed, or as JPEG 2000, JPEG-LS, RLE or JPEG lossless",
        code="no-codec",
    )


def _transfer_syntax(dataset: FileDataset) -> tuple[UID, tuple[str, ...]]:
    """The declared syntax, or the one the bytes themselves show where none is declared."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = getattr(dataset, "file_meta", None)
    declared = meta.get("TransferSyntaxUID") if meta is not None else None
    if declared:
        return UID(declared), ()
    implicit, little = dataset.original_encoding
    found = UID("1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1")
    if not little:
        found = UID("1.2.840.10008.1.2.2")
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        found = UID(_shown_syntax(_first_frame(dataset)))
    dataset.file_meta = meta if meta is not None else FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = found
    return found, (f"no transfer syntax declared: recognised as {found.name}",)


def _shown_syntax(frame: bytes) -> str:
    if frame.startswith((J2K_START, JP2_BOX)):
        return "1.2.840.10008.1.2.4.91"
    ending = _MARKER_SYNTAX.get(frame_marker(frame) or 0)
    if ending is None:
        raise Unreadable(
            "the object names no transfer syntax and its pixels show none",
            fix="Export it again with its file meta information",
            code="no-codec",
        )
    return f"1.2.840.10008.1.2.4.{ending}"


def _first_frame(dataset: FileDataset) -> bytes:
    from pydicom.encaps import generate_frames

    return next(generate_frames(dataset.PixelData, number_of_frames=1))


def _expand_rle(dataset: FileDataset, frame: bytes, pixels: int) -> None:
    """Put the unpacked values in place of the packed ones, as an uncompressed object would hold them."""
    from pydicom.uid import ExplicitVRLittleEndian

    samples, bits = int(dataset.SamplesPerPixel), int(dataset.BitsAllocated)
    if samples not in (1, 3) or bits not in (8, 16, 32):
        raise ValueError("RLE frames hold 1 or 3 samples of 8, 16 or 32 bits")
    values = unpack_rle(frame, pixels=pixels, samples=samples, sample_bytes=bits // 8)
    dataset.PixelData = values + b"\x00" * (len(values) % 2)
    dataset["PixelData"].VR = "OW"
    dataset["PixelData"].is_undefined_length = False
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if samples > 1:
        dataset.PlanarConfiguration = 1


def _check_frame(frame: bytes, rows: int, columns: int) -> None:
    """Hold the compressed picture's own header against the object's, and find a cut stream.

    Decoders allocate what the stream declares, and some fill what a cut stream lacks with grey.
    """
    size = declared_size(frame)
    if size is not None and size != (rows, columns):
        raise Unreadable(
            f"the compressed picture is {size[0]} x {size[1]} but the object declares {rows} x {columns}",
            fix="Export it again",
            code="undecodable-pixels",
        )
    if frame.startswith((J2K_START, JPEG_START)) and b"\xff\xd9" not in frame[-16:]:
        raise Unreadable(
            "the compressed picture ends before its end marker", fix="Send the whole file", code="truncated"
        )


def _silence_gdcm() -> None:
    import gdcm

    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    gdcm.Trace.DebugOff()


def padding(stored: NDArray[Any], dataset: FileDataset) -> NDArray[np.bool_]:
    """Where stored values are Pixel Padding (PS3.3 C.7.5.1.1.2); all false when that is everything.

    Parameters
    ----------
    stored
        Array (H, W) before any LUT.
    """
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return np.zeros(stored.shape, dtype=bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((value, limit if isinstance(limit, int) else value))
    padded: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return np.zeros_like(padded) if padded.all() else padded
