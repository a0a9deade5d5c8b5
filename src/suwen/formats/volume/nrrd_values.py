"""Values of an NRRD file in each of its encodings: exactly as many as its header says, or a refusal."""

from __future__ import annotations

import bz2
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, Unreadable
from suwen.formats.volume.source import GZIP, Unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TYPES = {
    "i1": "signed char,int8,int8_t", "u1": "uchar,unsigned char,uint8,uint8_t",
    "i2": "short,short int,signed short,signed short int,int16,int16_t",
    "u2": "ushort,unsigned short,unsigned short int,uint16,uint16_t",
    "i4": "int,signed int,int32,int32_t", "u4": "uint,unsigned int,uint32,uint32_t",
    "i8": "longlong,long long,long long int,signed long long,signed long long int,int64,int64_t",
    "u8": "ulonglong,unsigned long long,unsigned long long int,uint64,uint64_t",
    "f4": "float", "f8": "double",
}  # fmt: skip
TYPES = {name: code for code, names in _TYPES.items() for name in names.split(",")}
"""Names of types in the format to numpy's codes."""


def dtype_of(header: Mapping[str, Any]) -> np.dtype[Any]:
    """Type of a stored value, byte order included.

    Raises
    ------
    BadInput
        ``not-numbers`` for blocks.
    Unreadable
        ``undecodable-header`` where the byte order is not stated.
    """
    found = TYPES.get(str(header.get("type", "")).strip().lower())
    if found is None:
        raise BadInput(
            "the voxels hold no plain numbers", fix="Save one number per voxel", code="not-numbers"
        )
    endian = str(header.get("endian", "")).strip().lower()
    if endian not in ("little", "big") and found[1] != "1" and _encoding(header) != "text":
        raise Unreadable("the header states no byte order", fix="Export it again", code="undecodable-header")
    return np.dtype((">" if endian == "big" else "<") + found)


def _encoding(header: Mapping[str, Any]) -> str:
    said = str(header.get("encoding", "")).strip().lower()
    return {"gz": "gzip", "bz2": "bzip2", "txt": "text", "ascii": "text"}.get(said, said)


def values_of(body: bytes, header: Mapping[str, Any], dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    """Values in the order of the file, (count,); no more is unpacked than the header claims.

    Parameters
    ----------
    body
        What follows the header.
    header
        Its fields.
    dtype, count
        Type and number of the values.

    Raises
    ------
    Unreadable
        ``truncated``, ``undecodable``, ``size-mismatch`` or ``no-codec``.
    """
    encoding = _encoding(header)
    skips = (
        header.get("byte skip", header.get("byteskip", 0)),
        header.get("line skip", header.get("lineskip", 0)),
    )
    if skips != (0, 0):
        raise Unreadable(
            "the values do not follow the header at once",
            fix="Save it as one plain .nrrd file",
            code="no-codec",
        )
    if encoding == "text":
        return _text(body, dtype, count)
    size = count * dtype.itemsize
    if encoding == "bzip2":
        return np.frombuffer(_bunzipped(body, size), dtype)
    if encoding not in ("raw", "gzip"):
        raise Unreadable(
            f"the encoding '{encoding[:20]}' is not read", fix="Save it raw or gzip-packed", code="no-codec"
        )
    if (encoding == "gzip") and not body.startswith(GZIP):
        code = "undecodable" if body else "truncated"
        raise Unreadable("the values are not gzip, as the header says", fix="Export it again", code=code)
    file = Unpacked(body) if encoding == "gzip" else _Plain(body)
    raw = file.read(size)
    file.close()
    return np.frombuffer(raw, dtype)


class _Plain(Unpacked):
    """Values that are raw even where they happen to start as gzip does."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)


def _bunzipped(body: bytes, size: int) -> bytes:
    unpacker = bz2.BZ2Decompressor()
    try:
        raw = unpacker.decompress(body, size + 1)
        if not unpacker.eof and not unpacker.needs_input:
            raw += unpacker.decompress(b"", 1)  # reads on to the end mark
    except (OSError, ValueError):
        raise Unreadable(
            "the compressed values are damaged", fix="Fetch it again", code="undecodable"
        ) from None
    if len(raw) < size or (len(raw) == size and not unpacker.eof):
        raise Unreadable("the file is cut short", fix="Send the whole file", code="truncated")
    if len(raw) > size:
        raise Unreadable(
            "the file holds more values than its header says", fix="Export it again", code="size-mismatch"
        )
    return raw


def _text(body: bytes, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    words = body.split(maxsplit=count)
    if len(words) != count:
        short = len(words) < count
        raise Unreadable(
            f"the file holds {'fewer' if short else 'more'} values than its header says",
            fix="Export it again",
            code="truncated" if short else "size-mismatch",
        )
    try:
        return np.array([float(word) for word in words]).astype(dtype)
    except (ValueError, OverflowError):
        raise Unreadable("a value is not a number", fix="Export it again", code="undecodable") from None
