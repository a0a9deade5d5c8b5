"""Cells of a table as values of a task's variables, in the variables' units."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.errors import BadInput, nearest
from suwen.core.variables import Variable
from suwen.formats.signals.cleaning import Reasons
from suwen.formats.signals.row import Row
from suwen.formats.signals.text import blank, optional_number
from suwen.formats.signals.units import ucum

WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""Words that any column of 0 and 1 may hold instead."""

_UNIT = re.compile(r"\s*[\[(]([^\[\]()]+)[\])]\s*$")


@dataclass(frozen=True, kw_only=True)
class Column:
    """Where a variable stands in a table.

    Attributes
    ----------
    given
        The column's name as written.
    variable
        What it holds.
    unit
        Unit written behind the name, as UCUM.
    """

    given: str
    variable: Variable
    unit: str | None


def columns_of(
    first: Mapping[str, Any],
    variables: Sequence[Variable],
    *,
    synonyms: Mapping[str, str],
    optional: Sequence[str] = (),
) -> list[Column]:
    """The columns of a table that hold the variables, in the variables' order.

    Parameters
    ----------
    first
        A row; its keys are the columns' names, a unit in brackets behind them.
    synonyms
        Other names of columns: name in the table to variable.
    optional
        Variables that may have no column.

    Raises
    ------
    BadInput
        ``missing-column``, ``duplicate-column``, ``wrong-unit``.
    """
    named: dict[str, tuple[str, str | None]] = {}
    for given in first:
        unit = _UNIT.search(given)
        bare = given[: unit.start()] if unit else given
        name = synonyms.get(bare, bare)
        if name in named and name in {variable.name for variable in variables}:
            raise BadInput(
                "two columns hold the same variable", where=name, fix="Keep one", code="duplicate-column"
            )
        named[name] = (given, ucum(unit[1]) if unit else None)
    found = []
    for variable in variables:
        if variable.name in named:
            given, written = named[variable.name]
            variable.convert(0.0, written)  # refuses a unit that cannot be, before any row is read
            found.append(Column(given=given, variable=variable, unit=written))
        elif variable.name not in optional:
            raise BadInput(
                f"there is no column '{variable.name}' ({variable.title})",
                fix=nearest(variable.name, named),
                code="missing-column",
            )
    return found


def row_of(
    record: Mapping[str, Any], columns: Sequence[Column], variables: Sequence[Variable], reasons: Reasons
) -> Row:
    """One row in the variables' order; what is missing or impossible is NaN, and counted in ``reasons``.

    Raises
    ------
    BadInput
        ``not-a-number``, or ``empty-row`` where nothing is left.
    """
    place = {variable.name: at for at, variable in enumerate(variables)}
    values = np.full(len(variables), np.nan, np.float32)
    counted = Reasons()
    for column in columns:
        value = _value(record.get(column.given), column)
        name = column.variable.name
        if math.isnan(value):
            counted["missing", name] += 1
        elif not column.variable.possible(value):
            counted["impossible", name] += 1
        else:
            if column.unit is not None and column.unit != column.variable.unit:
                counted["converted", name] += 1
            values[place[name]] = value
    if np.isnan(values).all():
        raise BadInput("the row holds no usable value", fix="Give at least one", code="empty-row")
    reasons.update(counted)
    return Row(values=values, names=tuple(place))


def _value(cell: Any, column: Column) -> float:
    if blank(cell):
        return math.nan
    text = str(cell).strip()
    variable = column.variable
    word = variable.decoded(text)
    if word is None and variable.plausible == (0.0, 1.0):
        word = WORDS.get(text.lower())
    if word is not None:
        return float(word)
    value = optional_number(text, variable.name)
    return value if math.isnan(value) else variable.convert(value, column.unit)
