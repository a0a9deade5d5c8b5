"""One source of error, and what its figure is: an RMS distance is not a deviation along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from suwen.core.errors import BadInput
from suwen.engines.clearance.radial import chi3_quantile

Stated = Literal["rms", "p95", "axis", "voxel", "bound"]
STATED: dict[str, str] = {
    "rms": "root mean square of the distance in three dimensions",
    "p95": "95th percentile of the distance in three dimensions",
    "axis": "standard deviation along each axis",
    "voxel": "voxel spacing, the error being uniform within a voxel",
    "bound": "largest distance, added in full",
}
"""What the figure of an error may be."""


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One source of error, isotropic and without bias unless its figure says otherwise.

    Attributes
    ----------
    name
        As a reader knows it.
    stated
        What the figure is, a key of ``STATED``. Of one error the RMS distance is 1.73 times the deviation
        along an axis and the 95th percentile 2.80 times: a figure of the wrong kind is a wrong margin.
    value_mm
        The figure: one for all axes, or for ``axis`` and ``voxel`` one for each.
    source
        Where it is from: a measurement, a data sheet, the header of the image.
    """

    name: str
    stated: Stated
    value_mm: tuple[float, ...]
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no error.

        Raises
        ------
        BadInput
            ``error-unusable``.
        """
        if self.stated not in STATED:
            raise BadInput(
                f"'{self.stated}' is not what the error of {self.name} can be stated as",
                code="error-unusable",
                fix="Say what the figure is: " + ", ".join(STATED),
            )
        allowed = (1, 3) if self.stated in ("axis", "voxel") else (1,)
        if len(self.value_mm) not in allowed or not all(isfinite(v) and v >= 0 for v in self.value_mm):
            raise BadInput(
                f"The error of {self.name} is {' or '.join(map(str, allowed))} finite length(s) of 0 mm or more, "
                f"not {self.value_mm}",
                code="error-unusable",
                fix="Measure it, or leave it out and say so",
            )

    @property
    def variance_mm2(self) -> tuple[float, float, float]:
        """Variance along each axis.

        Of an isotropic normal error the mean square of the distance is three variances, and its 95th
        percentile is 2.795 deviations (chi distribution with 3 degrees of freedom). An error uniform within a
        voxel has spacing² / 12. A bound is no random error and has none.
        """
        per_square = {
            "rms": 1 / 3,
            "p95": chi3_quantile(0.95) ** -2,
            "axis": 1.0,
            "voxel": 1 / 12,
            "bound": 0.0,
        }[self.stated]
        three = self.value_mm if len(self.value_mm) == 3 else self.value_mm * 3
        x, y, z = (per_square * value**2 for value in three)
        return x, y, z

    @property
    def bound_mm(self) -> float:
        """What is added in full."""
        return self.value_mm[0] if self.stated == "bound" else 0.0
