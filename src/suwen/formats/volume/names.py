"""Tables that say which structure a label value stands for."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any

from suwen.core.errors import BadInput
from suwen.formats.read import naming
from suwen.formats.signals.text import decoded, lines
from suwen.formats.volume.nrrd_file import is_nrrd, segment_names
from suwen.formats.volume.source import content

NUMBERS = ("value", "labelvalue", "index", "idx", "no", "number", "key", "id", "labelid", "label")
"""Headings of the column of label values, the surest first."""

NAMES = (
    "name",
    "labelname",
    "structure",
    "structurename",
    "segment",
    "region",
    "text",
    "label",
    "description",
)
"""Headings of the column of names, the surest first."""

ACCEPTED = (
    "Give a colour table (.ctbl), a label description, or a CSV, TSV or JSON table of numbers and names"
)


def read_names(item: Path | bytes) -> dict[int, str]:
    """Label value to name, as written; background (0) is no structure and left out.

    Read are 3D Slicer and FreeSurfer colour tables (``number name red green blue alpha``), ITK-SNAP label
    descriptions (``number ... "name"``), TSV and CSV tables with a heading, JSON (``{"7": "vessel"}``, or
    ``{"vessel": 7}`` as in nnU-Net's ``labels``), and the segments in the header of an NRRD file.

    Parameters
    ----------
    item
        A file, or its content; its content says what it is.

    Raises
    ------
    NotFound
        No such file.
    BadInput
        ``bad-names`` for a line or a table that is none of these, ``no-names`` where nothing is named,
        ``duplicate-label`` where one number has two names.
    Unreadable
        ``empty-file`` or ``not-text``.
    """
    if isinstance(item, bytes):
        return _table(content(item))
    with naming(item):
        return _table(content(item))


def _table(data: bytes) -> dict[int, str]:
    if is_nrrd(data[:16]):
        return _checked(list(segment_names(_pairs(data)).items()))
    text = decoded(data)
    if text.lstrip().startswith(("{", "[")):
        return _checked(_of_json(text))
    rows = [line for line in lines(text) if not line.lstrip().startswith("#")]
    if not rows:
        raise _none()
    if re.match(r"\s*\d+\s", rows[0]) and "\t" not in rows[0].strip().split(" ")[0]:
        plain = _of_columns(rows)
        if plain is not None:
            return _checked(plain)
    return _checked(_of_headed(rows))


def _pairs(data: bytes) -> dict[str, str]:
    """Key/value pairs of an NRRD header."""
    text = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0].decode("utf-8", "replace")
    pairs = (line.split(":=", 1) for line in text.splitlines() if ":=" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _of_columns(rows: list[str]) -> list[tuple[int, str]] | None:
    """Tables without a heading; ``None`` where the lines are of neither kind."""
    quoted = re.fullmatch(r"\s*\d+(\s+[\d.]+){6}\s+\".*\"\s*", rows[0]) is not None
    found: list[tuple[int, str]] = []
    for row in rows:
        try:
            words = shlex.split(row) if quoted else row.split()
        except ValueError:
            raise _bad(row) from None
        if quoted and len(words) == 8:
            number, name = words[0], words[7]
        elif not quoted and len(words) == 6 and all(re.fullmatch(r"[\d.]+", word) for word in words[2:]):
            number, name = words[0], words[1]
        else:
            if not found:
                return None
            raise _bad(row)
        if not number.isascii() or not number.isdecimal():
            raise _bad(row)
        found.append((int(number), name))
    return found


def _of_headed(rows: list[str]) -> list[tuple[int, str]]:
    delimiter = max("\t;,", key=rows[0].count)
    try:
        table = list(csv.reader(rows, delimiter=delimiter))
    except csv.Error:
        raise BadInput("the table cannot be split into columns", fix=ACCEPTED, code="bad-names") from None
    heading = [re.sub(r"[\W_]", "", cell).lower() for cell in table[0]]
    number = next((heading.index(name) for name in NUMBERS if name in heading), None)
    name = next(
        (heading.index(name) for name in NAMES if name in heading and heading.index(name) != number), None
    )
    if number is None or name is None:
        raise BadInput(
            "the table has no columns of label values and names",
            fix=f"{ACCEPTED}; head the columns 'value' and 'name'",
            code="bad-names",
        )
    found = []
    for row in table[1:]:
        if len(row) <= max(number, name):
            raise _bad(delimiter.join(row))
        cell = row[number].strip()
        if not re.fullmatch(r"[0-9]{1,10}(\.0*)?", cell):
            raise _bad(delimiter.join(row))
        found.append((int(float(cell)), row[name]))
    return found


def _of_json(text: str) -> list[tuple[int, str]]:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("the table is no JSON document", fix=ACCEPTED, code="bad-names") from None
    if isinstance(document, dict) and isinstance(document.get("labels"), dict):
        document = document["labels"]
    if not isinstance(document, dict):
        raise BadInput("the JSON document is no table of names", fix=ACCEPTED, code="bad-names")
    found: list[tuple[int, str]] = []
    for key, value in document.items():
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", key):
            found.append((int(key), value))
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            found.append((value, key))
        else:
            raise _bad(key)
    return found


def _checked(found: list[tuple[int, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for value, given in found:
        name = given.strip()
        if not name or value == 0:
            continue
        if names.setdefault(value, name) != name:
            raise BadInput(
                f"the label value {value} has two names in the table",
                fix="Leave one line per label value",
                code="duplicate-label",
            )
    if not names:
        raise _none()
    return names


def _bad(row: str) -> BadInput:
    return BadInput(f"a line of the table is not understood: '{row[:60]}'", fix=ACCEPTED, code="bad-names")


def _none() -> BadInput:
    return BadInput("the table names no structure", fix=ACCEPTED, code="no-names")
