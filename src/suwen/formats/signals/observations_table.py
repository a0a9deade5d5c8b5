"""Observations as a long table: one line each with its time, variable, value and unit; CSV or JSON.

CSV has the columns ``time_h`` (hours) or ``time`` (ISO 8601, or H:MM since the start), ``variable``, ``value`` and,
where wanted, ``unit``, ``subject_id`` and ``label``. JSON has the same keys in a list, or stays
``{"subject_id", "observations": [...], "static": {...}, "label"}``, one or several. A variable is named as the task
names it or by its LOINC code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, nearest
from suwen.core.sample import Sample
from suwen.core.variables import Variable
from suwen.formats.signals.asked import input_of
from suwen.formats.signals.cleaning import Reasons, Rules, descriptor
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.records import read_records
from suwen.formats.signals.text import ABSENT, blank, number
from suwen.formats.signals.times import Clock
from suwen.formats.signals.units import ucum

if TYPE_CHECKING:
    from suwen.core.task import Task

COLUMNS = "Give the columns time_h (or time), variable, value and unit"


@dataclass(frozen=True, kw_only=True)
class Stay:
    """What a table says of one subject.

    Attributes
    ----------
    subject
        Its id; empty where the table names none.
    observations
        In order of time.
    label
        As written, where there is one.
    reasons
        Why values are missing.
    """

    subject: str
    observations: Observations
    label: str | None
    reasons: Reasons


@dataclass
class _Gathering:
    """Lines of one subject so far."""

    clock: Clock
    hours: list[float] = field(default_factory=list)
    variable: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    static: dict[str, float] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    reasons: Reasons = field(default_factory=Reasons)


def read_stays(
    data: bytes,
    *,
    rules: Rules,
    descriptors: Sequence[Variable] = (),
    length_h: float | None = None,
) -> list[Stay]:
    """Every subject of a long table.

    Parameters
    ----------
    data
        CSV or JSON.
    rules
        Variables, their ranges, known slips.
    descriptors
        Variables that do not change during the stay; lines that name one go to the static part.
    length_h
        Hours that a stay covers at most; ``None`` ends it with its last observation.

    Raises
    ------
    BadInput
        ``missing-column``, ``unknown-variable`` (naming the nearest), ``wrong-unit``, ``not-a-number``,
        ``bad-time``, ``future-time``, ``unsorted-times``, ``conflicting-labels``, ``empty-stay``.
    Unreadable
        ``empty-file``, ``not-text``, ``bad-json``.
    """
    known = {name: (index, v) for index, v in enumerate(rules.variables) for name in (v.name, *v.loinc)}
    fixed = {v.name: v for v in descriptors}
    gathered: dict[str, _Gathering] = {}
    for record in read_records(data, nested="observations", inherited=("subject_id", "label", "static")):
        subject = str(record.get("subject_id") or "").strip()
        stay = gathered.setdefault(subject, _Gathering(clock=Clock(longest_h=length_h)))
        if not blank(record.get("label")):
            stay.labels.add(str(record["label"]).strip())
        static = record.pop("static", None)
        if not isinstance(static, Mapping | None):
            raise BadInput("'static' is not an object", fix="Give names and values", code="bad-row")
        for name, value in (static or {}).items():
            _describe(stay, fixed, name, value, None)
        if "variable" in record:
            _observe(stay, record, known, fixed)
        elif record.keys() - {"subject_id", "label"}:
            raise BadInput("a line has no column 'variable'", fix=COLUMNS, code="missing-column")
    if not gathered:
        raise BadInput("the table holds no observations", fix=COLUMNS, code="empty-stay")
    return [_finish(subject, stay, rules, descriptors, length_h) for subject, stay in gathered.items()]


def read_table(
    task: Task,
    data: bytes,
    *,
    rules: Rules,
    descriptors: Sequence[Variable] = (),
    length_h: float | None = None,
    name: str = "input",
) -> list[Sample]:
    """The same as samples without a target; ``name`` stands in for a subject that is not named."""
    return [
        Sample(subject_id=stay.subject or name, inputs={input_of(task): stay.observations}, source=name)
        for stay in read_stays(data, rules=rules, descriptors=descriptors, length_h=length_h)
    ]


def _observe(
    stay: _Gathering,
    record: Mapping[str, Any],
    known: Mapping[str, tuple[int, Variable]],
    fixed: Mapping[str, Variable],
) -> None:
    name = str(record["variable"]).strip()
    if "value" not in record:
        raise BadInput("a line has no column 'value'", fix=COLUMNS, code="missing-column")
    if name in fixed and name not in known:
        _describe(stay, fixed, name, record["value"], record.get("unit"))
        return
    if name not in known:
        raise _unknown(name, {v.name for _, v in known.values()} | set(fixed))
    index, variable = known[name]
    stay.hours.append(stay.clock.hours(record))
    stay.variable.append(index)
    stay.values.append(_value(record["value"], variable, record.get("unit")))


def _describe(stay: _Gathering, fixed: Mapping[str, Variable], name: str, value: Any, unit: Any) -> None:
    if name not in fixed:
        raise _unknown(name, set(fixed))
    stay.static[name] = _value(value, fixed[name], unit)


def _unknown(name: str, names: set[str]) -> BadInput:
    return BadInput(f"there is no variable '{name[:40]}'", fix=nearest(name, names), code="unknown-variable")


def _value(given: Any, variable: Variable, unit: Any) -> float:
    """A value in the variable's own unit; NaN where the cell is blank."""
    text = "" if given is None else str(given)
    if text.strip().lower() in ABSENT:
        return math.nan
    word = variable.decoded(text)
    value = float(word) if word is not None else number(text, variable.name)
    return variable.convert(value, ucum(None if unit is None else str(unit)))


def _finish(
    subject: str, stay: _Gathering, rules: Rules, descriptors: Sequence[Variable], length_h: float | None
) -> Stay:
    if len(stay.labels) > 1:
        raise BadInput("one subject has two labels", fix="Keep the right one", code="conflicting-labels")
    static = {variable.name: math.nan for variable in descriptors}
    for variable in descriptors:
        given, counted = _given(stay, rules, variable.name)
        if given is not None:
            slips = rules.slips.get(variable.name, ())
            static[variable.name] = descriptor(given, variable, slips, reasons=counted, absent=rules.absent)
    hours = np.array(stay.hours, np.float64)
    seen, reasons = rules.apply(
        hours,
        np.array(stay.variable, np.int64),
        np.array(stay.values, np.float64),
        static=static,
        length_h=length_h or (float(hours[-1]) if len(hours) else 0.0),
        start=stay.clock.start,
        counted=stay.reasons,
    )
    if not len(seen):
        raise BadInput(
            "nothing was observed in this stay", fix="Give at least one observation", code="empty-stay"
        )
    return Stay(subject=subject, observations=seen, label=next(iter(stay.labels), None), reasons=reasons)


def _given(stay: _Gathering, rules: Rules, name: str) -> tuple[float | None, Reasons]:
    """What a descriptor is given as, and where it counts if it is missing.

    A variable of the same name is one on admission: what was observed of it first, at hour 0, describes the
    stay. Its missing values are counted among the observations.
    """
    if name in stay.static:
        return stay.static[name], stay.reasons
    if name in rules.names:
        index = rules.names.index(name)
        for hour, variable, value in zip(stay.hours, stay.variable, stay.values, strict=True):
            if hour > 0:
                break
            if variable == index:
                return value, Reasons()
    return None, stay.reasons
