"""What of a stay is kept: values a living patient can have, in order of time; the rest is counted, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.core.variables import Variable
from suwen.formats.signals.observations import Observations

Reasons = Counter[tuple[str, str]]
"""Number of values by (reason, variable)."""

KEPT = frozenset({"converted", "repeated"})
"""Reasons that count values which are kept all the same."""


@dataclass(frozen=True, kw_only=True)
class Slip:
    """A known slip of the unit or the decimal point, told by the value alone.

    Attributes
    ----------
    low, high
        Values between these, both outside what a patient can have, are meant otherwise ...
    factor, offset
        ... namely as ``value * factor + offset``.
    """

    low: float
    high: float
    factor: float
    offset: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What to keep of a data set's values; made once, applied to every stay.

    Attributes
    ----------
    variables
        In the order of the observations' index.
    slips
        Variable name to the slips that are put right.
    absent
        A number that means missing, such as -1 where no variable can have it.
    """

    variables: tuple[Variable, ...]
    slips: Mapping[str, tuple[Slip, ...]] = field(default_factory=dict)
    absent: float | None = None

    def __post_init__(self) -> None:
        names = tuple(variable.name for variable in self.variables)
        bounds = np.array([variable.plausible for variable in self.variables], np.float64).reshape(-1, 2)
        fixes = [
            (names.index(name), slip) for name in self.slips if name in names for slip in self.slips[name]
        ]
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_low", bounds[:, 0])
        object.__setattr__(self, "_high", bounds[:, 1])
        object.__setattr__(self, "_fixes", tuple(fixes))

    names: tuple[str, ...] = field(init=False, repr=False)
    _low: NDArray[np.float64] = field(init=False, repr=False)
    _high: NDArray[np.float64] = field(init=False, repr=False)
    _fixes: tuple[tuple[int, Slip], ...] = field(init=False, repr=False)

    def apply(
        self,
        hours: NDArray[np.float64],
        variable: NDArray[Any],
        values: NDArray[np.float64],
        *,
        static: Mapping[str, float] | None = None,
        length_h: float = 0.0,
        start: str | None = None,
        counted: Reasons | None = None,
    ) -> tuple[Observations, Reasons]:
        """Observations of one stay, and why values are missing from them.

        Parameters
        ----------
        hours, variable, values
            Arrays (n,): hours since the start; index into :attr:`variables`; value in the variable's unit,
            NaN where nothing was observed.
        static, length_h, start
            As in :class:`Observations`.
        counted
            What was counted before this.

        Raises
        ------
        BadInput
            ``unsorted-times`` when the hours fall.
        """
        reasons: Reasons = Counter(counted or {})
        if len(hours) > 1 and bool((hours[1:] < hours[:-1]).any()):
            raise BadInput(
                "the times are not in order", fix="Sort the observations by time", code="unsorted-times"
            )
        values = np.array(values, np.float64)
        absent = np.isnan(values)
        if self.absent is not None:
            absent |= values == self.absent
        for index, slip in self._fixes:
            meant = (variable == index) & (values >= slip.low) & (values <= slip.high)
            if meant.any():
                values[meant] = values[meant] * slip.factor + slip.offset
                reasons["converted", self.names[index]] += int(meant.sum())
        with np.errstate(invalid="ignore"):
            possible = (values >= self._low[variable]) & (values <= self._high[variable])
        keep = possible & ~absent
        if not keep.all():
            self._count(reasons, "missing", variable[absent])
            self._count(reasons, "impossible", variable[~absent & ~possible])
            hours, variable, values = hours[keep], variable[keep], values[keep]
        if len(hours) > 1:
            order = np.lexsort((variable, hours))
            at, of = hours[order], variable[order]
            same = (at[1:] == at[:-1]) & (of[1:] == of[:-1])
            if same.any():
                self._count(reasons, "repeated", of[1:][same])
        return (
            Observations(
                hours=hours,
                variable=variable.astype(np.int16),
                values=values.astype(np.float32),
                names=self.names,
                static=static or {},
                length_h=length_h,
                dropped=by_reason(reasons),
                start=start,
            ),
            reasons,
        )

    def _count(self, reasons: Reasons, reason: str, which: NDArray[Any]) -> None:
        for index, count in zip(*np.unique(which, return_counts=True), strict=True):
            reasons[reason, self.names[int(index)]] += int(count)


def by_reason(reasons: Reasons) -> dict[str, int]:
    """Counts by reason alone, as :attr:`Observations.dropped` holds them."""
    totals: Counter[str] = Counter()
    for (reason, _), count in reasons.items():
        totals[reason] += count
    return dict(totals)


def descriptor(
    value: float,
    variable: Variable,
    slips: Sequence[Slip] = (),
    *,
    reasons: Reasons,
    absent: float | None = None,
) -> float:
    """A descriptor that does not change during the stay; NaN, counted, where a patient cannot have it."""
    if value == absent or np.isnan(value):
        reasons["missing", variable.name] += 1
        return float("nan")
    for slip in slips:
        if slip.low <= value <= slip.high:
            reasons["converted", variable.name] += 1
            value = value * slip.factor + slip.offset
            break
    if not variable.possible(value):
        reasons["impossible", variable.name] += 1
        return float("nan")
    return value
