"""``labels.csv``: which file shows whom, and what was found in it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE_NAME = "labels.csv"

SUBJECT_COLUMNS = ("subject_id", "group_id", "patient_id", "subject")
FILE_COLUMNS = ("file", "filename", "file_name", "path")
UID_COLUMNS = ("sop_instance_uid",)
LABEL_COLUMNS = ("label", "target")

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Spellings of a split in the field, to the house's name."""

MAX_TABLE_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    number
        Line in the file, the header being 1.
    file, uid
        The image by path inside the folder, or by SOP Instance UID.
    subject, label, split
        As written, blanks as ``None``; the split by the house's name.
    attributes
        The further columns.
    """

    number: int
    file: str | None
    uid: str | None
    subject: str | None
    label: str | None
    split: str | None
    attributes: Mapping[str, str] = field(default_factory=dict)


def read_table(path: Path) -> tuple[Row, ...]:
    """Read a labels table: comma, semicolon or tab separated UTF-8 with a header line.

    Raises
    ------
    BadInput
        ``labels-table`` for missing or repeated columns and broken lines, ``unknown-split``, or
        ``outside-folder`` for a file that is not inside the table's folder; each names the line.
    Unreadable
        ``labels-table`` when it is not UTF-8 text.
    """
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise BadInput(
            f"{path.name} is larger than {MAX_TABLE_BYTES // 2**20} MiB",
            where=str(path),
            fix="Split it by data set",
            code="too-large",
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(
            f"{path.name} is not UTF-8 text", where=str(path), fix="Save it as UTF-8", code="labels-table"
        ) from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise _table_error(f"{path.name} is not a proper table", str(error)) from None
    if not rows or not any(rows[0][1]):
        raise _table_error(f"{path.name} is empty", "Give a header line and one line per image")
    columns = [name.strip().lower() for name in rows[0][1]]
    roles = _roles(columns, path.name)
    return tuple(
        _row(number, columns, cells, roles)
        for number, cells in rows[1:]
        if any(cell.strip() for cell in cells)
    )


def _table_error(what: str, fix: str, where: str | None = None) -> BadInput:
    return BadInput(what, where=where, fix=fix, code="labels-table")


def _roles(columns: list[str], name: str) -> dict[str, str | None]:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise _table_error(f"{name} has the column '{twice[0]}' twice", "Give every column its own name")
    kinds = {"subject": SUBJECT_COLUMNS, "file": FILE_COLUMNS, "uid": UID_COLUMNS, "label": LABEL_COLUMNS}
    roles: dict[str, str | None] = {
        role: next((column for column in known if column in columns), None) for role, known in kinds.items()
    }
    roles["split"] = "split" if "split" in columns else None
    if roles["file"] is None and roles["uid"] is None:
        raise _table_error(
            f"{name} has the columns {', '.join(columns)}",
            "Add a column 'file' (path inside the folder) or 'sop_instance_uid'",
        )
    if roles["label"] is None:
        raise _table_error(
            f"{name} has the columns {', '.join(columns)}", "Add a column 'label'; its cells may be empty"
        )
    return roles


def _row(number: int, columns: list[str], cells: list[str], roles: dict[str, str | None]) -> Row:
    where = f"{TABLE_NAME}, line {number}"
    if len(cells) != len(columns):
        raise _table_error(
            f"the line has {len(cells)} cells for {len(columns)} columns", "Quote cells with commas", where
        )
    values = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    got = {role: (values[column] or None) if column else None for role, column in roles.items()}
    if got["file"] is None and got["uid"] is None:
        raise _table_error("the line names no file", "Fill in the file, or remove the line", where)
    split = got["split"]
    if split is not None and split.lower() not in SPLIT_NAMES:
        raise BadInput(
            f"the split '{split}' is not one we know",
            where=where,
            fix="Write train, validation or test, or leave it empty",
            code="unknown-split",
        )
    return Row(
        number=number,
        file=_inside(got["file"], where),
        uid=got["uid"],
        subject=got["subject"],
        label=got["label"],
        split=SPLIT_NAMES[split.lower()] if split else None,
        attributes={name: cell for name, cell in values.items() if name not in roles.values()},
    )


def _inside(file: str | None, where: str) -> str | None:
    """The path with forward slashes, refused when it leads out of the folder."""
    if file is None:
        return None
    windows = PureWindowsPath(file)
    plain = PurePosixPath(*windows.parts) if not windows.anchor else None
    if plain is None or ".." in plain.parts or "\x00" in file:
        raise BadInput(
            "the table names a file outside its folder",
            where=f"{where}: {file}",
            fix="Write paths relative to the folder of the table",
            code="outside-folder",
        )
    return str(plain)
