"""One stay of PhysioNet/CinC 2012: lines ``Time,Parameter,Value``, times HH:MM since admission, -1 is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from suwen.core.errors import BadInput, nearest
from suwen.core.variables import Variable
from suwen.formats.signals.cleaning import Reasons, Rules, Slip, descriptor
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.text import decoded, number

HEADER = "Time,Parameter,Value"
HOURS = 48.0
"""Length of the window; a later time is an error."""
ABSENT = -1.0
"""Means missing, for every parameter."""

_NAMES = (
    "Albumin ALP ALT AST Bilirubin BUN Cholesterol Creatinine DiasABP FiO2 GCS Glucose HCO3 HCT HR K Lactate Mg MAP "
    "MechVent Na NIDiasABP NIMAP NISysABP PaCO2 PaO2 pH Platelets RespRate SaO2 SysABP Temp TroponinI TroponinT "
    "Urine WBC Weight"
)
SERIES = tuple(_NAMES.split())
"""Parameters that are observed over time."""

DESCRIPTORS = (
    Variable(name="Age", title="Age", unit="a", plausible=(15, 90), loinc=("30525-0",)),
    Variable(name="Gender", title="Sex (0 female, 1 male)", unit="1", plausible=(0, 1)),
    Variable(name="Height", title="Height", unit="cm", plausible=(100, 230), loinc=("8302-2",)),
    Variable(name="ICUType", title="Kind of intensive care unit", unit="1", plausible=(1, 4)),
    Variable(name="Weight", title="Weight on admission", unit="kg", plausible=(20, 400)),
    Variable(name="saps_i", title="SAPS-I", unit="{score}", plausible=(0, 60)),
    Variable(name="sofa", title="SOFA", unit="{score}", plausible=(0, 24)),
)
"""What does not change during the stay: the names of :attr:`Observations.static`."""

SLIPS = {
    "Temp": (Slip(low=86, high=111, factor=5 / 9, offset=-160 / 9),),  # degrees Fahrenheit
    "pH": (Slip(low=650, high=800, factor=0.01),),  # without its point: 735 for 7.35
    "FiO2": (Slip(low=20, high=100, factor=0.01),),  # percent
    "Height": (
        Slip(low=330, high=560, factor=1 / 2.54),  # centimetres taken for inches and converted once more
        Slip(low=1.2, high=2.3, factor=100),  # metres
    ),
    # MIMIC-II, where the stays come from, gives ages above 89 as about 200; the challenge gives them as 90.
    "Age": (Slip(low=90.01, high=310, factor=0, offset=90),),
}
"""Slips of unit and decimal point that the challenge's data hold; put right and counted."""

_STATIC = {variable.name: variable for variable in DESCRIPTORS}
_AT_START = frozenset({"RecordID", "Age", "Gender", "Height", "ICUType", "Weight"})
_PASSED_OVER = -1  # a parameter of the challenge that the task does not use
_T = TypeVar("_T")
_TIME = re.compile(r"(\d{1,3}):([0-5]\d)", re.ASCII)


@lru_cache(maxsize=1)
def _clock() -> dict[str, float]:
    """Every time HH:MM of the window, in hours."""
    return {f"{m // 60:02d}:{m % 60:02d}": m / 60 for m in range(int(HOURS) * 60 + 1)}


@lru_cache(maxsize=8)
def _index(names: tuple[str, ...]) -> dict[str, int]:
    """Parameter to its index among the task's variables; those it does not use have one below 0."""
    known = dict.fromkeys((*SERIES, *_AT_START), _PASSED_OVER)
    return known | {name: index for index, name in enumerate(names)}


