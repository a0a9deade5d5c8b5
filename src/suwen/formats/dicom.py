"""One DICOM object, read from its bytes to a picture or to a coded refusal.

Nothing a patient could be known by enters a message, a note or a log.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.dicom_object import broken, parsed, quiet
from suwen.formats.dicom_pixels import PIXEL_KEYWORDS, padding, stored_values
from suwen.formats.grayscale import display_values, modality_values
from suwen.formats.image import ClinicalImage, grey
from suwen.formats.luts import palette

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import FileDataset

DERIVED = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose grid",
}
"""SOP classes whose pixels are results and not pictures (PS3.4 B.5)."""

_PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")  # PS3.5 table 6.2-1, VR CS


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
    with quiet():
        dataset = parsed(data)
        try:
            _check_kind(dataset, cut=any(tag in data for tag in _PIXEL_TAGS))
            return _picture(dataset, len(data))
        except SuwenError:
            raise
        except Exception as error:  # decoders raise nearly every type; none of their text is repeated
            raise broken(error) from None


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
    with quiet():
        dataset = parsed(data, pixels=False)
        try:
            uid = str(dataset.get("SOPInstanceUID") or "").strip() or None
            patient = str(dataset.get("PatientID") or "").strip()
        except Exception:  # a value that cannot be decoded names nobody
            return None, None
    return uid, f"p{hashlib.sha256(patient.encode()).hexdigest()[:16]}" if patient else None


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
