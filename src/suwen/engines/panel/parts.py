"""A sample as parts that can be taken away, and what is left of it when some are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.row import Row

Bools = NDArray[np.bool_]
Period = tuple[float, float] | None

BLOCKS = 8
"""Periods that a stay is cut into: six hours each of two days."""
MOST_COLUMNS = 40
"""Columns of a table that are parts of their own; the others are one part together."""
REST = "all other columns"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of one sample.

    Attributes
    ----------
    variables, periods, shown
        Of each part; see :class:`suwen.core.engine.Players`.
    without
        Takes who is present, (m, parts), and returns the m samples that are left.
    """

    variables: tuple[str, ...]
    periods: tuple[Period, ...]
    shown: tuple[str, ...]
    without: Callable[[Bools], list[Sample]]


def of_observations(
    sample: Sample,
    field: str,
    static: Sequence[str],
    *,
    edges: NDArray[np.float64] | None = None,
    kept: Bools | None = None,
) -> Parts:
    """Each variable in each period in which it was observed, and each known descriptor.

    An absent part was not observed: its observations are taken out, a descriptor is missing.

    Parameters
    ----------
    edges
        Of the periods, in hours, rising; eight equal ones where not said.
    kept
        Observations (n,) that no part holds, since without them there is no answer at all.
    """
    stay: Observations = sample.inputs[field]
    length = max(stay.length_h, float(stay.hours[-1]) if len(stay) else 0.0, 1e-6)
    edges = np.linspace(0, length, BLOCKS + 1) if edges is None else edges
    blocks = len(edges) - 1
    block = np.clip(np.searchsorted(edges, stay.hours, side="right") - 1, 0, blocks - 1)
    free = np.ones(len(stay), bool) if kept is None else ~kept
    pairs, found = np.unique(stay.variable[free].astype(np.int64) * blocks + block[free], return_inverse=True)
    member = np.full(len(stay), -1)
    member[free] = found
    fixed = [name for name in static if np.isfinite(stay.static.get(name, np.nan))]
    variables = [stay.names[pair // blocks] for pair in pairs] + fixed
    periods: list[Period] = [(float(edges[p % blocks]), float(edges[p % blocks + 1])) for p in pairs]
    shown = [_range(stay.values[member == at]) for at in range(len(pairs))]
    shown += [f"{stay.static[name]:g}" for name in fixed]

    def without(present: Bools) -> list[Sample]:
        left = []
        for row in present:
            keep = np.append(row[: len(pairs)], True)[member]  # what no part holds stays
            known = {
                name: value if name not in fixed or row[len(pairs) + fixed.index(name)] else np.nan
                for name, value in stay.static.items()
            }
            rest = replace(
                stay,
                hours=stay.hours[keep],
                variable=stay.variable[keep],
                values=stay.values[keep],
                static=known,
                length_h=length,
            )
            left.append(replace(sample, inputs={**sample.inputs, field: rest}))
        return left

    return Parts(
        variables=tuple(variables),
        periods=(*periods, *([None] * len(fixed))),
        shown=tuple(shown),
        without=without,
    )


def of_row(sample: Sample, field: str, usual: NDArray[np.float32], effect: NDArray[np.float64]) -> Parts:
    """Each column of a table, those of least effect together as one.

    An absent column has its usual value: the median of those the model learned from.

    Parameters
    ----------
    usual
        Array (d,): medians.
    effect
        Array (d,): how much the answer moves when one column alone has its usual value.
    """
    row: Row = sample.inputs[field]
    known = np.flatnonzero(np.isfinite(row.values))
    order = known[np.argsort(-np.abs(effect[known]), kind="stable")]
    alone, rest = order[:MOST_COLUMNS], order[MOST_COLUMNS:]
    groups = [np.array([at]) for at in alone] + ([rest] if len(rest) else [])
    names = [row.names[at] for at in alone] + ([REST] if len(rest) else [])
    shown = [f"{row.values[at]:g}" for at in alone] + ([f"{len(rest)} columns"] if len(rest) else [])

    def without(present: Bools) -> list[Sample]:
        left = []
        for line in present:
            values = row.values.copy()
            for group, here in zip(groups, line, strict=True):
                if not here:
                    values[group] = usual[group]
            left.append(replace(sample, inputs={**sample.inputs, field: replace(row, values=values)}))
        return left

    return Parts(
        variables=tuple(names), periods=tuple([None] * len(groups)), shown=tuple(shown), without=without
    )


def edited(sample: Sample, field: str, changes: Mapping[str, float]) -> Sample:
    """The sample with other values: a table's columns, or what was observed of a variable in the last quarter.

    The latest observation of a variable is changed whenever it was made.
    """
    value = sample.inputs[field]
    if isinstance(value, Row):
        values = value.values.copy()
        for name, new in changes.items():
            values[value.names.index(name)] = new
        return replace(sample, inputs={**sample.inputs, field: replace(value, values=values)})
    assert isinstance(value, Observations)  # noqa: S101 (a panel's inputs are one or the other)
    moved = value.values.copy()
    late = value.hours >= 0.75 * value.length_h
    for name, new in changes.items():
        mine = value.variable == value.names.index(name)
        moved[mine & late] = new
        if mine.any():
            moved[np.flatnonzero(mine)[-1]] = new
    return replace(sample, inputs={**sample.inputs, field: replace(value, values=moved)})


def latest(sample: Sample, field: str) -> dict[str, float]:
    """The latest value of each variable, or a table's values."""
    value = sample.inputs[field]
    if isinstance(value, Row):
        return {name: float(x) for name, x in zip(value.names, value.values, strict=True)}
    assert isinstance(value, Observations)  # noqa: S101
    return {value.names[v]: float(x) for v, x in zip(value.variable, value.values, strict=True)}


def _range(values: NDArray[np.float32]) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g} ({len(values)})"
