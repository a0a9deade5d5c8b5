"""PNG and JPEG pictures, decoded by Pillow within limits."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.codestream import JPEG_START, PNG_SIGNATURE, declared_size
from suwen.formats.image import ClinicalImage, check_size, grey, scale_integers

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACCEPTED = "Send one picture as PNG, JPEG, NPZ or DICOM"

SIMULATED_KEY, SIMULATED_VALUE = "suwen", "simulated"
"""PNG tEXt entry that marks a picture as simulated."""

_PAGED = {b"GIF8": "GIF", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}


def is_picture(data: bytes) -> bool:
    """Whether the bytes start as a PNG or a JPEG."""
    return data.startswith((PNG_SIGNATURE, JPEG_START))


def read_picture(data: bytes) -> ClinicalImage:
    """Decode one PNG or JPEG to grey, turned upright by its EXIF orientation.

    Parameters
    ----------
    data
        The whole file.

    Raises
    ------
    BadInput
        ``multi-frame``, ``too-large``, ``empty-image`` or ``image-too-small``.
    Unreadable
        ``unknown-format``, ``truncated`` or ``undecodable-pixels``.
    """
    if not is_picture(data):
        _refuse_other(data)
    size = declared_size(data)
    if size is None:
        raise Unreadable("the picture ends before its size", fix="Send the whole file", code="truncated")
    check_size(*size)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "MPO")) as opened:
            frames = int(getattr(opened, "n_frames", 1))
            if frames > 1:
                raise several_frames(frames)
            opened.load()
            return _convert(opened, data)
    except SuwenError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, zlib.error, struct.error ...
        raise _broken(error) from None


def several_frames(frames: int) -> BadInput:
    """The refusal of a moving or paged picture."""
    return BadInput(
        f"the file holds {frames} frames", fix="Send single frames, one file each", code="multi-frame"
    )


def _refuse_other(data: bytes) -> None:
    name = next((kind for start, kind in _PAGED.items() if data.startswith(start)), None)
    if name is not None:
        try:
            with Image.open(io.BytesIO(data), formats=(name,)) as opened:
                frames = int(getattr(opened, "n_frames", 1))
        except Exception:  # a broken GIF or TIFF is refused below like a whole one
            frames = 1
        if frames > 1:
            raise several_frames(frames)
    raise Unreadable("this is not a PNG or JPEG picture", fix=ACCEPTED, code="unknown-format")


def _broken(error: Exception) -> Unreadable:
    text = str(error).lower()
    if any(word in text for word in ("truncated", "not enough", "incomplete", "premature", "cut")):
        return Unreadable("the picture is cut short", fix="Send the whole file again", code="truncated")
    return Unreadable(
        "the pixels of the picture cannot be decoded", fix="Export it again", code="undecodable-pixels"
    )


def _convert(opened: Image.Image, data: bytes) -> ClinicalImage:
    notes: list[str] = []
    source_format = "png" if opened.format == "PNG" else "jpeg"
    simulated = source_format == "png" and _text(opened).get(SIMULATED_KEY) == SIMULATED_VALUE
    stored_bits = 1 if opened.mode == "1" else 8
    upright = ImageOps.exif_transpose(opened)
    if upright.size != opened.size or opened.getexif().get(_EXIF_ORIENTATION, 1) != 1:
        notes.append("turned upright by its EXIF orientation")
    return ClinicalImage(
        pixels=scale_integers(_samples(upright, notes)),
        source_format=source_format,
        bit_depth=stored_bits,
        simulated=simulated,
        file_bytes=len(data),
        notes=(*notes, *(("simulated",) if simulated else ())),
    )


_EXIF_ORIENTATION = 0x0112


def _text(opened: Image.Image) -> dict[str, Any]:
    return dict(getattr(opened, "text", {}))


def _samples(opened: Image.Image, notes: list[str]) -> NDArray[Any]:
    """Grey unsigned samples (H, W)."""
    mode = opened.mode
    if mode.startswith("I") or mode == "F":  # 16-bit grey PNG: 'I;16', or 'I' from an older Pillow
        return np.asarray(opened).astype(np.uint16)
    if mode == "1":
        return np.asarray(opened.convert("L"))
    if mode == "P" and "transparency" not in opened.info:
        opened = opened.convert("RGB")
        notes.append("palette resolved")
    if opened.mode not in ("L", "RGB"):  # RGBA, LA, CMYK, YCCK, LAB, transparent palettes
        raise BadInput(
            f"the picture has the channels {opened.mode}",
            fix="Export it as grey or RGB, without transparency: no radiograph has a see-through part",
            code="extra-channels",
        )
    values = np.asarray(opened)
    if values.ndim == 3:
        values, said = grey(values)
        notes.extend(said)
    return values
