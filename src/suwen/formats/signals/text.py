"""Text and numbers as files hold them, read strictly: a number is a number, and nothing else is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable

MAX_FILE_BYTES = 512 * 2**20
"""A larger file is refused before it is read."""

ABSENT = frozenset({"", "na", "n/a", "null", "none", ".", "?"})
"""Spellings of a missing number; ``NaN`` and ``inf`` are not among them where a table is typed by people."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8 with or without a mark, else GB 18030, whose ASCII part is the same.

    Raises
    ------
    Unreadable
        ``empty-file`` or ``not-text``.
    """
    if not data.strip():
        raise Unreadable("the file is empty", fix="Fetch it again", code="empty-file")
    if b"\0" not in data:
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    raise Unreadable("this is not a text file", fix="Give it as UTF-8 text", code="not-text")


def lines(text: str) -> list[str]:
    """Lines whatever ends them (LF, CR LF, or CR alone), blank ones left out."""
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]


def blank(value: object) -> bool:
    """Whether a cell holds nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def number(text: str, where: str) -> float:
    """A finite number.

    Raises
    ------
    BadInput
        ``not-a-number`` for text, NaN and infinity. The text itself is not repeated: it may be anything.
    """
    clean = text.strip()
    if _NUMBER.fullmatch(clean):
        value = float(clean)
        if math.isfinite(value):
            return value
    raise BadInput(
        "a value is not a number",
        where=where,
        fix="Give finite decimal numbers; leave the cell empty where nothing was measured",
        code="not-a-number",
    )


def optional_number(text: str | None, where: str) -> float:
    """The same, or NaN where the cell says that there is none."""
    if text is None or text.strip().lower() in ABSENT:
        return math.nan
    return number(text, where)


@contextmanager
def located(place: Path | bytes | str) -> Iterator[None]:
    """Add the file to an error that does not yet say where."""
    try:
        yield
    except SuwenError as error:
        error.where = error.where or (None if isinstance(place, bytes) else str(place))
        raise


def whole(item: Path | bytes) -> bytes:
    """Content of one file.

    Raises
    ------
    NotFound
        No such file.
    Unreadable
        ``empty-file`` or ``not-openable``.
    BadInput
        ``too-large``.
    """
    if isinstance(item, bytes):
        return item
    if not item.is_file():
        raise NotFound("there is no such file", fix="Check the path")
    if item.stat().st_size > MAX_FILE_BYTES:
        raise BadInput(
            "the file is too large",
            fix=f"At most {MAX_FILE_BYTES // 2**20} MiB are read",
            code="too-large",
        )
    try:
        return item.read_bytes()
    except OSError as error:
        raise Unreadable(
            "the file cannot be opened", fix=error.strerror or "Check the path", code="not-openable"
        ) from None
