"""One period of continuous glucose: a line every 15 minutes, with what was measured, eaten and given beside it.

Columns as in the Shanghai T1DM and T2DM data sets (Zhao et al., Scientific Data 10:35, 2023); they are found by what
their names say, since the files differ. Diet is free text in two languages and becomes a flag; a dose of insulin is
the sum of its numbers before IU, and one without such a number is left out and counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suwen.core.errors import BadInput
from suwen.core.variables import Variable
from suwen.formats.signals.cleaning import Reasons, Rules
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.records import read_csv
from suwen.formats.signals.text import decoded, optional_number
from suwen.formats.signals.times import Clock
from suwen.formats.signals.units import ucum

QUANTITY = "glucose"
"""Variable of the sensor's own readings, which every period has."""

_COLUMNS = (
    (re.compile(r"^cgm\b"), QUANTITY, "number"),
    (re.compile(r"^cbg\b"), "capillary_glucose", "number"),
    (re.compile(r"ketone"), "ketone", "number"),
    (re.compile(r"dietary intake|饮食|进食量"), "meal", "flag"),
    (re.compile(r"^non-insulin"), "oral_agent", "flag"),
    (re.compile(r"bolus"), "insulin_bolus", "pump"),
    (re.compile(r"basal"), "insulin_basal", "pump"),
    (re.compile(r"insulin.*s\.c"), "insulin_sc", "dose"),
    (re.compile(r"insulin.*i\.v"), "insulin_iv", "dose"),
)
_DATE = re.compile(r"^(date|time)", re.IGNORECASE)
_UNIT = re.compile(r"\(([^()]*)\)\s*$")
_DOSE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:IU|U|units?)\b", re.IGNORECASE)
_SUSPENDED = re.compile(r"suspend", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Column:
    at: int
    index: int
    variable: Variable
    kind: str
    unit: str | None


def is_period(data: bytes) -> bool:
    """Whether a table looks like a period of continuous glucose rather than a long table."""
    first = data.lstrip(b"\xef\xbb\xbf \r\n").splitlines()[:1]
    return bool(first) and b"cgm" in first[0].lower()


def parse(data: bytes, rules: Rules) -> tuple[Observations, Reasons]:
    """Observations of one period, in hours since its first line; gaps stay gaps.

    Raises
    ------
    BadInput
        ``missing-column``, ``bad-row``, ``duplicate-column``, ``bad-time``, ``future-time``, ``unsorted-times``,
        ``not-a-number``, ``wrong-unit``, ``empty-stay``.
    Unreadable
        ``empty-file``, ``not-text``, ``bad-csv``.
    """
    header, rows = read_csv(decoded(data))
    date = next((at for at, name in enumerate(header) if _DATE.match(name)), None)
    columns = _columns(header, rules)
    if date is None or not any(column.variable.name == QUANTITY for column in columns):
        raise BadInput(
            "there is no column of dates, or none of sensor glucose",
            fix="Give the columns Date and CGM (mg / dl)",
            code="missing-column",
        )
    clock, reasons = Clock(), Reasons()
    hours: list[float] = []
    which: list[int] = []
    values: list[float] = []
    for row in rows:
        hour = clock.hours({"time": row[date]})
        found = _line(row, columns, reasons)
        hours += [hour] * len(found)
        which += found.keys()
        values += found.values()
        last = hour
    seen, reasons = rules.apply(
        np.array(hours, np.float64),
        np.array(which, np.int64),
        np.array(values, np.float64),
        length_h=last if rows else 0.0,
        start=clock.start,
        counted=reasons,
    )
    _check_unit(seen, reasons, rules)
    if not len(seen.of(QUANTITY)[0]):
        raise BadInput("the sensor read nothing", fix="Give a period with readings", code="empty-stay")
    return seen, reasons


def _columns(header: Sequence[str], rules: Rules) -> list[_Column]:
    found = []
    for at, name in enumerate(header):
        match = next(((to, kind) for says, to, kind in _COLUMNS if says.search(name.lower())), None)
        if match is None or match[0] not in rules.names:
            continue
        index = rules.names.index(match[0])
        unit = _UNIT.search(name) if match[1] == "number" else None
        found.append(
            _Column(
                at=at,
                index=index,
                variable=rules.variables[index],
                kind=match[1],
                unit=ucum(unit[1]) if unit else None,
            )
        )
    return found


def _line(row: Sequence[str], columns: Sequence[_Column], reasons: Reasons) -> Mapping[int, float]:
    """Variable to value; two columns that say the same (the diet in two languages) are one."""
    found: dict[int, float] = {}
    for column in columns:
        text = row[column.at].strip()
        if not text:
            continue
        if column.kind == "number":
            value = column.variable.convert(optional_number(text, column.variable.name), column.unit)
        elif column.kind == "flag":
            value = 1.0
        else:
            value = _amount(text, column)
            if math.isnan(value):
                reasons["unparsed", column.variable.name] += 1
                continue
        found[column.index] = value
    return found


def _amount(text: str, column: _Column) -> float:
    """Insulin in IU (or IU/h): the sum of the doses given, 0 for a pump's basal rate that is suspended, else NaN."""
    if column.kind == "pump":
        if _SUSPENDED.search(text):
            return 0.0 if column.variable.name == "insulin_basal" else math.nan
        try:
            return optional_number(text, column.variable.name)
        except BadInput:
            return math.nan
    doses = [float(amount) for amount in _DOSE.findall(text)]
    return sum(doses) if doses else math.nan


def _check_unit(seen: Observations, reasons: Reasons, rules: Rules) -> None:
    """Refuse readings that are mostly impossible: they are in another unit than their column says."""
    impossible = reasons["impossible", QUANTITY]
    if impossible > len(seen.of(QUANTITY)[0]):
        unit = rules.variables[rules.names.index(QUANTITY)].unit
        raise BadInput(
            f"most readings are impossible in {unit}",
            where="CGM",
            fix="Write the unit into the name of the column, as in CGM (mmol / L)",
            code="wrong-unit",
        )
