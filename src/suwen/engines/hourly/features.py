"""What trees and lines read of each hour: columns computed from that hour and those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.engines.hourly.grid import Hours, Ints, rows_of
from suwen.engines.hourly.windows import SPANS, Known, highest, known, lowest, shifted, sums

Array = NDArray[np.float32]
Columns = dict[str, Array]
Terms = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Named columns, last values and descriptors, to further ones such as ratios and points, all (u,)."""
TRENDS = (3, 6)
"""Hours over which the change of the last value is a column."""
TERM_SPAN = 12
"""Hours over which the change of a term is a column."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns of the hours of n stays.

    Attributes
    ----------
    x
        Array (m, d), float32, shared by every subset; NaN is missing.
    names
        Of the columns.
    starts
        Row of the first hour of each of the m rows' stays.
    samples
        Stays of this subset, in order.
    """

    x: Array
    names: tuple[str, ...]
    starts: Ints
    samples: Ints

    @property
    def rows(self) -> Ints:
        """Rows of ``x`` that are the hours of this subset, in order."""
        return rows_of(self.starts, len(self.x), self.samples)[0]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, samples: Ints) -> Table:
        """The hours of these stays, in the given order; nothing is copied."""
        return Table(x=self.x, names=self.names, starts=self.starts, samples=self.samples[samples])

    def places(self, wanted: Sequence[str]) -> Ints | None:
        """Where the wanted columns stand; ``None`` where they are all there is, in order.

        Raises
        ------
        BadInput
            ``missing-columns`` for one that is not there.
        """
        if tuple(wanted) == self.names:
            return None
        absent = [name for name in wanted if name not in self.names]
        if absent:
            raise BadInput(
                f"the hours lack {len(absent)} columns that the model learned from: {', '.join(absent[:3])}",
                fix="Use the model with the task it was trained for",
                code="missing-columns",
            )
        return np.array([self.names.index(name) for name in wanted], np.int64)

    def columns(self, wanted: Sequence[str]) -> Array:
        """Array (u, len(wanted)) of the wanted columns of this subset's hours."""
        at = self.places(wanted)
        x = self.x[self.rows]
        return x if at is None else x[:, at]


def table(made: Hours, columns: Columns) -> Table:
    """Columns as one table."""
    x = np.empty((len(made), len(columns)), np.float32)
    for at, column in enumerate(columns.values()):
        x[:, at] = column
    starts = made.starts
    return Table(x=x, names=tuple(columns), starts=starts, samples=np.arange(len(starts)))


def last_and_trend(made: Hours, names: Sequence[str], static: Sequence[str]) -> Columns:
    """Last values, their change over 3 and 6 hours, descriptors, and the hour."""
    found = known(made.value, made.hour)
    return {**_last(found, names), **_trend(found, made.hour, names), **_fixed(made, static)}


def rich(
    made: Hours, names: Sequence[str], static: Sequence[str], vital: Sequence[str], terms: Terms | None
) -> Columns:
    """All of :func:`last_and_trend`, and how often, how long ago and in which range everything was measured.

    Parameters
    ----------
    made
        The hours.
    names, static
        Of its variables and descriptors.
    vital
        Variables measured often enough for running means and ranges.
    terms
        Makes further columns of last values and descriptors.
    """
    found = known(made.value, made.hour)
    last, fixed = _last(found, names), _fixed(made, static)
    out = {**last, **_trend(found, made.hour, names), **fixed}
    for at, name in enumerate(names):
        out[f"{name} since"] = found.since[:, at]
        out[f"{name} count"] = found.count[:, at]
        out[f"{name} rise"] = found.last[:, at] - found.first[:, at]
    out |= _running(made, names, vital) | _attention(made, found, names, vital)
    if terms is not None:
        plain = {name: last[f"{name} last"] for name in names}
        for name, column in terms({**plain, **fixed}).items():
            out[name] = np.asarray(column, np.float32)
            out[f"{name} change{TERM_SPAN}"] = out[name] - shifted(out[name], TERM_SPAN, made.hour, np.nan)
    return out


def _last(found: Known, names: Sequence[str]) -> Columns:
    return {f"{name} last": found.last[:, at] for at, name in enumerate(names)}


def _trend(found: Known, hour: Ints, names: Sequence[str]) -> Columns:
    out: Columns = {}
    for by in TRENDS:
        change = found.last - shifted(found.last, by, hour, np.nan)
        out |= {f"{name} change{by}": change[:, at] for at, name in enumerate(names)}
    return out


def _fixed(made: Hours, static: Sequence[str]) -> Columns:
    """Descriptors, repeated for every hour, and the hour."""
    each = {name: made.static[made.owner, at] for at, name in enumerate(static)}
    return {**each, "hour": made.hour.astype(np.float32)}


def _running(made: Hours, names: Sequence[str], vital: Sequence[str]) -> Columns:
    """Mean, spread and range of the vital signs over the last 6, 12 and 24 hours, and hours with a value."""
    value = made.value[:, [names.index(name) for name in vital]]
    seen = ~np.isnan(value)
    filled = np.where(seen, value, 0.0).astype(np.float64)
    parts = zip(
        SPANS,
        sums(filled, made.hour),
        sums(filled**2, made.hour),
        sums(seen.astype(np.float64), made.hour),
        lowest(value, made.hour),
        highest(value, made.hour),
        strict=True,
    )
    out: Columns = {}
    for span, total, square, count, low, high in parts:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
            spread = np.sqrt(np.maximum(square / count - mean**2, 0.0))
        for at, name in enumerate(vital):
            out[f"{name} mean{span}"] = mean[:, at].astype(np.float32)
            out[f"{name} spread{span}"] = spread[:, at].astype(np.float32)
            out[f"{name} low{span}"] = low[:, at]
            out[f"{name} high{span}"] = high[:, at]
            out[f"{name} n{span}"] = count[:, at].astype(np.float32)
    return out


def _attention(made: Hours, found: Known, names: Sequence[str], vital: Sequence[str]) -> Columns:
    """How much the rest, mostly laboratory values, was looked at: staff measure those they worry about."""
    others = [at for at, name in enumerate(names) if name not in vital]
    seen = ~np.isnan(made.value)
    rest = seen[:, others].sum(axis=1).astype(np.float64)
    out: Columns = {
        "measured now": seen.sum(axis=1).astype(np.float32),
        "others now": rest.astype(np.float32),
        "others count": found.count[:, others].sum(axis=1),
        "others known": (found.count[:, others] > 0).sum(axis=1).astype(np.float32),
    }
    for span, total in zip(SPANS, sums(rest, made.hour), strict=True):
        out[f"others n{span}"] = total.astype(np.float32)
    return out
