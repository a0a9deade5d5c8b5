"""The error at a target, predicted from where the fiducials are and how well each is localised.

The fiducial registration error (FRE) of a patient says how well the fiducials were localised, over many patients,
and nothing of the error at this patient's target: both come from the same localisation errors, from parts of them
that are uncorrelated (Fitzpatrick 2009). The prediction therefore takes the configuration and the localisation
error (FLE), never the FRE as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.engines.registration.configuration import check_configuration, checked_fle
from suwen.engines.registration.fiducials import Fiducials, points_of
from suwen.engines.registration.localisation import FleEstimate, estimate_fle, fle_covariances
from suwen.engines.registration.points import Registration
from suwen.engines.registration.radius import error_radius
from suwen.engines.registration.rigid import Floats, skew


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetErrors:
    """Predicted registration errors at m targets.

    Attributes
    ----------
    targets_mm
        Array (m, 3), in the fixed frame.
    covariance_mm2
        Array (m, 3, 3), in the fixed frame.
    rms_mm
        Array (m,): root mean square distance, which is the root of the covariance's trace.
    radius_mm
        Array (m,): the distance that is not exceeded with probability ``coverage``.
    coverage
        0.5 to below 1.
    fle_mm
        RMS localisation error that it was predicted with: the mean over the fiducials where they differ.
    degrees_of_freedom
        Of the localisation error, where it was estimated from this registration's own residuals; the radius covers
        what that leaves open. ``None`` where it was given.
    """

    targets_mm: Floats
    covariance_mm2: Floats
    rms_mm: Floats
    radius_mm: Floats
    coverage: float
    fle_mm: float
    degrees_of_freedom: int | None

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON's own types."""
        return {
            "targets_mm": self.targets_mm.tolist(),
            "tre_rms_mm": self.rms_mm.tolist(),
            "tre_radius_mm": self.radius_mm.tolist(),
            "coverage": self.coverage,
            "fle_mm": self.fle_mm,
            "fle_degrees_of_freedom": self.degrees_of_freedom,
        }


def expected_tre(fiducials_mm: ArrayLike, targets_mm: ArrayLike, fle_mm: float) -> Floats:
    """RMS target registration error by the closed formula, for equal weights and isotropic localisation.

    Parameters
    ----------
    fiducials_mm
        Array (n, 3).
    targets_mm
        Array (m, 3), in the same frame.
    fle_mm
        RMS distance.

    Returns
    -------
    ndarray
        Array (m,), mm.

    Raises
    ------
    BadInput
        As :func:`~suwen.engines.registration.configuration.check_configuration`, and ``bad-fle``.

    Notes
    -----
    TRE**2 = FLE**2 / n (1 + 1/3 sum over k of d_k**2 / f_k**2), with d_k the target's and f_k the fiducials' RMS
    distance from principal axis k (Fitzpatrick, West and Maurer 1998, IEEE TMI 17(5)).
    """
    fiducials, targets = points_of(fiducials_mm, "fiducials"), points_of(targets_mm, "targets")
    check_configuration(fiducials, "fiducials", checked_fle(fle_mm))
    n = len(fiducials)
    _, lengths, axes = np.linalg.svd(fiducials - fiducials.mean(axis=0), full_matrices=False)
    along = lengths**2 / n
    from_axis = along.sum() - along
    squares = ((targets - fiducials.mean(axis=0)) @ axes.T) ** 2
    distance = squares.sum(axis=1, keepdims=True) - squares
    return np.asarray(fle_mm / np.sqrt(n) * np.sqrt(1 + (distance / from_axis).sum(axis=1) / 3))


def predict_tre(
    registration: Registration,
    targets_mm: ArrayLike,
    *,
    fle: ArrayLike | float | FleEstimate | None = None,
    coverage: float = 0.95,
) -> TargetErrors:
    """Predicted registration error at each target: covariance, RMS, and the radius that holds ``coverage`` of it.

    Parameters
    ----------
    registration
        By paired points.
    targets_mm
        Array (m, 3) in the fixed frame (LPS mm): the planned targets, or the points of a map.
    fle
        Localisation of both sides together, for a fiducial of weight 1: RMS distance in mm, or a covariance (3, 3)
        in mm2 in the fixed frame (see :func:`~suwen.engines.registration.localisation.combined_fle`); or
        covariances (n, 3, 3), one for each fiducial as it is; or an estimate, whose uncertainty widens the radius,
        as :func:`~suwen.engines.registration.localisation.estimate_fle` pools it from earlier patients. By default
        the registration's own ``fle_mm``, and without that an estimate from its own residuals.
    coverage
        0.5 to below 1.

    Raises
    ------
    BadInput
        ``bad-fle``, ``bad-points``, ``not-finite``, ``coverage-unusable``; ``collinear-fiducials`` or
        ``coincident-fiducials`` where the localisation error is too large for the configuration.

    Notes
    -----
    First-order propagation. With fiducials x_i about their weighted centre, J_i = [-[x_i], I] takes a small
    rotation and translation to a displacement; least squares of weights w_i give the pose error p = A sum w_i J_i'
    e_i, A the inverse of sum w_i J_i' J_i, and its covariance is A (sum w_i**2 J_i' S_i J_i) A for localisation
    covariances S_i, whether or not the weights fit them (compare Danilchenko and Fitzpatrick 2011, IEEE TMI 30(3);
    Wiles et al. 2008, IEEE TMI 27(3)). For equal weights and isotropic S its trace is :func:`expected_tre` squared.
    The estimate from residuals uses that to first order TRE and FRE are independent, so that the squared error over
    the estimated variance follows F.
    """
    targets = points_of(targets_mm, "targets")
    pairs, free = registration.pairs, None
    if fle is None:
        fle = estimate_fle(registration) if registration.fle_mm is None else registration.fle_mm
    if isinstance(fle, FleEstimate):
        free = fle.degrees_of_freedom
        fle = max(fle.fle_mm, 1e-9)
    each = fle_covariances(pairs, fle)
    rms = float(np.sqrt(np.trace(each, axis1=1, axis2=2).mean()))
    check_configuration(pairs.fixed_mm, "fixed", rms)
    centre, pose = pose_covariance(pairs, each)
    reach = np.concatenate(
        [-skew(targets - centre), np.broadcast_to(np.eye(3), (len(targets), 3, 3))], axis=2
    )
    covariance = reach @ pose @ np.swapaxes(reach, 1, 2)
    return TargetErrors(
        targets_mm=targets,
        covariance_mm2=covariance,
        rms_mm=np.sqrt(np.trace(covariance, axis1=1, axis2=2)),
        radius_mm=error_radius(covariance, coverage, degrees_of_freedom=free),
        coverage=coverage,
        fle_mm=rms,
        degrees_of_freedom=free,
    )


def pose_covariance(pairs: Fiducials, fle_mm2: Floats) -> tuple[Floats, Floats]:
    """Centre (3,) of the fiducials, and covariance (6, 6) of rotation (rad) about it and translation (mm)."""
    share = pairs.weights / pairs.weights.sum()
    centre = share @ pairs.fixed_mm
    rows = np.concatenate(
        [-skew(pairs.fixed_mm - centre), np.broadcast_to(np.eye(3), (len(share), 3, 3))], axis=2
    )
    back = np.linalg.inv(np.einsum("n,nai,naj->ij", share, rows, rows))
    middle = np.einsum("n,nai,nab,nbj->ij", share**2, rows, fle_mm2, rows)
    return centre, back @ middle @ back
