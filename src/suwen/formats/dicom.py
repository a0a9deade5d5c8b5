"""One DICOM object, read from its bytes to a picture or to a coded refusal.

Nothing a patient could be known by enters a message, a note or a log: ``pydicom`` quotes element values
in its warnings, so they are silenced while it works.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import re
import threading
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.dicom_pixels import PIXEL_KEYWORDS, padding, stored_values
from suwen.formats.grayscale import display_values, modality_values
from suwen.formats.image import ClinicalImage, grey
from suwen.formats.luts import palette

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pydicom.dataset import FileDataset

MAX_INFLATED_BYTES = 512 * 2**20
"""What a deflated object may grow to."""

DERIVED = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose grid",
}
"""SOP classes whose pixels are results and not pictures (PS3.4 B.5)."""

_PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_LOUD = ("pydicom", "pylibjpeg", "openjpeg", "jpeg_ls")
_NOWHERE = logging.NullHandler()
_ONE_AT_A_TIME = threading.RLock()
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")  # PS3.5 table 6.2-1, VR CS
_VR = re.compile(rb"[A-Z]{2}")


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are plausibly DICOM: ``DICM`` at 128, or a first element of group 2, 4 or 8."""
    if data[128:132] == b"DICM":
        return True
    head = data[:8]
    if len(head) < 8:
        return False
    order: Any
    for order in ("little", "big"):
        group, element = (int.from_bytes(head[at : at + 2], order) for at in (0, 2))
        if group in (2, 4, 8) and element <= 0x1600:
            explicit = _VR.fullmatch(head[4:6]) is not None
            implicit = order == "little" and int.from_bytes(head[4:8], order) <= 1024
            if explicit or implicit:
                return True
    return False


def read_dicom(data: bytes) -> ClinicalImage:
    """Decode a single-frame object to grey, bright = dense, as its own window shows it.

    Rescale or modality LUT, VOI LUT or window, MONOCHROME1, padding, palettes and colour are resolved;
    what was done is in ``notes``. Physical size and orientation are not read and never guessed.

    Parameters
    ----------
    data
        The whole file; the preamble may be missing.

    Raises
    ------
    BadInput
        ``no-pixels``, ``multi-frame``, ``derived-object``, ``too-large``, ``empty-image``,
        ``image-too-small`` or ``not-finite``.
    Unreadable
        ``not-dicom``, ``undecodable-header``, ``no-codec``, ``truncated`` or ``undecodable-pixels``.
    """
    with _quiet():
        dataset = _parse(data)
        try:
            _check_kind(dataset, cut=any(tag in data for tag in _PIXEL_TAGS))
            return _picture(dataset, len(data))
        except SuwenError:
            raise
        except Exception as error:  # decoders raise nearly every type; none of their text is repeated
            raise _broken(error) from None


def identify(data: bytes) -> tuple[str | None, str | None]:
    """SOP Instance UID, and a subject derived from Patient ID, of one object.

    The subject is the first 16 hex digits of the SHA-256 of Patient ID (0010,0020), the same for every
    file of a patient; the identifier itself is not kept. It hides it from the eye, not from somebody
    who can try all identifiers.

    Returns
    -------
    tuple
        ``None`` for what the object does not say.

    Raises
    ------
    Unreadable
        ``not-dicom``, ``undecodable-header`` or ``truncated``.
    """
    with _quiet():
        dataset = _parse(data, pixels=False)
        try:
            uid = str(dataset.get("SOPInstanceUID") or "").strip() or None
            patient = str(dataset.get("PatientID") or "").strip()
        except Exception:  # a value that cannot be decoded names nobody
            return None, None
    return uid, f"p{hashlib.sha256(patient.encode()).hexdigest()[:16]}" if patient else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warning and no log line of the libraries; one thread at a time, as filters are global."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in _LOUD]
        before = [logger.propagate for logger in loggers]
        for logger in loggers:  # what their children log arrives here, and goes no further
            logger.propagate = False
            logger.addHandler(_NOWHERE)
        try:
            yield
        finally:
            for logger, was in zip(loggers, before, strict=True):
                logger.propagate = was
                logger.removeHandler(_NOWHERE)


def _parse(data: bytes, *, pixels: bool = True) -> FileDataset:
    import pydicom

    if not is_dicom(data):
        raise Unreadable(
            "this is not a DICOM object", fix="Send the file as the archive exported it", code="not-dicom"
        )
    try:
        _check_deflated(data)
        return pydicom.dcmread(io.BytesIO(data), force=True, stop_before_pixels=not pixels)
    except SuwenError:
        raise
    except EOFError:
        raise Unreadable(
            "the object ends within an element", fix="Send the whole file", code="truncated"
        ) from None
    except Exception:
        raise Unreadable(
            "the elements of the object cannot be parsed", fix="Export it again", code="undecodable-header"
        ) from None


