"""Members of a folder or archive, one after another, straight from the stream: nothing is written to disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable
from suwen.formats.signals.tar import BLOCK, is_tar, read, regular_files, truncated

MAX_MEMBER_BYTES = 256 * 2**20
"""A larger member is refused before it is unpacked."""
MAX_TOTAL_BYTES = 8 * 2**30
"""All members together; a few kilobytes can unpack to terabytes."""

_OPENERS = ((b"\xfd7zXZ\x00", lzma.open), (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open))
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_CUT = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, OSError)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One regular file of a folder or archive.

    Attributes
    ----------
    name
        Its path inside, with forward slashes. May identify a subject: never logged.
    data
        Its content.
    """

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        """Its file name without the last suffix."""
        return PurePosixPath(self.name).stem


def is_container(item: Path | bytes) -> bool:
    """Whether the item holds members: a folder, or an archive recognised by its content."""
    if isinstance(item, Path):
        if item.is_dir():
            return True
        if not item.is_file():
            return False
        with item.open("rb") as file:
            start = file.read(BLOCK)
    else:
        start = item[:BLOCK]
    known = (*_ZIPS, *(magic for magic, _ in _OPENERS))
    return start.startswith(known) or is_tar(start)


def members(item: Path | bytes, *, suffixes: tuple[str, ...] = ()) -> Iterator[Member]:
    """Every regular file inside, hidden ones left out: sorted for a folder, else in the archive's order.

    Parameters
    ----------
    item
        A folder; a ``.tar``, ``.tar.xz``, ``.tar.gz``, ``.tar.bz2`` or ``.zip``; a compressed single file;
        or the bytes of one of these.
    suffixes
        Lower-case endings to keep; empty keeps all.

    Raises
    ------
    NotFound
        No such path.
    Unreadable
        ``empty-file``, ``not-openable``, or ``truncated`` for an archive that is damaged or cut short; raised
        when the damage is reached, which is after whole members have been yielded.
    BadInput
        ``empty-folder`` or ``empty-archive`` when nothing in it has such a suffix, ``unsafe-path``,
        ``outside-folder``, ``encrypted``, ``too-large``.
    """
    where = str(item) if isinstance(item, Path) else None
    total, found = 0, False
    with _explained(where):
        for member in _walk(item, suffixes):
            total, found = total + len(member.data), True
            if total > MAX_TOTAL_BYTES:
                raise BadInput(
                    f"the members are more than {MAX_TOTAL_BYTES // 2**30} GiB together",
                    fix="Give the data in several archives",
                    code="too-large",
                )
            yield member
        if not found:
            folder = isinstance(item, Path) and item.is_dir()
            kinds = f" ending in {' or '.join(suffixes)}" if suffixes else ""
            raise BadInput(
                f"the {'folder' if folder else 'archive'} holds no files{kinds}",
                fix="Check that this is the right one",
                code="empty-folder" if folder else "empty-archive",
            )


@contextmanager
def _explained(where: str | None) -> Iterator[None]:
    try:
        yield
    except SuwenError as error:
        error.where = error.where or where
        raise
    except PermissionError:
        raise Unreadable(
            "the file cannot be opened", where=where, fix="Check its permissions", code="not-openable"
        ) from None
    except _CUT:
        raise truncated(where) from None


def _walk(item: Path | bytes, suffixes: tuple[str, ...]) -> Iterator[Member]:
    if isinstance(item, bytes):
        yield from _archive(io.BytesIO(item), "input", suffixes)
    elif item.is_dir():
        yield from _folder(item, suffixes)
    elif item.is_file():
        with item.open("rb") as file:
            yield from _archive(file, item.name, suffixes)
    else:
        raise NotFound("there is no such file or folder", fix="Check the path")


def _folder(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Member]:
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or not _wanted(name, suffixes):
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise BadInput(
                "a file of the folder is a link that leads out of it",
                fix="Copy the file itself into the folder",
                code="outside-folder",
            )
        _check_size(path.stat().st_size)
        yield Member(name=name, data=path.read_bytes())


def _archive(file: IO[bytes], name: str, suffixes: tuple[str, ...]) -> Iterator[Member]:
    start = file.read(BLOCK)
    file.seek(0)
    if not start:
        raise Unreadable("the file is empty", fix="Fetch it again", code="empty-file")
    if start.startswith(_ZIPS):
        yield from _zip(file, suffixes)
        return
    opener = next((opener for magic, opener in _OPENERS if start.startswith(magic)), None)
    stream: IO[bytes] = opener(file) if opener else file  # type: ignore[assignment]
    first = read(stream, BLOCK)
    if is_tar(first):
        for inside, data in regular_files(stream, first, lambda path, size: _keep(path, size, suffixes)):
            yield Member(name=_tidy(inside), data=data)
    elif opener:  # one compressed file
        inside = PurePosixPath(name).stem
        data = first + stream.read(MAX_MEMBER_BYTES)
        _check_size(len(data))
        if _wanted(inside, suffixes) or name == "input":
            yield Member(name=inside, data=data)
    else:
        raise BadInput(
            "this is neither a folder nor an archive",
            fix="Give a .tar, .tar.xz, .tar.gz or .zip",
            code="not-an-archive",
        )


def _zip(file: IO[bytes], suffixes: tuple[str, ...]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.is_dir() or not _wanted(info.filename, suffixes):
                continue
            if info.flag_bits & 1:
                raise BadInput("the archive is encrypted", fix="Decrypt it first", code="encrypted")
            _check_size(info.file_size)
            try:
                yield Member(name=_tidy(info.filename), data=archive.read(info))
            except NotImplementedError:
                raise BadInput(
                    "a member is compressed in a way that is not read here",
                    fix="Pack it again with deflate",
                    code="compression",
                ) from None


def _tidy(name: str) -> str:
    """A path without ``./`` and with forward slashes."""
    return PurePosixPath(name.replace("\\", "/")).as_posix()


def _wanted(name: str, suffixes: tuple[str, ...]) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadInput(
            "a member's path leads out of the archive",
            fix="Pack it again with relative paths",
            code="unsafe-path",
        )
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and (not suffixes or path.name.lower().endswith(suffixes))


def _keep(name: str, size: int, suffixes: tuple[str, ...]) -> bool:
    if not _wanted(name, suffixes):
        return False
    _check_size(size)
    return True


def _check_size(size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise BadInput(
            f"a file has {size / 2**20:.0f} MiB",
            fix=f"At most {MAX_MEMBER_BYTES // 2**20} MiB are read",
            code="too-large",
        )
