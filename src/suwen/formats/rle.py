"""DICOM RLE (PS3.5 Annex G), unpacked by Pillow's PackBits decoder.

Not by ``pylibjpeg-rle``: on a damaged stream its Rust code panics, which prints a backtrace and raises an
exception outside Python's ``Exception``. Pillow's decoder fails with a plain error, in constant memory.
"""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

HEADER_BYTES = 64


def unpack_rle(frame: bytes, *, pixels: int, samples: int, sample_bytes: int) -> bytes:
    """Unpack one frame to native little-endian values, colour by plane.

    Parameters
    ----------
    frame
        The encoded frame: 64 bytes of header, then one segment per byte plane, most significant first.
    pixels
        Rows times columns.
    samples, sample_bytes
        Samples per pixel, and bytes per sample (bits allocated / 8).

    Raises
    ------
    ValueError
        When segments are missing, misplaced or too short.
    """
    if len(frame) < HEADER_BYTES:
        raise ValueError("unexpected end of the RLE header")
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != samples * sample_bytes:
        raise ValueError("the number of RLE segments does not match the samples")
    bounds = [*offsets[:count], len(frame)]
    planes = np.empty((samples, pixels, sample_bytes), dtype=np.uint8)
    for segment in range(count):
        start, stop = bounds[segment], bounds[segment + 1]
        if not HEADER_BYTES <= start <= stop <= len(frame):
            raise ValueError("an RLE segment lies outside the frame")
        # One long row: runs of careless writers may cross the rows of the picture.
        row = Image.frombytes("L", (pixels, 1), frame[start:stop], "packbits", "L")
        sample, significance = divmod(segment, sample_bytes)
        planes[sample, :, sample_bytes - 1 - significance] = np.asarray(row)[0]
    return planes.tobytes()
