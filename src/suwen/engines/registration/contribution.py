"""What a registration adds to the safety margin of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.engines.registration.configuration import contradicts
from suwen.engines.registration.error import TargetErrors, predict_tre
from suwen.engines.registration.localisation import FleEstimate, estimate_fle, fle_covariances
from suwen.engines.registration.points import Registration
from suwen.engines.registration.radius import error_radius


@dataclass(frozen=True, kw_only=True)
class RegistrationContribution:
    """The registration's share of the error budget, at one target.

    Attributes
    ----------
    target_lps_mm
        Where.
    tre_rms_mm
        Predicted target registration error, RMS distance.
    radius_mm
        The distance that it does not exceed with probability ``coverage``: the margin, were it the only error.
    coverage
        0.5 to below 1.
    deviation_mm
        Standard deviations along the error's three principal axes, ascending, of the normal error with that radius.
        They exceed the predicted ones where the localisation error was estimated from few residuals.
    budget_rms_mm
        The same as one figure: RMS distance, for a budget that adds isotropic errors in squares.
    source
        What it was predicted from, as a sentence.
    contradicted
        Whether the residuals are larger than the stated localisation error explains, as an outlying fiducial makes
        them. The figures are then from the residuals, and larger.
    """

    target_lps_mm: tuple[float, float, float]
    tre_rms_mm: float
    radius_mm: float
    coverage: float
    deviation_mm: tuple[float, float, float]
    budget_rms_mm: float
    source: str
    contradicted: bool

    def as_dict(self) -> dict[str, Any]:
        """The contribution as JSON's own types."""
        return {
            "target_lps_mm": list(self.target_lps_mm),
            "tre_rms_mm": self.tre_rms_mm,
            "radius_mm": self.radius_mm,
            "coverage": self.coverage,
            "deviation_mm": list(self.deviation_mm),
            "budget_rms_mm": self.budget_rms_mm,
            "source": self.source,
            "contradicted": self.contradicted,
        }


def registration_contribution(
    registration: Registration,
    target_lps_mm: ArrayLike,
    coverage: float = 0.95,
    *,
    fle: ArrayLike | float | FleEstimate | None = None,
) -> RegistrationContribution:
    """What the safety margin at a target needs from a registration.

    Parameters
    ----------
    registration
        By paired points, its fixed side in LPS mm.
    target_lps_mm
        Array (3,).
    coverage
        Probability that the margin must hold, 0.5 to below 1.
    fle
        As for :func:`~suwen.engines.registration.error.predict_tre`.

    Raises
    ------
    BadInput
        As :func:`~suwen.engines.registration.error.predict_tre`.

    Notes
    -----
    A stated localisation error that the residuals contradict would make the margin too small. It is then put aside,
    and estimated from those residuals; :func:`~suwen.engines.registration.outliers.find_outliers` says which
    fiducial it may be.
    """
    at = np.reshape(np.asarray(target_lps_mm, float), (1, -1))
    found = predict_tre(registration, at, fle=fle, coverage=coverage)
    stated = registration.fle_mm if fle is None else fle
    contradicted = stated is not None and _contradicted(registration, stated)
    if contradicted:
        found = predict_tre(registration, at, fle=estimate_fle(registration), coverage=coverage)
    known = (
        "as given"
        if found.degrees_of_freedom is None
        else f"estimated from the residuals, {found.degrees_of_freedom} degrees of freedom"
    )
    if contradicted:
        known += "; they contradict the stated one, so look for outlying fiducials"
    return contribution_of(
        found,
        source=f"paired points, {len(registration.names)} fiducials, "
        f"localisation error {found.fle_mm:.2g} mm RMS {known}",
        contradicted=contradicted,
    )


def _contradicted(registration: Registration, fle: ArrayLike | float | FleEstimate) -> bool:
    """Whether the residuals are larger than a stated localisation error explains."""
    pairs = registration.pairs
    if isinstance(fle, FleEstimate):
        fle = max(fle.fle_mm, 1e-9)
    traces = np.trace(fle_covariances(pairs, fle), axis1=1, axis2=2)
    of_weight_1 = float(np.sqrt((pairs.weights * traces).mean()))
    sse = registration.fre_mm**2 * float(pairs.weights.sum())
    return contradicts(sse, of_weight_1, registration.degrees_of_freedom)


def contribution_of(
    found: TargetErrors, *, source: str, at: int = 0, contradicted: bool = False
) -> RegistrationContribution:
    """The contribution of predicted errors at one target, however they were predicted.

    Parameters
    ----------
    found
        As from :func:`~suwen.engines.registration.error.predict_tre`, or from
        :func:`~suwen.engines.registration.surface_error.surface_tre`.
    source
        What they were predicted from.
    at
        Which target.
    contradicted
        Whether what was stated of localisation did not hold.
    """
    covariance, radius = found.covariance_mm2[at], float(found.radius_mm[at])
    deviations = np.sqrt(np.clip(np.linalg.eigvalsh(covariance), 0, None))
    normal = float(error_radius(covariance, found.coverage))
    low, middle, high = (deviations * (radius / normal if normal else 1.0)).tolist()
    x, y, z = found.targets_mm[at].tolist()
    return RegistrationContribution(
        target_lps_mm=(x, y, z),
        tre_rms_mm=float(found.rms_mm[at]),
        radius_mm=radius,
        coverage=found.coverage,
        deviation_mm=(low, middle, high),
        budget_rms_mm=float(np.linalg.norm([low, middle, high])),
        source=source,
        contradicted=contradicted,
    )
