"""Lines of a CSV or objects of a JSON document, as mappings; the same data either way."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suwen.core.errors import BadInput, Unreadable
from suwen.formats.signals.text import decoded

_DELIMITERS = ",;\t|"


def read_records(
    data: bytes, *, nested: str | None = None, inherited: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Every line of a table, or object of a JSON list.

    Parameters
    ----------
    data
        CSV separated by comma, semicolon, tab or bar, its lines ended in any way; or JSON.
    nested
        JSON only: key under which an object holds a list of lines; the object's ``inherited`` keys come first, as
        a line of their own, and its subject and label again with each line.
    inherited
        Keys of such an object that are kept.

    Raises
    ------
    BadInput
        ``bad-row`` for a line that has not one value per column, or an object that is none.
    Unreadable
        ``empty-file``, ``not-text``, ``bad-json``.
    """
    text = decoded(data)
    if text.lstrip()[:1] in {"{", "["}:
        yield from _from_json(text, nested, inherited)
    else:
        header, rows = read_csv(text)
        for row in rows:
            yield dict(zip(header, row, strict=True))


def read_csv(text: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table; a first column without a name, as R and pandas write it, is kept as ``''``.

    Raises
    ------
    BadInput
        ``bad-row`` or ``duplicate-column``.
    """
    clean = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    first = clean.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(clean), delimiter=delimiter) if row]
    except csv.Error:
        raise Unreadable("the table cannot be read", fix="Write it again as CSV", code="bad-csv") from None
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise BadInput("two columns have the same name", fix="Rename one", code="duplicate-column")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise BadInput(
                f"line {number} has {len(row)} values beside {len(header)} columns",
                fix="Write the table again",
                code="bad-row",
            )
    return header, rows[1:]


def _from_json(text: str, nested: str | None, inherited: Sequence[str]) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(
            text, parse_constant=str
        )  # NaN and Infinity stay words, and are refused as such
    except (ValueError, RecursionError):
        raise Unreadable("this is not JSON", fix="Check the document", code="bad-json") from None
    for item in document if isinstance(document, list) else [document]:
        if not isinstance(item, Mapping):
            raise BadInput("an entry is not an object", fix="Give objects with named values", code="bad-row")
        if nested is None or nested not in item:
            yield dict(item)
            continue
        shared = {key: item[key] for key in inherited if key in item}
        yield dict(shared)
        shared.pop("static", None)
        lines = item[nested]
        if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
            raise BadInput(f"'{nested}' is not a list of objects", fix="Give one object each", code="bad-row")
        for line in lines:
            yield {**line, **shared}
