"""What a compressed picture declares in its own header, read before any decoder is trusted with it."""

from __future__ import annotations

import struct

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
J2K_START = b"\xff\x4f\xff\x51"
JP2_BOX = b"\x00\x00\x00\x0cjP  "

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Start-of-frame markers: JPEG (ITU-T T.81 table B.1, without DHT C4, JPG C8, DAC CC) and JPEG-LS F7.
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


def declared_size(data: bytes) -> tuple[int, int] | None:
    """Height and width in pixels that a PNG, JPEG, JPEG-LS or JPEG 2000 stream declares.

    Parameters
    ----------
    data
        The stream from its first byte.

    Returns
    -------
    tuple or None
        ``None`` where the header is cut or of another kind.
    """
    try:
        if data.startswith(PNG_SIGNATURE):  # IHDR is the first chunk: length, name, width, height
            width, height = struct.unpack_from(">II", data, 16)
            return height, width
        if data.startswith((J2K_START, JP2_BOX)):
            return _jpeg2000_size(data)
        if data.startswith(JPEG_START):
            return _jpeg_size(data)
    except struct.error:
        return None
    return None


def frame_marker(data: bytes) -> int | None:
    """Marker of the first JPEG frame header (0xC0 baseline, 0xC3 lossless, 0xF7 JPEG-LS), or ``None``."""
    found = _jpeg_frame(data) if data.startswith(JPEG_START) else None
    return found[0] if found else None


def _jpeg2000_size(data: bytes) -> tuple[int, int] | None:
    # SIZ (ITU-T T.800 A.5.1): marker, length, capabilities, then grid size and offset.
    start = data.find(J2K_START)
    if start < 0:
        return None
    width, height, left, top = struct.unpack_from(">IIII", data, start + 8)
    return height - top, width - left


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    found = _jpeg_frame(data)
    if found is None:
        return None
    height, width = struct.unpack_from(">HH", data, found[1] + 5)
    return height, width


def _jpeg_frame(data: bytes) -> tuple[int, int] | None:
    """Marker and position of the first frame header."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _FRAME_HEADERS:
            return marker, at
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])
    return None
