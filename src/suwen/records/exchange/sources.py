"""The files of an import, recognised by their content and cut into pieces that one commit takes.

A document (a bundle or one resource) is one piece. A file with one resource per line is cut after so many
lines or bytes, so that a file of any size passes through in bounded memory.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from io import BufferedReader
from pathlib import Path
from typing import TypeAlias

import orjson

from suwen.core.errors import NotFound, TooLarge, Unreadable

GZIP = b"\x1f\x8b"
PIECE_LINES = 250
"""Lines stored in one commit."""
PIECE_BYTES = 4 << 20
"""Bytes of lines stored in one commit, unless one line alone is longer."""
LONGEST = 128 << 20
"""Bytes of one document or one line, unpacked."""
Readable: TypeAlias = BufferedReader | gzip.GzipFile
_BLOCK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_LINES = frozenset({".ndjson", ".jsonl"})
_JSON = _LINES | {".json"}


class Form(Enum):
    """How a file holds its resources."""

    DOCUMENT = "document"
    LINES = "lines"
    EMPTY = "empty"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import; ``named`` when it was asked for by name and not met with in a folder."""

    path: Path
    size: int
    named: bool

    @property
    def promises_fhir(self) -> bool:
        """Whether it was named, or its name says JSON, so that finding none is worth telling."""
        return self.named or _suffix(self.path) in _JSON


@dataclass(frozen=True, slots=True)
class Piece:
    """What one commit imports.

    Attributes
    ----------
    path
        The file it is from.
    line
        Number of its first line, counted from 1.
    form
        DOCUMENT or LINES.
    data
        A document as it lies on the disk, packed or not; lines unpacked.
    position
        Bytes of the file read when it ends, for a progress bar.
    overlong
        Numbers of lines longer than `LONGEST`; they are empty in ``data``.
    """

    path: Path
    line: int
    form: Form
    data: bytes
    position: int
    overlong: tuple[int, ...] = ()


def find(paths: Iterable[Path]) -> list[Source]:
    """Every file there, folders walked through in the order of names; none twice.

    Raises
    ------
    NotFound
        For a path that is not there (code ``no-such-file``).
    """
    found: dict[Path, Source] = {}
    for path in paths:
        if not path.exists():
            raise NotFound(
                "there is no such file or folder", where=str(path), fix="Check the path", code="no-such-file"
            )
        inside = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for one in inside:
            found.setdefault(one.resolve(), Source(one, one.stat().st_size, one == path))
    return list(found.values())


def form_of(source: Source) -> Form:
    """How a file holds its resources, from its first two lines and, in doubt, from its name.

    Raises
    ------
    Unreadable
        When it is packed, and the packed data are damaged (code ``bad-gzip``).
    """
    lines: list[bytes] = []
    with _opened(source.path) as (stream, _):
        for line in _split(stream):
            text = b"" if line is None else line.strip()
            if text or line is None:
                lines.append(text)
            if len(lines) == 2:
                break
    by_name = _suffix(source.path) in _LINES
    if not lines:
        return Form.EMPTY
    if by_name:
        return Form.LINES
    first = lines[0].removeprefix(_BOM)
    if not first.startswith(b"{"):
        return Form.FOREIGN
    return Form.LINES if len(lines) == 2 and any(map(_whole, (first, lines[1]))) else Form.DOCUMENT


def pieces(source: Source, form: Form) -> Iterator[Piece]:
    """The file, piece by piece.

    Raises
    ------
    Unreadable
        When its packed data are damaged or cut off (code ``bad-gzip``); what came before has been yielded.
    TooLarge
        For a document above `LONGEST`.
    """
    if form is Form.DOCUMENT:
        if source.size > LONGEST:
            raise _too_large()
        yield Piece(source.path, 1, form, source.path.read_bytes(), source.size)
    elif form is Form.LINES:
        with _opened(source.path) as (stream, file):
            yield from _cut(source.path, stream, file)


def unpacked(data: bytes) -> bytes:
    """A document's text, whether it was packed or not.

    Raises
    ------
    Unreadable
        When the packed data are damaged or cut off (code ``bad-gzip``).
    TooLarge
        Above `LONGEST`.
    """
    parts, left = [], LONGEST
    while data.startswith(GZIP):  # several members in a row are one file
        unpacker = zlib.decompressobj(wbits=31)
        try:
            parts.append(unpacker.decompress(data, left + 1))
        except zlib.error:
            raise _damaged() from None
        left -= len(parts[-1])
        if left < 0:
            raise _too_large()
        if not unpacker.eof:
            raise _damaged()
        data = unpacker.unused_data
    return b"".join(parts) if parts else data


def _cut(path: Path, stream: Readable, file: Readable) -> Iterator[Piece]:
    start, number, size = 1, 0, 0
    held: list[bytes] = []
    overlong: list[int] = []
    failure: Unreadable | None = None
    lines = _split(stream)
    while failure is None:
        try:
            line = next(lines)
        except StopIteration:
            break
        except Unreadable as error:
            failure = error
            break
        number += 1
        if line is None:
            overlong.append(number)
        held.append(line or b"")
        size += len(held[-1])
        if len(held) >= PIECE_LINES or size >= PIECE_BYTES:
            yield Piece(path, start, Form.LINES, b"\n".join(held), file.tell(), tuple(overlong))
            start, size, held, overlong = number + 1, 0, [], []
    if held:
        yield Piece(path, start, Form.LINES, b"\n".join(held), file.tell(), tuple(overlong))
    if failure is not None:
        failure.where = f"line {number + 1}"
        raise failure


def _split(stream: Readable) -> Iterator[bytes | None]:
    """Lines without their ends; ``None`` for one longer than `LONGEST`, which is never held as a whole."""
    parts: list[bytes] = []
    size = 0
    while block := _block(stream):
        *whole, rest = block.split(b"\n")
        for line in whole:
            yield None if size + len(line) > LONGEST else b"".join((*parts, line))
            parts, size = [], 0
        size += len(rest)
        if size > LONGEST:
            parts = []
        elif rest:
            parts.append(rest)
    if size:
        yield None if size > LONGEST else b"".join(parts)


def _block(stream: Readable) -> bytes:
    try:
        return stream.read1(_BLOCK)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _damaged() from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Readable, Readable]]:
    """The text of a file, and the file itself."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
        file.seek(0)
        yield (gzip.GzipFile(fileobj=file) if packed else file), file


def _suffix(path: Path) -> str:
    """The last suffix of a name, or the one before ``.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _whole(line: bytes) -> bool:
    """Whether a line is a complete resource."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and "resourceType" in found


def _damaged() -> Unreadable:
    return Unreadable(
        "the packed data are damaged or cut off", fix="Get the file again, and import that", code="bad-gzip"
    )


def _too_large() -> TooLarge:
    return TooLarge(
        f"the document is larger than {LONGEST >> 20} MB unpacked",
        fix="Split it, or write one resource per line (NDJSON)",
    )