def parse(data: bytes, rules: Rules) -> tuple[str | None, Observations, Reasons]:
    """Record id, observations (scores not yet among its descriptors) and why values are missing.

    Raises
    ------
    BadInput
        ``not-a-stay``, ``bad-row``, ``bad-time``, ``future-time``, ``unsorted-times``, ``unknown-variable``,
        ``not-a-number``, ``empty-stay``.
    Unreadable
        ``empty-file`` or ``not-text``.
    """
    text = decoded(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    header, _, body = text.partition("\n")
    if header.strip() != HEADER:
        raise BadInput(
            f"the first line is not {HEADER}", fix="Give a stay of the challenge", code="not-a-stay"
        )
    body = body.strip("\n")
    cells = body.replace("\n", ",").split(",") if body else []
    if len(cells) != 3 * (body.count("\n") + 1 if body else 0):
        raise BadInput("a line has not three values", fix="Fetch the file again", code="bad-row")
    parameters = cells[1::3]
    hours = _looked_up(cells[0::3], _clock(), _time_error)
    index = _looked_up(parameters, _index(rules.names), lambda name: _name_error(name, rules.names))
    # float() alone would take 1_000 and the digits of other scripts.
    values = _numbers(cells[2::3], plain=body.isascii() and "_" not in body)
    record, static, reasons = _descriptors(hours, parameters, values, cells[2::3])
    which = np.array(index, np.int64)
    used = which >= 0
    seen, reasons = rules.apply(
        np.array(hours, np.float64)[used],
        which[used],
        np.array(values, np.float64)[used],
        static=static,
        length_h=HOURS,
        counted=reasons,
    )
    weight = rules.names.index("Weight") if "Weight" in rules.names else _PASSED_OVER
    if not (seen.variable != weight).any():  # weight alone is a descriptor
        raise BadInput(
            "nothing was observed in this stay", fix="Give a stay with observations", code="empty-stay"
        )
    return record, seen, reasons


def _looked_up(keys: Sequence[str], table: dict[str, _T], error: Callable[[str], BadInput]) -> list[_T]:
    try:
        return [table[key] for key in keys]
    except KeyError as missing:
        raise error(str(missing.args[0])) from None


def _time_error(text: str) -> BadInput:
    match = _TIME.fullmatch(text)
    if match and int(match[1]) * 60 + int(match[2]) > HOURS * 60:
        return BadInput(
            f"a time is later than the {HOURS:g} hours that a stay covers",
            fix="Leave out what was observed later",
            code="future-time",
        )
    return BadInput("a time is not HH:MM", fix="Write hours and minutes since admission", code="bad-time")


def _name_error(name: str, names: tuple[str, ...]) -> BadInput:
    return BadInput(
        f"there is no variable '{name[:40]}'",
        fix=nearest(name, {*names, *SERIES, *_AT_START}),
        code="unknown-variable",
    )


def _numbers(texts: list[str], *, plain: bool) -> list[float]:
    if plain:
        try:
            values = list(map(float, texts))
        except ValueError:
            values = [math.nan]
        if all(map(math.isfinite, values)):
            return values
    return [number(text, "Value") for text in texts]  # raises at the first that is not one


def _descriptors(
    hours: list[float], parameters: list[str], values: list[float], texts: list[str]
) -> tuple[str | None, dict[str, float], Reasons]:
    """Record id and what does not change; of several values for one descriptor the first counts.

    The re-assembled set-a holds two to four ages for 381 stays, at most seven years apart.
    """
    given: dict[str, list[float]] = {}
    record = None
    for at, name in enumerate(parameters):
        if hours[at] > 0:
            break
        if name == "RecordID":
            record = texts[at].strip()
        elif name in _AT_START:
            given.setdefault(name, []).append(values[at])
    reasons: Reasons = Reasons()
    static = dict.fromkeys(_STATIC, math.nan)
    for name, found in given.items():
        if name != "Weight" and len(set(found)) > 1:
            reasons["contradictory", name] += len(found) - 1
        # Weight is a time series too, where its missing values are counted.
        counted = reasons if name != "Weight" else Reasons()
        static[name] = descriptor(
            found[0], _STATIC[name], SLIPS.get(name, ()), reasons=counted, absent=ABSENT
        )
    return record, static, reasons