def _check_deflated(data: bytes) -> None:
    """Inflate within bounds before pydicom does so without any."""
    if data[128:132] != b"DICM" or _DEFLATED not in data[132:4096]:
        return
    at = 132
    while data[at : at + 2] == b"\x02\x00":  # file meta: explicit VR, little endian (PS3.10 7.1)
        long_form = data[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        start, size = (at + 8, 4) if long_form else (at + 6, 2)
        at = start + size + int.from_bytes(data[start : start + size], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = len(inflater.decompress(data[at:], MAX_INFLATED_BYTES))
    if inflated >= MAX_INFLATED_BYTES:
        raise BadInput(
            "the deflated object is too large once inflated", fix="Send one picture", code="too-large"
        )
    if not inflater.eof:
        raise Unreadable("the deflated object is cut short", fix="Send the whole file", code="truncated")


def _check_kind(dataset: FileDataset, *, cut: bool) -> None:
    kind = DERIVED.get(str(dataset.get("SOPClassUID") or ""))
    if kind is not None:
        raise BadInput(
            f"the object is {kind}, a result and not a picture",
            fix="Send the image it was made from",
            code="derived-object",
        )
    if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
        if cut:  # the tag of Pixel Data stands in the file, and the parser found no whole element
            raise Unreadable("the pixels are cut short", fix="Send the whole file", code="truncated")
        raise BadInput(
            "the object holds no pixels",
            fix="Send an image object; if this is one, its end is missing",
            code="no-pixels",
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise BadInput(
            f"the object holds {frames} frames", fix="Send single frames, one object each", code="multi-frame"
        )


def _picture(dataset: FileDataset, file_bytes: int) -> ClinicalImage:
    stored, notes = stored_values(dataset)
    photometric = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper()
    is_float = stored.dtype.kind == "f"
    bits = stored.dtype.itemsize * 8 if is_float else int(dataset.get("BitsStored") or 8)
    if photometric == "PALETTE COLOR" or stored.ndim == 3:
        pixels, said = _colour(stored, dataset, photometric, bits)
    else:
        pixels, said = _monochrome(stored, dataset, photometric, bits)
    return ClinicalImage(
        pixels=pixels.astype(np.float32),
        source_format="dicom",
        bit_depth=bits,
        modality=_code(dataset, "Modality"),
        body_part=_code(dataset, "BodyPartExamined"),
        view=_code(dataset, "ViewPosition"),
        file_bytes=file_bytes,
        notes=(*notes, *said),
    )


def _colour(
    stored: NDArray[Any], dataset: FileDataset, photometric: str, bits: int
) -> tuple[NDArray[Any], tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    top = float(2**bits - 1)
    if photometric == "PALETTE COLOR":
        stored, top = palette(stored, dataset)
        notes = ("palette resolved",)
    values, said = grey(stored, top=top)
    return np.clip(values / top, 0, 1), (*notes, *said)


def _monochrome(
    stored: NDArray[Any], dataset: FileDataset, photometric: str, bits: int
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise BadInput(
            "the picture holds NaN or infinite values",
            fix="Export it again with finite pixel values",
            code="not-finite",
        )
    padded = padding(stored, dataset)
    values, notes = modality_values(stored, dataset)
    # Eight plain bits are a picture ready for display, the same one as a PNG of them.
    ready = stored.dtype.kind == "u" and bits <= 8 and not notes
    pixels, said = display_values(values, dataset, ~padded, full_range=2**bits - 1 if ready else None)
    notes = (*notes, *said)
    inverse = str(dataset.get("PresentationLUTShape") or "").upper() == "INVERSE"
    if photometric == "MONOCHROME1" or inverse:  # in DX the two always come together: one inversion
        pixels = 1 - pixels
        notes = (*notes, "inverted MONOCHROME1" if photometric == "MONOCHROME1" else "inverted")
    if padded.any():
        pixels = np.where(padded, 0.0, pixels)
        notes = (*notes, "padding set to black")
    return pixels, notes


def _code(dataset: FileDataset, keyword: str) -> str | None:
    """A code string, or nothing when it is not one: free text might name a person."""
    value = str(dataset.get(keyword) or "").strip()
    return value if _CODE_STRING.fullmatch(value) else None


def _broken(error: Exception) -> Unreadable:
    text = str(error).lower()
    if "less than expected" in text or isinstance(error, EOFError) or "unexpected end" in text:
        return Unreadable("the pixels are cut short", fix="Send the whole file", code="truncated")
    return Unreadable(
        "the pixels of the object cannot be decoded", fix="Export it again", code="undecodable-pixels"
    )
