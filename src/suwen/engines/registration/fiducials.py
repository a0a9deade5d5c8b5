"""Fiducials as they are given, and what is refused before anything is fitted to them.

Every refusal here is of a registration that would come out, look well, and be wrong: points on a line leave a
rotation free, coordinates in metres or inches fit nothing at scale 1, a mirrored frame has left where right is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.rigid import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Fiducials:
    """Checked pairs.

    Attributes
    ----------
    names
        One for each pair, all different.
    fixed_mm, moving_mm
        Arrays (n, 3), paired by row.
    weights
        Array (n,), above 0: relative inverse variances.
    """

    names: tuple[str, ...]
    fixed_mm: Floats
    moving_mm: Floats
    weights: Floats

    def without(self, excluded: Sequence[str]) -> Fiducials:
        """Those whose names are not excluded.

        Raises
        ------
        BadInput
            ``unknown-fiducial``.
        """
        for name in excluded:
            if name not in self.names:
                raise BadInput(
                    f"there is no fiducial '{name}' to exclude",
                    where="exclude",
                    fix="Known: " + ", ".join(self.names),
                    code="unknown-fiducial",
                )
        kept = [at for at, name in enumerate(self.names) if name not in excluded]
        return Fiducials(
            names=tuple(self.names[at] for at in kept),
            fixed_mm=self.fixed_mm[kept],
            moving_mm=self.moving_mm[kept],
            weights=self.weights[kept],
        )


def points_of(given: ArrayLike, where: str) -> Floats:
    """Points as an array (n, 3), finite.

    Raises
    ------
    BadInput
        ``not-numbers``, ``bad-points``, ``not-finite``.
    """
    try:
        points = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput(
            "the points are not numbers", where=where, fix="Give (n, 3) in mm", code="not-numbers"
        ) from None
    if points.ndim != 2 or points.shape[1] != 3:
        raise BadInput(
            f"the points have the shape {points.shape}",
            where=where,
            fix="Give (n, 3) in mm",
            code="bad-points",
        )
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
        raise BadInput(
            f"point {row + 1} has a coordinate that is not a finite number",
            where=where,
            fix="Localise it again, or leave the pair out",
            code="not-finite",
        )
    return points


def pairs_of(
    fixed: ArrayLike | Mapping[str, ArrayLike],
    moving: ArrayLike | Mapping[str, ArrayLike],
    *,
    names: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
) -> Fiducials:
    """Pairs by row, or by name where both sides are mappings.

    Raises
    ------
    BadInput
        ``unpaired-fiducials``, ``fiducial-names``, ``bad-weights`` and what :func:`points_of` refuses.
    """
    f_given: Any = fixed
    m_given: Any = moving
    if isinstance(fixed, Mapping) or isinstance(moving, Mapping):
        names, f_given, m_given = _by_name(fixed, moving, names)
    f, m = points_of(f_given, "fixed"), points_of(m_given, "moving")
    if len(f) != len(m):
        raise BadInput(
            f"{len(f)} fixed and {len(m)} moving fiducials cannot be paired",
            fix="Give both sides of every pair, or mappings from name to point",
            code="unpaired-fiducials",
        )
    called = tuple(str(n) for n in names) if names is not None else tuple(str(n + 1) for n in range(len(f)))
    twice = [name for name, count in Counter(called).items() if count > 1]
    if len(called) != len(f) or twice:
        said = (
            f"the name '{twice[0]}' is given twice"
            if twice
            else f"{len(called)} names for {len(f)} fiducials"
        )
        raise BadInput(said, where="names", fix="Give every pair a name of its own", code="fiducial-names")
    weight = np.ones(len(f)) if weights is None else np.asarray(weights, float)
    if weight.shape != (len(f),) or not np.isfinite(weight).all() or (weight <= 0).any():
        raise BadInput(
            f"the weights must be {len(f)} finite numbers above 0",
            where="weights",
            fix="Give relative inverse variances; a fiducial is left out by exclude",
            code="bad-weights",
        )
    return Fiducials(names=called, fixed_mm=f, moving_mm=m, weights=weight)


def _by_name(
    fixed: ArrayLike | Mapping[str, ArrayLike],
    moving: ArrayLike | Mapping[str, ArrayLike],
    names: Sequence[str] | None,
) -> tuple[Sequence[str], Any, Any]:
    """Both sides in one order; refuses a name that only one side has."""
    if not isinstance(fixed, Mapping) or not isinstance(moving, Mapping) or names is not None:
        raise BadInput(
            "named and unnamed points cannot be paired",
            fix="Give two mappings from name to point, or two arrays with names=",
            code="fiducial-names",
        )
    alone = sorted(set(fixed) ^ set(moving))
    if alone:
        raise BadInput(
            f"'{alone[0]}' is a fiducial of one side only",
            where="names",
            fix="Localise it on both sides, or leave it out of both",
            code="fiducial-names",
        )
    order = list(fixed)
    return order, [fixed[name] for name in order], [moving[name] for name in order]
