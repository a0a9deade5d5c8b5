"""A tar read once from front to back, strictly: what is cut short is an error, never a shorter archive."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import IO

from suwen.core.errors import Unreadable

BLOCK = 512
"""Bytes to which headers and contents are padded (POSIX.1-2001, pax interchange format)."""
_MAX_NAME_BYTES = 2**20


def is_tar(start: bytes) -> bool:
    """Whether these are the first :data:`BLOCK` bytes of a tar, an empty one included."""
    return start[257:262] == b"ustar" or (len(start) == BLOCK and not any(start))


def truncated(where: str | None = None) -> Unreadable:
    """The error for an archive that ends early or is damaged."""
    return Unreadable(
        "the archive is damaged or cut short", where=where, fix="Fetch the whole file again", code="truncated"
    )


def regular_files(
    stream: IO[bytes], header: bytes, keep: Callable[[str, int], bool]
) -> Iterator[tuple[str, bytes]]:
    """Path and content of each regular file; links, devices and sparse files are passed over.

    Python's own reader takes a header that is cut or damaged for the end of the archive, which would make a
    truncated cohort look like a small one.

    Parameters
    ----------
    stream
        Already read up to the end of the first header.
    header
        The first :data:`BLOCK` bytes.
    keep
        Says for a path and a size in bytes whether the content is wanted; may raise.

    Raises
    ------
    Unreadable
        ``truncated``.
    """
    name = ""
    while any(header):
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            raise truncated() from None
        if info.size < 0:
            raise truncated()
        padding = -info.size % BLOCK
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            if info.size > _MAX_NAME_BYTES:
                raise truncated()
            name = _announced(info, read(stream, info.size, exact=True)) or name
            _skip(stream, padding)
        else:
            path, name = name or info.name, ""
            if info.isreg() and info.type != tarfile.GNUTYPE_SPARSE and keep(path, info.size):
                yield path, read(stream, info.size, exact=True)
                _skip(stream, padding)
            else:
                _skip(stream, info.size + padding)
        header = read(stream, BLOCK, exact=True)
    while stream.read(2**20):  # to the end, where a compressed stream checks itself
        pass


def read(stream: IO[bytes], size: int, *, exact: bool = False) -> bytes:
    """Up to ``size`` bytes, or all of them; a decompressor may give less than it is asked for at a time."""
    data = stream.read(size)
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            break
        data += more
    if exact and len(data) < size:
        raise truncated()
    return data


def _skip(stream: IO[bytes], size: int) -> None:
    while size:
        size -= len(read(stream, min(size, 2**20), exact=True))


def _announced(info: tarfile.TarInfo, data: bytes) -> str:
    """Name of the next member, where a GNU long name or a pax header (records ``length key=value``) says it."""
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    while data:
        digits, _, rest = data.partition(b" ")
        if not digits.isdigit() or int(digits) <= len(digits) + 1:
            break
        record, data = rest[: int(digits) - len(digits) - 2], data[int(digits) :]
        if record.startswith(b"path="):
            return record[5:].decode("utf-8", "surrogateescape")
    return ""
