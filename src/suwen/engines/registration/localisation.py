"""How well fiducials are localised: estimated from residuals, or given, on both sides together.

A registration sees the sum of both sides' errors, so that is what is meant wherever one figure is given. It is an RMS
distance in three dimensions, as is the custom of the field: 1.73 times the deviation along one axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.configuration import checked_fle
from suwen.engines.registration.fiducials import Fiducials
from suwen.engines.registration.points import Registration
from suwen.engines.registration.rigid import Floats, scipy_module


@dataclass(frozen=True, kw_only=True)
class FleEstimate:
    """A fiducial localisation error as residuals show it.

    Attributes
    ----------
    fle_mm
        RMS distance, of both sides together.
    low_mm, high_mm
        Its 95% interval.
    degrees_of_freedom
        Of the residuals it is from: 3 n - 6 for each registration.
    """

    fle_mm: float
    low_mm: float
    high_mm: float
    degrees_of_freedom: int


def fle_from_fre(fre_mm: float, fiducials: int) -> float:
    """Localisation error, RMS mm, whose expected FRE is this one: FRE**2 = (1 - 2 / n) FLE**2.

    Sibson 1979; Fitzpatrick, West and Maurer 1998, IEEE TMI 17(5).

    Raises
    ------
    BadInput
        ``too-few-fiducials``, ``not-finite``.
    """
    if fiducials < 3:
        raise BadInput(
            f"{fiducials} fiducial(s) leave no residual to estimate from",
            fix="Use a registration of at least 3 fiducials",
            code="too-few-fiducials",
        )
    if not np.isfinite(fre_mm) or fre_mm < 0:
        raise BadInput(
            f"a registration error of {fre_mm} mm is none", where="fre_mm", fix="Give mm", code="not-finite"
        )
    return float(fre_mm / np.sqrt(1 - 2 / fiducials))


def estimate_fle(*registrations: Registration) -> FleEstimate:
    """Localisation error from the residuals of one registration, or pooled over several of the same kind.

    The weighted sum of squared residuals over the variance along an axis is chi-squared of 3 n - 6 degrees of
    freedom, if localisation is isotropic and no fiducial was left out for its residual. One registration of 4
    fiducials knows its own FLE to a factor of two only, as ``low_mm`` and ``high_mm`` show: pool some.

    Raises
    ------
    BadInput
        ``too-few-fiducials`` without a registration.
    """
    special = scipy_module("special", "Estimating the localisation error")
    free = sum(one.degrees_of_freedom for one in registrations)
    if not free:
        raise BadInput(
            "no registration was given",
            fix="Give at least one, of at least 3 fiducials",
            code="too-few-fiducials",
        )
    square = 3 * sum(one.fre_mm**2 * float(one.pairs.weights.sum()) for one in registrations)
    low, high = (np.sqrt(square / special.chdtri(free, tail)) for tail in (0.025, 0.975))
    return FleEstimate(
        fle_mm=float(np.sqrt(square / free)), low_mm=float(low), high_mm=float(high), degrees_of_freedom=free
    )


def combined_fle(fixed: ArrayLike | float, moving: ArrayLike | float, rotation: Floats) -> Floats:
    """Covariance of localisation, both sides together, in the fixed frame.

    Parameters
    ----------
    fixed, moving
        RMS distance in mm, or covariance (3, 3) or (n, 3, 3) in mm2 in the side's own frame.
    rotation
        Array (3, 3), from moving to fixed.

    Returns
    -------
    ndarray
        Array (3, 3) or (n, 3, 3): the sum, as the two sides are independent.
    """
    sides = [
        np.eye(3) * float(side) ** 2 / 3 if np.ndim(side) == 0 else np.asarray(side, float)  # type: ignore[arg-type]
        for side in (fixed, moving)
    ]
    return np.asarray(sides[0] + rotation @ sides[1] @ rotation.T)


def fle_covariances(pairs: Fiducials, fle: ArrayLike | float) -> Floats:
    """Localisation covariances (n, 3, 3), mm2, from any of the forms that :func:`predict_tre` takes.

    Raises
    ------
    BadInput
        ``bad-fle``.
    """
    n = len(pairs.names)
    given = np.asarray(fle, float)
    if given.ndim == 0:
        given = np.eye(3) * checked_fle(float(given)) ** 2 / 3
    if given.shape == (3, 3):
        given = given / pairs.weights[:, None, None]
    good = given.shape == (n, 3, 3) and bool(np.isfinite(given).all())
    if (
        not good
        or np.abs(given - np.swapaxes(given, 1, 2)).max() > 1e-9
        or np.linalg.eigvalsh(given).min() < -1e-12
    ):
        raise BadInput(
            f"the localisation error of {n} fiducials has the shape {np.shape(fle)} or is no covariance",
            where="fle",
            fix="Give an RMS distance in mm, or covariances (3, 3) or (n, 3, 3) in mm2",
            code="bad-fle",
        )
    return given
