"""Registrations without some of the fiducials, and whether the others agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from suwen.core.errors import BadInput
from suwen.engines.registration.configuration import check_configuration
from suwen.engines.registration.fiducials import Fiducials
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
        Its distance when it is left out of the registration; ``None`` where the others lie on a line and say
        nothing of it.
    fre_without_mm
        Fiducial registration error of the others.
    p_value
        Probability of as large a fall by chance, for this fiducial alone; ``None`` where nothing can be said.
    """

    name: str
    residual_mm: float
    left_out_mm: float | None
    fre_without_mm: float
    p_value: float | None


class Search:
    """Refits without subsets of the fiducials, and what their residuals say.

    Parameters
    ----------
    pairs
        All of them.
    variance_mm2
        Of localisation along an axis, for weight 1; ``None`` where it is not known.
    level
        Of the test.
    """

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

    def fixes(self, without: int) -> bool:
        """Whether the others fix a rigid move."""
        try:
            for where, side in (("fixed", self.pairs.fixed_mm), ("moving", self.pairs.moving_mm)):
                check_configuration(np.delete(side, without, axis=0), where)
        except BadInput:
            return False
        return True

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
                left_out_mm=float(off[at, at]) if self.fixes(at) else None,
                fre_without_mm=float(np.sqrt(fits.sse_mm2[at] / weights[at].sum())),
                p_value=None if p is None else float(p[at]),
            )
            for at, name in enumerate(self.pairs.names)
        ]
