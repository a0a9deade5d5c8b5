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
from typing import Any

from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.configuration import check_configuration, check_units, checked_fle
from suwen.engines.registration.fiducials import pairs_of
from suwen.engines.registration.leave_out import LeftOut, Search


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
        ``bad-level``, ``bad-fle`` and what :func:`~suwen.engines.registration.fiducials.pairs_of` and
        :func:`~suwen.engines.registration.configuration.check_configuration` refuse.
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
    for where, side in (("fixed", pairs.fixed_mm), ("moving", pairs.moving_mm)):
        check_configuration(side, where)
    if not 0.001 <= false_alarm <= 0.2:
        raise BadInput(
            f"a level of {false_alarm} is not between 0.001 and 0.2",
            where="false_alarm",
            fix="Ask for 0.05",
            code="bad-level",
        )
    check_units(pairs)
    search = Search(pairs, None if fle_mm is None else checked_fle(fle_mm) ** 2 / 3, false_alarm)
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
