"""Fiducials that do not belong: found by a test with a stated rate of false alarms, reported, never removed.

Every fiducial is left out in turn. Under a right registration the sum of squared residuals then falls by the
variance times a chi-squared variable of 3 degrees of freedom; an outlier makes it fall by far more. With the
localisation error known that is the test; without it the fall is held against what remains, and F takes the place
of chi-squared. The level is divided among all that is tried (Bonferroni), so that the whole test raises a false
alarm at most as often as it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.configuration import check_units, checked_fle
from suwen.engines.registration.fiducials import Fiducials, pairs_of
from suwen.engines.registration.fit import fit
from suwen.engines.registration.rigid import Floats, scipy_module

FURTHER = 0.2
"""Each further outlier must show at this part of the level: else 1 alarm in 20 would cost a good fiducial as well."""
MOST_SUBSETS = 5000
"""So many combinations of fiducials are tried at most."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One fiducial, judged by the registration of the others.

    Attributes
    ----------
    name
        Of the fiducial.
    residual_mm
        In the registration of all, which it pulls towards itself.
    left_out_mm
        Its distance when it is left out of the registration.
    fre_without_mm
        Fiducial registration error of the others.
    p_value
        Probability of as large a fall by chance, for this fiducial alone; ``None`` where nothing can be said.
    """

    name: str
    residual_mm: float
    left_out_mm: float
    fre_without_mm: float
    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class OutlierReport:
    """What the fiducials say of each other.

    Attributes
    ----------
    suspects
        Names of the outlying fiducials, most likely first; empty where all agree, or where it cannot be told which.
    alarm
        Whether the fiducials disagree by more than localisation error.
    p_value
        Of the whole, corrected for all that was tried, at most 1; ``None`` where nothing can be tested.
    false_alarm
        The level: the most often that right fiducials raise an alarm.
    alternatives
        Other fiducials whose removal would leave agreeing ones too: with any, the choice is not certain.
    resolved
        Whether what remains without the suspects agrees.
    fre_before_mm, fre_after_mm
        Fiducial registration error with and without the suspects.
    fiducials
        One row each.
    can_tell
        What is possible with so many fiducials, as a sentence.
    """

    suspects: tuple[str, ...]
    alarm: bool
    p_value: float | None
    false_alarm: float
    alternatives: tuple[tuple[str, ...], ...]
    resolved: bool
    fre_before_mm: float
    fre_after_mm: float
    fiducials: tuple[LeftOut, ...]
    can_tell: str

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return {
            "suspects": list(self.suspects),
            "alarm": self.alarm,
            "p_value": self.p_value,
            "false_alarm": self.false_alarm,
            "alternatives": [list(one) for one in self.alternatives],
            "resolved": self.resolved,
            "fre_before_mm": self.fre_before_mm,
            "fre_after_mm": self.fre_after_mm,
            "fiducials": [vars(one) for one in self.fiducials],
            "can_tell": self.can_tell,
        }


def find_outliers(
    fixed: ArrayLike | Mapping[str, ArrayLike],
    moving: ArrayLike | Mapping[str, ArrayLike],
    *,
    names: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    fle_mm: float | None = None,
    false_alarm: float = 0.05,
    most: int | None = None,
) -> OutlierReport:
    """Look for fiducials that do not belong. Nothing is removed: exclude them in ``register_points(exclude=...)``.

    Parameters
    ----------
    fixed, moving, names, weights
        As for :func:`~suwen.engines.registration.points.register_points`.
    fle_mm
        Localisation error, RMS distance, isotropic. Known, it makes the test far sharper with few fiducials.
    false_alarm
        Level of the whole test, 0.001 to 0.2.
    most
        Outliers to look for at most; by default as many as leave a majority: 1 of 4 or 5, 2 of 6 or 7, and so on.

    Raises
    ------
    BadInput
        ``too-few-fiducials``, ``bad-level``, ``bad-fle`` and what
        :func:`~suwen.engines.registration.fiducials.pairs_of` refuses.
    Refused
        ``wrong-units``, ``scale-mismatch``.

    Notes
    -----
    The mean-shift outlier test of linear regression (Cook and Weisberg 1982) with three shifted coordinates a
    fiducial, its statistic taken from exact refits. Several at once are sought over all subsets, fewest first, so
    that two cannot hide each other. Isotropic localisation is assumed; an FLE stated too small raises more false
    alarms.
    """
    pairs = pairs_of(fixed, moving, names=names, weights=weights)
    n = len(pairs.names)
    if n < 3:
        raise BadInput(
            f"{n} fiducial(s) cannot contradict each other",
            fix="Localise at least 4, better 6",
            code="too-few-fiducials",
        )
    if not 0.001 <= false_alarm <= 0.2:
        raise BadInput(
            f"a level of {false_alarm} is not between 0.001 and 0.2",
            where="false_alarm",
            fix="Ask for 0.05",
            code="bad-level",
        )
    check_units(pairs)
    search = _Search(pairs, None if fle_mm is None else checked_fle(fle_mm) ** 2 / 3, false_alarm)
    limit = (n - 2) // 2 if most is None else max(1, min(most, n - 3))
    variance = search.variance
    chosen, p_value = search.unknown(limit) if variance is None else search.known(limit, variance)
    resolved = p_value is None or p_value >= false_alarm or (bool(chosen) and search.agrees(chosen))
    before = search.fre(())
    return OutlierReport(
        suspects=tuple(pairs.names[at] for at in chosen),
        alarm=p_value is not None and p_value < false_alarm,
        p_value=p_value,
        false_alarm=false_alarm,
        alternatives=search.alternatives(chosen),
        resolved=resolved,
        fre_before_mm=before,
        fre_after_mm=search.fre(chosen),
        fiducials=tuple(search.rows()),
        can_tell=_can_tell(n, known=fle_mm is not None),
    )


class _Search:
    """Refits without subsets of the fiducials, and what their residuals say."""

    def __init__(self, pairs: Fiducials, variance_mm2: float | None, level: float) -> None:
        self.pairs, self.variance, self.level = pairs, variance_mm2, level
        self.n = len(pairs.names)
        self.special = scipy_module("special", "Looking for outlying fiducials")

    def sse(self, subsets: Sequence[tuple[int, ...]]) -> Floats:
        """Weighted sums of squared residuals (k,), each without one subset."""
        weights = np.tile(self.pairs.weights, (len(subsets), 1))
        for row, subset in enumerate(subsets):
            weights[row, list(subset)] = 0
        return fit(self.pairs.fixed_mm, self.pairs.moving_mm, weights).sse_mm2

    def fre(self, subset: tuple[int, ...]) -> float:
        """Fiducial registration error without a subset, mm."""
        rest = np.delete(self.pairs.weights, list(subset)).sum()
        return float(np.sqrt(self.sse([subset])[0] / rest))

    def subsets(self, size: int, of: Sequence[int] | None = None) -> list[tuple[int, ...]]:
        """All subsets of a size; none where they are too many to try."""
        pool = range(self.n) if of is None else of
        return list(combinations(pool, size)) if comb(len(pool), size) <= MOST_SUBSETS else []

    def worst(self, gone: tuple[int, ...], variance: float) -> float:
        """Corrected p-value of the worst single fiducial among those that are not gone."""
        rest = [at for at in range(self.n) if at not in gone]
        whole = float(self.sse([gone])[0])
        if len(rest) == 3:
            return float(self.special.chdtrc(3, whole / variance))
        falls = whole - self.sse([(*gone, at) for at in rest])
        return min(1.0, len(rest) * float(self.special.chdtrc(3, max(0.0, float(falls.max())) / variance)))

    def agrees(self, gone: tuple[int, ...]) -> bool:
        """Whether the others agree with each other."""
        free = 3 * (self.n - len(gone)) - 6
        if self.variance is not None:
            return self.worst(gone, self.variance) >= FURTHER * self.level
        rest = [at for at in range(self.n) if at not in gone]
        if len(rest) < 4:
            return False
        whole = float(self.sse([gone])[0])
        smallest = float(self.sse([(*gone, at) for at in rest]).min())
        p = self.special.fdtrc(3, free - 3, (whole - smallest) / 3 / max(smallest / (free - 3), 1e-30))
        return bool(len(rest) * float(p) >= FURTHER * self.level)

    def known(self, limit: int, variance: float) -> tuple[tuple[int, ...], float | None]:
        """The smallest subset without which the others agree, and the p-value of them all; localisation error known."""
        p_value = self.worst((), variance)
        if p_value >= self.level or self.n == 3:
            return (), p_value
        chosen: tuple[int, ...] = ()
        for size in range(1, limit + 1):
            subsets = self.subsets(size)
            if not subsets:
                break
            chosen = subsets[int(self.sse(subsets).argmin())]
            if self.agrees(chosen):
                break
        return self.by_distance(chosen), p_value

    def unknown(self, limit: int) -> tuple[tuple[int, ...], float | None]:
        """The subset whose removal is hardest to explain by chance; localisation error from the residuals."""
        whole = float(self.sse([()])[0])
        found: list[tuple[float, tuple[int, ...]]] = []
        for size in range(1, limit + 1):
            free = 3 * (self.n - size) - 6
            subsets = self.subsets(size)
            if free < 3 or not subsets:
                break
            rest = self.sse(subsets)
            at = int(rest.argmin())
            ratio = (whole - rest[at]) / (3 * size) / max(rest[at] / free, 1e-30)
            p = len(subsets) * limit * float(self.special.fdtrc(3 * size, free, ratio))
            found.append((min(1.0, p), subsets[at]))
        if not found:
            return (), None
        p_value, chosen = min(found)
        return (self.by_distance(chosen) if p_value < self.level else ()), p_value

    def by_distance(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """The chosen ones, furthest off first when all of them are left out."""
        weights = self.pairs.weights.copy()
        weights[list(chosen)] = 0
        off = np.linalg.norm(fit(self.pairs.fixed_mm, self.pairs.moving_mm, weights).differences_mm, axis=1)
        return tuple(sorted(chosen, key=lambda at: -off[at]))

    def alternatives(self, chosen: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
        """Other subsets of the same size without which the others would agree as well."""
        if not chosen:
            return ()
        others = [one for one in self.subsets(len(chosen)) if set(one) != set(chosen)]
        free = 3 * (self.n - len(chosen)) - 6
        sse = self.sse(others)
        if self.variance is not None:
            fine = self.special.chdtrc(free, sse / self.variance) >= self.level
        else:
            best = float(self.sse([chosen])[0])
            fine = self.special.fdtrc(free, free, sse / max(best, 1e-30)) >= self.level
        return tuple(
            tuple(self.pairs.names[at] for at in one) for one, good in zip(others, fine, strict=True) if good
        )

    def rows(self) -> list[LeftOut]:
        """Each fiducial, left out on its own."""
        weights = np.tile(self.pairs.weights, (self.n + 1, 1))
        weights[np.arange(self.n), np.arange(self.n)] = 0
        fits = fit(self.pairs.fixed_mm, self.pairs.moving_mm, weights)
        off = np.linalg.norm(fits.differences_mm, axis=2)
        falls = fits.sse_mm2[-1] - fits.sse_mm2[:-1]
        free = 3 * self.n - 9
        p: Floats | None = None
        if self.variance is not None and self.n > 3:
            p = self.special.chdtrc(3, falls / self.variance)
        elif self.n > 3:
            p = self.special.fdtrc(3, free, falls / 3 / np.maximum(fits.sse_mm2[:-1] / free, 1e-30))
        return [
            LeftOut(
                name=name,
                residual_mm=float(off[-1, at]),
                left_out_mm=float(off[at, at]),
                fre_without_mm=float(np.sqrt(fits.sse_mm2[at] / weights[at].sum())),
                p_value=None if p is None else float(p[at]),
            )
            for at, name in enumerate(self.pairs.names)
        ]


def _can_tell(n: int, *, known: bool) -> str:
    if n == 3:
        return (
            "Three fiducials show that they disagree, by their distances, and not which one is wrong"
            if known
            else "Three fiducials and no localisation error: nothing can be tested"
        )
    if n == 4:
        return (
            "Of four fiducials one outlier shows, but the three others confirm each other by their distances alone: "
            "look at the alternatives"
            if known
            else "Of four fiducials without a localisation error only a very large outlier shows"
        )
    return f"Of {n} fiducials {(n - 2) // 2} outlier(s) can be found"
