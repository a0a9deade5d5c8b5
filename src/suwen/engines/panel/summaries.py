"""What a stay looks like to a table: for each variable and window of time, how often, how much, which way.

Every column is a function of running sums and extremes per window and variable, so that one more observation
changes the columns of its own variable only, and a stream arrives at the same numbers as a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.formats.signals.observations import Observations

Table = NDArray[np.float32]
Sums = NDArray[np.float64]

SUMS = ("count", "sum", "squares", "hours", "hours2", "hours_x")
"""Running sums per window and variable: n, Σx, Σx², Σt, Σt², Σtx."""
STATE = ("sums", "least", "most", "first", "last", "last_h")
"""Arrays that make up the running state."""
WHOLE = ("count", "mean", "sd", "min", "max", "slope", "last", "last_h", "first", "change")
PART = ("count", "mean", "min", "max", "last")
"""Columns of the whole stay, and of each window in it, where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points of a published score over one window: the worse of the lowest and the highest value of each part.

    Attributes
    ----------
    name
        Of the column, behind which the window follows.
    window
        (from, to) in hours.
    parts
        Variable, or two of which the lowest is divided by the highest, to limits and points: values below the
        first limit have the first points, from the last limit on the last. What was not observed has none.
    """

    name: str
    window: tuple[float, float]
    parts: Mapping[str | tuple[str, str], tuple[tuple[float, ...], tuple[float, ...]]]

    @property
    def column(self) -> str:
        """Name of its column."""
        return f"{self.name}@{self.window[0]:g}-{self.window[1]:g}"


@dataclass(frozen=True, kw_only=True)
class Summaries:
    """Makes a table of stays; see :class:`Running` for the state behind it.

    Attributes
    ----------
    key
        The input that holds the observations.
    names
        Variables, in the order of the observations.
    length_h
        Length of the whole stay in hours; later observations are not read.
    windows
        Parts of it, (from, to) in hours, each with columns of its own.
    whole, part
        Columns of the whole stay, and of each window: names of :data:`WHOLE`.
    merged
        Variables that stand for several: name to those it is fed by.
    ratios
        Pairs of variables whose last and mean values are divided.
    points
        Published scores over windows of their own.
    totals
        Variables whose sum matters, e.g. urine.
    static
        Descriptors taken over.
    choices
        Descriptors that are a choice among numbered kinds: name to the numbers.
    """

    key: str
    names: tuple[str, ...]
    length_h: float
    windows: tuple[tuple[float, float], ...] = ()
    whole: tuple[str, ...] = WHOLE
    part: tuple[str, ...] = PART
    merged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ratios: tuple[tuple[str, str], ...] = ()
    points: tuple[Points, ...] = ()
    totals: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    choices: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables with the merged ones behind them."""
        return (*self.names, *self.merged)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """The whole stay, each window, and those of the points, which have no columns of their own."""
        return ((0.0, self.length_h), *self.windows, *dict.fromkeys(one.window for one in self.points))

    @property
    def shown(self) -> int:
        """How many of :attr:`spans` have columns."""
        return 1 + len(self.windows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the table's columns: ``variable:what@from-to``."""
        moving = [
            f"{name}:{what}@{a:g}-{b:g}"
            for name in self.variables
            for number, (a, b) in enumerate(self.spans[: self.shown])
            for what in (self.part if number else self.whole)
        ]
        ratios = [f"{a}/{b}:{what}" for a, b in self.ratios for what in ("last", "mean")]
        totals = [f"{name}:total@{a:g}-{b:g}" for name in self.totals for a, b in self.spans[: self.shown]]
        points = [one.column for one in self.points]
        kinds = [f"{name}={kind:g}" for name, kinds in self.choices.items() for kind in kinds]
        return (*moving, *ratios, *totals, *points, "observations", "variables", *self.static, *kinds)

    def __call__(self, samples: Sequence[Sample]) -> tuple[Table, tuple[str, ...]]:
        """Table (n, d), NaN where nothing was observed, and its column names."""
        running = Running(self, len(samples))
        for number, sample in enumerate(samples):
            running.add(number, sample.inputs[self.key])
        fixed = self.fixed([sample.inputs[self.key].static for sample in samples])
        return np.concatenate([running.table(), fixed], axis=1, dtype=np.float32), self.columns

    def fixed(self, statics: Sequence[Mapping[str, float]]) -> Table:
        """Columns of the descriptors, (n, s)."""
        rows = [
            [
                *(given.get(name, np.nan) for name in self.static),
                *(float(given.get(name, np.nan) == k) for name, kinds in self.choices.items() for k in kinds),
            ]
            for given in statics
        ]
        return np.array(rows, np.float32).reshape(len(statics), -1)

    def feeds(self) -> list[tuple[int, ...]]:
        """For each observed variable, the places of the table's variables that it feeds."""
        base = len(self.names)
        return [
            (v, *(base + at for at, sources in enumerate(self.merged.values()) if name in sources))
            for v, name in enumerate(self.names)
        ]


@dataclass(frozen=True, kw_only=True)
class Narrow:
    """Some columns of a table of summaries, for a learner that many overlapping columns do not help.

    Attributes
    ----------
    base
        The whole table.
    keep
        Whether a column, by its name, is kept.
    """

    base: Summaries
    keep: Callable[[str], bool]

    @property
    def places(self) -> NDArray[np.int64]:
        """Places of the kept columns in the whole table."""
        return np.array([at for at, name in enumerate(self.base.columns) if self.keep(name)], np.int64)

    def __call__(self, samples: Sequence[Sample]) -> tuple[Table, tuple[str, ...]]:
        """Table (n, kept), and the columns' names."""
        x, names = self.base(samples)
        places = self.places
        return x[:, places], tuple(names[at] for at in places)


class Running:
    """Running sums and extremes of ``n`` stays, from which the table is read off.

    Attributes
    ----------
    sums
        Array (n, windows, variables, 6): see :data:`SUMS`.
    least, most
        Arrays (n, windows, variables): extremes; infinite before anything was observed.
    first, last, last_h
        Arrays (n, windows, variables): first and last value and the hour of the last; NaN before.
    """

    def __init__(self, spec: Summaries, n: int) -> None:
        self.spec = spec
        shape = (n, len(spec.spans), len(spec.variables))
        self.sums: Sums = np.zeros((*shape, len(SUMS)))
        self.least: Sums = np.full(shape, np.inf)
        self.most: Sums = np.full(shape, -np.inf)
        self.first, self.last, self.last_h = (np.full(shape, np.nan) for _ in range(3))
        self._feeds = spec.feeds()
        spans = np.array(spec.spans)
        self._begins, self._ends = spans[:, 0], spans[:, 1]
        self._closed = self._ends >= spec.length_h  # the last minute belongs to the last window
        widest = max(map(len, self._feeds), default=1)
        self._padded = np.array([[*f, *([-1] * (widest - len(f)))] for f in self._feeds], np.int64)

    def add(self, number: int, stay: Observations) -> None:
        """Take in all observations of one stay, in order."""
        hours, variable, values = stay.hours, stay.variable, stay.values.astype(np.float64)
        order = {v: feeds for v, feeds in enumerate(self._feeds) if len(feeds) > 1}
        if order:  # a merged variable follows its source, at the same place in time
            repeat = np.array([len(self._feeds[v]) for v in variable], np.int64)
            hours, values = np.repeat(hours, repeat), np.repeat(values, repeat)
            variable = np.array([f for v in variable for f in self._feeds[v]], np.int64)
        width = len(self.spec.variables)
        for at, (a, b) in enumerate(self.spec.spans):
            closed = b >= self.spec.length_h  # the last minute belongs to the last window
            inside = (hours >= a) & ((hours <= b) if closed else (hours < b))
            t, v, x = hours[inside], variable[inside], values[inside]
            if not len(t):
                continue
            for place, weight in enumerate((None, x, x * x, t, t * t, t * x)):
                self.sums[number, at, :, place] += np.bincount(v, weight, minlength=width)
            np.minimum.at(self.least[number, at], v, x)
            np.maximum.at(self.most[number, at], v, x)
            fresh = np.full(width, np.nan)
            fresh[v[::-1]] = x[::-1]
            self.first[number, at] = np.where(np.isnan(self.first[number, at]), fresh, self.first[number, at])
            self.last[number, at, v] = x
            self.last_h[number, at, v] = t

    def observe(
        self,
        stays: NDArray[np.int64],
        hours: NDArray[np.float64],
        variable: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        """Take in one observation of each of several different stays, (m,) each."""
        fed = self._padded[variable]  # (m, feeds): the variable itself and those it is merged into
        a, b = self._begins, self._ends
        inside = (hours[:, None] >= a) & np.where(self._closed, hours[:, None] <= b, hours[:, None] < b)
        row, feed, at = np.nonzero((fed >= 0)[:, :, None] & inside[:, None, :])
        k, v, t, x = stays[row], fed[row, feed], hours[row], values[row]
        # One stay has one observation here, so that no cell is met twice.
        self.sums[k, at, v] += np.stack([np.ones_like(x), x, x * x, t, t * t, t * x], axis=1)
        self.least[k, at, v] = np.minimum(self.least[k, at, v], x)
        self.most[k, at, v] = np.maximum(self.most[k, at, v], x)
        before = self.first[k, at, v]
        self.first[k, at, v] = np.where(np.isnan(before), x, before)
        self.last[k, at, v], self.last_h[k, at, v] = x, t

    def part(self, stays: NDArray[np.int64]) -> tuple[Sums, ...]:
        """A copy of these stays' state."""
        return tuple(getattr(self, name)[stays] for name in STATE)

    @staticmethod
    def joined(spec: Summaries, parts: Sequence[tuple[Sums, ...]]) -> Running:
        """Parts of running states, one behind the other, as a state of its own."""
        made = Running(spec, 0)
        for name, arrays in zip(STATE, zip(*parts, strict=True), strict=True):
            setattr(made, name, np.concatenate(arrays))
        return made

    def grow(self, n: int) -> None:
        """Make room for ``n`` stays."""
        more = Running(self.spec, n - len(self.sums))
        for name in STATE:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))

    def bytes_each(self) -> int:
        """Memory of one stay's state."""
        return sum(int(getattr(self, name)[0].nbytes) for name in STATE)

    def forget(self, stay: int) -> None:
        """Make a stay's place as new."""
        self.sums[stay], self.least[stay], self.most[stay] = 0, np.inf, -np.inf
        for array in (self.first, self.last, self.last_h):
            array[stay] = np.nan

    def table(self) -> Table:
        """Columns that move with time, (n, d)."""
        sums, first, last, last_h = self.sums, self.first, self.last, self.last_h
        n = len(sums)
        count = sums[..., 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = sums[..., 1] / count
            spread = np.sqrt(np.maximum(sums[..., 2] / count - mean**2, 0))
            time = sums[..., 4] - sums[..., 3] ** 2 / count
            slope = (sums[..., 5] - sums[..., 3] * mean) / time
        once = count < 2
        spread[once] = np.nan
        slope[once | ~(time > 1e-6)] = np.nan
        least = np.where(count > 0, self.least, np.nan)
        most = np.where(count > 0, self.most, np.nan)
        known = {
            "count": count, "mean": mean, "sd": spread, "min": least, "max": most, "slope": slope,
            "last": last, "last_h": last_h, "first": first, "change": last - first,
        }  # fmt: skip
        blocks = [
            np.stack([known[what][:, at] for what in (self.spec.part if at else self.spec.whole)], axis=2)
            for at in range(self.spec.shown)
        ]
        moving = np.concatenate(blocks, axis=2).reshape(n, -1)
        place = {name: at for at, name in enumerate(self.spec.variables)}
        with np.errstate(invalid="ignore", divide="ignore"):
            more = [
                kind[:, 0, place[a]] / kind[:, 0, place[b]]
                for a, b in self.spec.ratios
                for kind in (last, mean)
            ]
        more += [sums[:, at, place[name], 1] for name in self.spec.totals for at in range(len(blocks))]
        more += [self._points(one, least, most, place) for one in self.spec.points]
        own = count[:, 0, : len(self.spec.names)]
        more += [own.sum(1), (own > 0).sum(1)]
        out = np.concatenate([moving, np.stack(more, axis=1)], axis=1)
        out[~np.isfinite(out)] = np.nan
        return out.astype(np.float32)

    def _points(self, one: Points, least: Sums, most: Sums, place: Mapping[str, int]) -> Sums:
        """Points of one score, (n,); NaN where none of its parts was observed."""
        at = self.spec.spans.index(one.window)
        found = []
        for part, (limits, points) in one.parts.items():
            if isinstance(part, tuple):
                with np.errstate(invalid="ignore", divide="ignore"):
                    extremes = [least[:, at, place[part[0]]] / most[:, at, place[part[1]]]]
            else:
                extremes = [least[:, at, place[part]], most[:, at, place[part]]]
            table = np.array([*points, np.nan])
            worst = [
                table[np.where(np.isnan(x), len(points), np.searchsorted(limits, x, side="right"))]
                for x in extremes
            ]
            found.append(np.fmax.reduce(worst))
        each = np.array(found)
        total: Sums = np.where(np.isnan(each).all(0), np.nan, np.nansum(each, 0))
        return total
