"""Points in tables: 3D Slicer's .fcsv, and CSV or TSV with a heading."""

from __future__ import annotations

import csv
import re

from suwen.core.errors import BadInput
from suwen.formats.signals.text import lines, number
from suwen.formats.volume.points_placed import Placed

_SLICER_FRAMES = {"0": "RAS", "1": "LPS", "2": "IJK"}
_SLICER_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
_STATED = re.compile(r"(frame|coordinate ?system|units?)\s*[=:]\s*([^\s,;]+)", re.IGNORECASE)
_AXIS = re.compile(r"([xyz])(?:_(lps|ras|las))?(?:_(mm|cm|m|um))?", re.IGNORECASE)
_NAMES = ("name", "label", "id")


def placed_in_table(text: str) -> Placed:
    """Points of a table, with the frame and the unit that it states.

    Raises
    ------
    BadInput
        ``bad-points`` for a table without columns x, y and z; ``not-a-number``; ``missing-frame`` or
        ``missing-units`` where its columns state several.
    """
    rows = lines(text)
    remarks = [row.lstrip()[1:].strip() for row in rows if row.lstrip().startswith("#")]
    body = [row for row in rows if not row.lstrip().startswith("#")]
    if any(remark.lower().startswith("markups fiducial file") for remark in remarks):
        return _fcsv(remarks, body)
    stated = {
        ("unit" if key.lower().startswith("unit") else "frame"): value
        for remark in remarks
        for key, value in _STATED.findall(remark)
    }
    if not body:
        return Placed(names=(), places=(), frame=stated.get("frame"), unit=stated.get("unit"))
    delimiter = max("\t;,", key=body[0].count)
    heading, *table = _cells(body, delimiter)
    heading = [cell.strip() for cell in heading]
    columns, frames, units = _axes(heading)
    name = next((at for word in _NAMES for at, cell in enumerate(heading) if cell.lower() == word), None)
    for said, found in ((stated.get("frame"), frames), (stated.get("unit"), units)):
        if said:
            found.add(said)
    for kind, code, found in (("frame", "missing-frame", frames), ("unit", "missing-units", units)):
        if len({one.casefold() for one in found}) > 1:
            raise BadInput(f"the table states several {kind}s", fix="State one", code=code)
    return _read(table, columns, name, frames.pop() if frames else None, units.pop() if units else None)


def _cells(body: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(body, delimiter=delimiter))
    except csv.Error:
        raise _bad("the table cannot be split into columns") from None


def _axes(heading: list[str]) -> tuple[list[int], set[str], set[str]]:
    """Columns of x, y and z, and the frames and units in their names."""
    found = {}
    frames: set[str] = set()
    units: set[str] = set()
    for at, cell in enumerate(heading):
        axis = _AXIS.fullmatch(cell)
        if axis is None:
            continue
        letter = axis[1].lower()
        if letter in found:
            raise _bad(f"two columns are named {letter}")
        found[letter] = at
        if axis[2]:
            frames.add(axis[2].upper())
        if axis[3]:
            units.add(axis[3].lower())
    if set(found) != set("xyz"):
        raise _bad("the table has no columns x, y and z")
    return [found[letter] for letter in "xyz"], frames, units


def _fcsv(remarks: list[str], body: list[str]) -> Placed:
    said = dict(remark.split("=", 1) for remark in remarks if "=" in remark)
    fields = {key.strip().lower(): value.strip() for key, value in said.items()}
    frame = fields.get("coordinatesystem")
    heading = [cell.strip() for cell in fields.get("columns", _SLICER_COLUMNS).split(",")]
    columns, _, _ = _axes(heading)
    name = heading.index("label") if "label" in heading else None
    return _read(_cells(body, ","), columns, name, _SLICER_FRAMES.get(frame or "", frame), "mm")


def _read(
    table: list[list[str]], columns: list[int], name: int | None, frame: str | None, unit: str | None
) -> Placed:
    names, places = [], []
    for at, row in enumerate(table, start=1):
        if len(row) <= max(columns):
            raise _bad(f"point {at} has {len(row)} columns")
        places.append([number(row[column], f"point {at}") for column in columns])
        names.append(row[name] if name is not None and name < len(row) else "")
    return Placed(names=names, places=places, frame=frame, unit=unit)


def _bad(what: str) -> BadInput:
    return BadInput(what, fix="Head the columns name, x_lps_mm, y_lps_mm, z_lps_mm", code="bad-points")
