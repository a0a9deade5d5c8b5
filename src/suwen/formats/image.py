"""One clinical picture: grey, 0 to 1, bright where the body is dense, and what was done to get there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_SIDE_PX = 8
"""A picture with a shorter side than this shows no anatomy."""

MAX_PIXELS = 2**26
"""About 67 million pixels; a full mammogram has 24 million."""

SOURCE_FORMATS = ("png", "jpeg", "npz", "dicom", "phantom")

EIGHT_BIT_MAX = 255
SIXTEEN_BIT_MAX = 65535


@dataclass(frozen=True, kw_only=True, eq=False)
class ClinicalImage:
    """A single-frame grey image, checked when it is made.

    Attributes
    ----------
    pixels
        Array (H, W), float32, 0 to 1, bright = dense (the sense of DICOM's MONOCHROME2).
    source_format
        ``png``, ``jpeg``, ``npz``, ``dicom`` or ``phantom``.
    bit_depth
        Bits that one stored sample carried, 1 to 64.
    modality, body_part, view
        DICOM (0008,0060), (0018,0015) and (0018,5101), e.g. ``DX``, ``CHEST``, ``PA``; ``None`` where the
        file does not say.
    simulated
        Whether the picture comes from the project's phantom generator.
    file_bytes
        Size of the file in bytes, where one file holds one image.
    notes
        What was done on the way: ``inverted MONOCHROME1``, ``colour converted to grey`` ...

    Raises
    ------
    BadInput
        ``empty-image`` (a side of 0), ``image-too-small`` (a side below 8 px), ``not-two-dimensional``,
        ``not-finite`` (NaN or infinity) or ``out-of-range`` (outside 0 to 1).
    """

    pixels: NDArray[np.float32]
    source_format: str
    bit_depth: int
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    simulated: bool = False
    file_bytes: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = np.ascontiguousarray(self.pixels, dtype=np.float32)
        object.__setattr__(self, "pixels", pixels)
        if self.source_format not in SOURCE_FORMATS:
            raise BadInput(f"the source format '{self.source_format}' is not one of {SOURCE_FORMATS}")
        if pixels.ndim != 2:
            raise BadInput(
                f"the picture has {pixels.ndim} dimensions",
                fix="Give one grey picture of height x width",
                code="not-two-dimensional",
            )
        check_size(*pixels.shape)
        low, high = float(pixels.min()), float(pixels.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise BadInput(
                "the picture holds NaN or infinite values",
                fix="Export it again with finite pixel values",
                code="not-finite",
            )
        if low < 0 or high > 1:
            raise BadInput(
                f"the pixels run from {low:g} to {high:g}", fix="Scale them to 0..1", code="out-of-range"
            )

    @cached_property
    def _key(self) -> str:
        digest = hashlib.sha256("x".join(map(str, self.pixels.shape)).encode())
        top, kind = (255, np.uint8) if self.bit_depth <= 8 else (SIXTEEN_BIT_MAX, np.dtype("<u2"))
        digest.update(np.rint(self.pixels * np.float32(top)).astype(kind).tobytes())
        return digest.hexdigest()

    def content_key(self) -> str:
        """SHA-256 (hex) of the shape and of the pixels quantised to 8 bits, or 16 where there were more.

        The same 8-bit picture stored as PNG and as NPZ has the same key.
        """
        return self._key

    def load(self) -> ClinicalImage:
        """The image itself; files that are read when needed have the same method."""
        return self


def check_size(height: int, width: int) -> None:
    """Refuse a picture by its declared size, before anything is decoded.

    Raises
    ------
    BadInput
        ``empty-image``, ``image-too-small`` or ``too-large``.
    """
    size = f"the picture is {height} x {width} pixels"
    if min(height, width) < 1:
        raise BadInput(size, fix="Export it again; it holds no pixels", code="empty-image")
    if min(height, width) < MIN_SIDE_PX:
        raise BadInput(size, fix=f"Both sides must have at least {MIN_SIDE_PX}", code="image-too-small")
    if height * width > MAX_PIXELS:
        raise BadInput(size, fix=f"Send at most {MAX_PIXELS:,} pixels", code="too-large")


def scale_integers(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scale unsigned 8-bit pictures to 0..1 by 255.

    Raises
    ------
    BadInput
        ``out-of-range`` when a value is negative; ``unstated-range`` above 8 bits: neither PNG nor NPZ says
        which of the numbers is black and which is white, and a radiograph's brightness is not to be guessed.
    """
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low < 0:
        raise BadInput(
            f"the pixels run from {low} to {high}",
            fix="Store them as unsigned 8-bit integers",
            code="out-of-range",
        )
    if high > EIGHT_BIT_MAX or (values.dtype.kind == "u" and values.dtype.itemsize > 1):
        raise BadInput(
            "the pixels have more than 8 bits, and the file does not say which range is black to white",
            fix="Send the DICOM object, which says so, or 8 bits windowed as you read it",
            code="unstated-range",
        )
    scaled: NDArray[np.float32] = np.divide(values, EIGHT_BIT_MAX, dtype=np.float32)
    return scaled


GREY_TOLERANCE = 8
"""Steps of 255 by which red, green and blue may differ in a grey picture stored as JPEG in colour."""


def grey(colour: NDArray[Any], *, top: float = 255) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Turn (..., 3) colour into (...) grey, and say so where the colour was real.

    A picture whose three channels agree keeps its first channel exactly; otherwise luma after
    ITU-R BT.601 (0.299 red, 0.587 green, 0.114 blue), as in DICOM's YBR_FULL (PS3.3 C.7.6.3.1.2).

    Parameters
    ----------
    colour
        Array (..., 3).
    top
        The value of white.
    """
    red, green, blue = colour[..., 0], colour[..., 1], colour[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red, ("stored in colour, all channels equal: first channel kept",)
    wide = colour.astype(np.float64 if colour.dtype.itemsize > 2 else np.float32)  # 32 bits need 64
    luma = wide @ np.array([0.299, 0.587, 0.114], dtype=wide.dtype)
    if colour.dtype.kind in "ui":
        luma = np.rint(luma).astype(colour.dtype)
    spread = float((wide.max(axis=-1) - wide.min(axis=-1)).max()) * 255 / top
    if spread <= GREY_TOLERANCE:
        return luma, ("stored in colour, grey within tolerance: converted to grey",)
    return luma, ("colour picture converted to grey",)
