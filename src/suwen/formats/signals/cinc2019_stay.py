"""One stay of PhysioNet/CinC 2019: a line per hour, columns separated by bars, ``NaN`` where nothing was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, nearest
from suwen.core.variables import Variable
from suwen.formats.signals.cleaning import Reasons, Rules, Slip, descriptor
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.text import decoded, number

Floats = NDArray[np.float64]

_NAMES = (
    "HR O2Sat Temp SBP MAP DBP Resp EtCO2 BaseExcess HCO3 FiO2 pH PaCO2 SaO2 AST BUN Alkalinephos Calcium Chloride "
    "Creatinine Bilirubin_direct Glucose Lactate Magnesium Phosphate Potassium Bilirubin_total TroponinI Hct Hgb PTT "
    "WBC Fibrinogen Platelets"
)
SERIES = tuple(_NAMES.split())
"""The 8 vital signs and 26 laboratory values."""
HOUR = "ICULOS"
"""Hours since admission to intensive care, counted from 1."""
LABEL = "SepsisLabel"
"""1 from six hours before the onset of sepsis on."""

DESCRIPTORS = (
    Variable(name="Age", title="Age", unit="a", plausible=(14, 120), loinc=("30525-0",)),
    Variable(name="Gender", title="Sex (0 female, 1 male)", unit="1", plausible=(0, 1)),
    Variable(name="Unit1", title="Medical intensive care unit", unit="1", plausible=(0, 1)),
    Variable(name="Unit2", title="Surgical intensive care unit", unit="1", plausible=(0, 1)),
    Variable(
        name="HospAdmTime",
        title="Hours from admission to intensive care back to hospital admission",
        unit="h",
        plausible=(-24.0 * 366, 24.0 * 366),
    ),
    Variable(
        name=HOUR, title="Hour in intensive care of the first line", unit="h", plausible=(1, 24.0 * 366)
    ),
)
"""What does not change during the stay: the names of :attr:`Observations.static`."""

SLIPS = {"FiO2": (Slip(low=20, high=100, factor=0.01),)}  # percent
"""Slips of the challenge's data, put right and counted."""

_KNOWN = frozenset({*SERIES, *(variable.name for variable in DESCRIPTORS), LABEL})


@lru_cache(maxsize=64)
def _columns(header: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """Column names; where the task's variables stand in the line; and which variables those are."""
    columns = tuple(name.strip() for name in header.split("|"))
    unknown = [name for name in columns if name not in _KNOWN and name not in names]
    if unknown:
        raise BadInput(
            f"there is no variable '{unknown[0][:40]}'",
            fix=nearest(unknown[0], _KNOWN),
            code="unknown-variable",
        )
    if len(set(columns)) < len(columns):
        raise BadInput("two columns have the same name", fix="Rename one", code="duplicate-column")
    used = [(at, names.index(name)) for at, name in enumerate(columns) if name in names]
    if not used:
        raise BadInput(
            "no column holds a vital sign or laboratory value", fix="Give HR|O2Sat|...", code="not-a-stay"
        )
    return columns, tuple(at for at, _ in used), tuple(variable for _, variable in used)


def parse(data: bytes, rules: Rules) -> tuple[Observations, NDArray[np.int8] | None, Reasons]:
    """Observations, one label per hour (-1 unknown; ``None`` without the column), and why values are missing.

    Hour 0 is that of the first line, whose ICULOS is among the descriptors; a stay of n lines covers n hours.

    Raises
    ------
    BadInput
        ``not-a-stay``, ``bad-row``, ``unknown-variable``, ``duplicate-column``, ``not-a-number``, ``bad-time``,
        ``unsorted-times``, ``duplicate-hour``, ``unknown-label``, ``empty-stay``.
    Unreadable
        ``empty-file`` or ``not-text``.
    """
    text = decoded(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    header, _, body = text.strip("\n").partition("\n")
    if "|" not in header:
        raise BadInput(
            "the columns are not separated by bars", fix="Give a .psv of the challenge", code="not-a-stay"
        )
    columns, places, variables = _columns(header, rules.names)
    table = _table(body, len(columns))
    hours = _hours(table, columns)
    values = table[:, list(places)]
    at, of = np.nonzero(~np.isnan(values))
    reasons = Reasons()
    static = {}
    for variable in DESCRIPTORS:
        given = table[:, columns.index(variable.name)] if variable.name in columns else np.zeros(0)
        given = given[~np.isnan(given)]
        first = float(given[0]) if len(given) else math.nan
        static[variable.name] = descriptor(first, variable, reasons=reasons)
    seen, reasons = rules.apply(
        hours[at],
        np.array(variables, np.int64)[of],
        values[at, of],
        static=static,
        length_h=float(hours[-1]) + 1 if len(hours) else 0.0,
        counted=reasons,
    )
    if not len(seen):
        raise BadInput(
            "nothing was observed in this stay", fix="Give a stay with observations", code="empty-stay"
        )
    return seen, _labels(table, columns, hours), reasons


def _table(body: str, width: int) -> Floats:
    """Array (hours, columns), NaN where nothing was measured."""
    if not body:
        raise BadInput("the stay has no hours", fix="Give at least one line", code="empty-stay")
    cells = body.replace("\n", "|").split("|")
    if len(cells) != width * (body.count("\n") + 1):
        raise BadInput("a line has not one value per column", fix="Fetch the file again", code="bad-row")
    try:
        if (
            not body.isascii() or "_" in body
        ):  # float() alone would take 1_000 and the digits of other scripts
            raise ValueError
        table = np.array(list(map(float, cells)), np.float64)
    except ValueError:
        table = np.array([_cell(text) for text in cells], np.float64)
    if np.isinf(table).any():
        raise BadInput("a value is infinite", fix="Give finite numbers", code="not-a-number")
    return table.reshape(-1, width)


def _cell(text: str) -> float:
    return math.nan if text.strip().lower() in {"nan", ""} else number(text, "value")


def _hours(table: Floats, columns: Sequence[str]) -> Floats:
    """Hours since the first line, whole and rising."""
    if HOUR not in columns:
        return np.arange(len(table), dtype=np.float64)
    hours = table[:, columns.index(HOUR)]
    if np.isnan(hours).any() or (hours != np.floor(hours)).any() or hours[0] < 0:
        raise BadInput(
            f"{HOUR} is not a whole hour in every line", fix="Number the hours from 1", code="bad-time"
        )
    step = np.diff(hours)
    if (step < 0).any():
        raise BadInput("the hours are not in order", fix=f"Sort the lines by {HOUR}", code="unsorted-times")
    if (step == 0).any():
        raise BadInput("an hour stands in two lines", fix="Keep one line per hour", code="duplicate-hour")
    if hours[-1] - hours[0] > DESCRIPTORS[-1].plausible[1]:
        raise BadInput("the stay is longer than a year", fix=f"Check {HOUR}", code="bad-time")
    return np.asarray(hours - hours[0], np.float64)


def _labels(table: Floats, columns: Sequence[str], hours: Floats) -> NDArray[np.int8] | None:
    if LABEL not in columns:
        return None
    given = table[:, columns.index(LABEL)]
    if not np.isin(given[~np.isnan(given)], (0, 1)).all():
        raise BadInput(
            f"{LABEL} is neither 0 nor 1", fix="Leave it NaN where it is unknown", code="unknown-label"
        )
    labels = np.full(int(hours[-1]) + 1, -1, np.int8)  # an hour without a line is unknown
    labels[hours.astype(np.int64)] = np.where(np.isnan(given), -1, given).astype(np.int8)
    return labels
