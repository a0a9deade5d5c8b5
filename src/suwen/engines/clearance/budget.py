"""The error budget: how far the instrument may be from where it is shown, and so the margin that a plan needs.

Every source of error is brought to a variance along each axis, independent errors add up in variance, and the
margin is the radius of the ball about the planned point that holds the true one with the stated coverage.
Bounds are added in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.clearance.contribution import STATED, Contribution, Stated
from suwen.engines.clearance.grid import checked_spacing
from suwen.engines.clearance.radial import radial_quantile


@dataclass(frozen=True, kw_only=True)
class ErrorBudget:
    """All errors of a procedure, and the margin that follows from them.

    Attributes
    ----------
    contributions
        At least one.
    coverage
        Probability with which the true position is within the margin of the shown one, 0.9 to below 1.

    Notes ----- Errors are taken to be independent and normal, the sum of their variances is the variance
    (root sum of squares of the deviations), and the margin is the quantile of the distance: for an isotropic
    sum, deviation times the quantile of the chi distribution with 3 degrees of freedom, 2.795 at 95%. Where
    the axes differ the distribution of the distance is integrated. Quantisation is not normal: where it
    outweighs everything else the margin is too large (by 17% for cubic voxels and no other error, at 95%) and
    not too small, as it would be below a coverage of about 0.8.
    """

    contributions: tuple[Contribution, ...]
    coverage: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a budget that says nothing.

        Raises
        ------
        BadInput
            ``budget-empty``, ``coverage-unusable``.
        """
        if not self.contributions:
            raise BadInput(
                "An error budget without an error would give a margin of nothing",
                code="budget-empty",
                fix="State at least the error of registration and the spacing of the image",
            )
        if not 0.9 <= self.coverage < 1:
            raise BadInput(
                f"Coverage is a probability of at least 0.9 and below 1, not {self.coverage}",
                code="coverage-unusable",
                fix="Ask for 0.95, or for 0.99 where more is at stake",
            )

    @cached_property
    def deviation_mm(self) -> tuple[float, float, float]:
        """Standard deviation of the sum along each axis."""
        x, y, z = np.sqrt(np.sum([one.variance_mm2 for one in self.contributions], axis=0)).tolist()
        return x, y, z

    @property
    def bound_mm(self) -> float:
        """Sum of the bounds."""
        return sum(one.bound_mm for one in self.contributions)

    @cached_property
    def margin_mm(self) -> float:
        """The margin that a plan must keep."""
        return self.bound_mm + radial_quantile(self.deviation_mm, self.coverage)

    def rows(self) -> list[dict[str, Any]]:
        """The table of contributions: what each one is, how much of the whole, and what it would ask for alone.

        Returns
        -------
        list of dict
            ``name``, ``stated`` (in words), ``value_mm``, ``deviation_mm`` (root mean square over the axes),
            ``share`` of the whole variance (0 to 1; ``None`` for a bound, or where there is no variance),
            ``alone_mm``, ``source``.
        """
        whole = sum(value**2 for value in self.deviation_mm)
        table = []
        for one in self.contributions:
            variance = one.variance_mm2
            deviations = tuple(float(np.sqrt(v)) for v in variance)
            table.append(
                {
                    "name": one.name,
                    "stated": STATED[one.stated],
                    "value_mm": list(one.value_mm),
                    "deviation_mm": float(np.sqrt(sum(variance) / 3)),
                    "share": sum(variance) / whole if whole and one.stated != "bound" else None,
                    "alone_mm": one.bound_mm + radial_quantile(deviations, self.coverage),
                    "source": one.source,
                }
            )
        return table

    def as_dict(self) -> dict[str, Any]:
        """The budget as a JSON document."""
        return {
            "margin_mm": self.margin_mm,
            "coverage": self.coverage,
            "deviation_mm": list(self.deviation_mm),
            "bound_mm": self.bound_mm,
            "contributions": self.rows(),
        }


def navigation_budget(
    *,
    registration_tre_rms_mm: float,
    tracking_rms_mm: float,
    spacing_mm: ArrayLike,
    instrument_bending_mm: float = 0.0,
    robot_rms_mm: float = 0.0,
    coverage: float = 0.95,
) -> ErrorBudget:
    """The budget of an image-guided procedure.

    Parameters
    ----------
    registration_tre_rms_mm
        Predicted target registration error *at the target*: RMS distance. Not the fiducial registration
        error, which does not predict it.
    tracking_rms_mm
        Of the tracked tip: RMS distance.
    spacing_mm
        Of the image, shape (3,): a label's border is known to a voxel.
    instrument_bending_mm
        The most that the instrument bends off its axis, added in full.
    robot_rms_mm
        Of the arm's tip, as measured: RMS distance.
    coverage
        As in `ErrorBudget`.

    Raises
    ------
    BadInput
        ``error-unusable``, ``bad-spacing``, ``coverage-unusable``.
    """
    spacing = checked_spacing(spacing_mm).tolist()
    given: list[tuple[str, Stated, tuple[float, ...]]] = [
        ("registration at the target", "rms", (float(registration_tre_rms_mm),)),
        ("tracking", "rms", (float(tracking_rms_mm),)),
        ("voxels of the image", "voxel", (spacing[0], spacing[1], spacing[2])),
    ]
    if robot_rms_mm:
        given.append(("robot", "rms", (float(robot_rms_mm),)))
    if instrument_bending_mm:
        given.append(("bending of the instrument", "bound", (float(instrument_bending_mm),)))
    return ErrorBudget(
        contributions=tuple(
            Contribution(name=name, stated=stated, value_mm=value) for name, stated, value in given
        ),
        coverage=coverage,
    )
