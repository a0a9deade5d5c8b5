"""Where a tracked tool's tip is shown in the image, and how far it may be from there: marker to picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.error import predict_tre
from suwen.engines.registration.fiducials import points_of
from suwen.engines.registration.localisation import FleEstimate
from suwen.engines.registration.points import Registration
from suwen.engines.registration.radius import error_radius
from suwen.engines.registration.rigid import Floats, Rigid, skew


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """How well a tracking system knows a marker's pose.

    Attributes
    ----------
    position_rms_mm
        RMS distance of the marker's origin from where it is.
    angle_rms_deg
        RMS angle between the marker's attitude and the true one.

    Raises
    ------
    BadInput
        ``bad-tracker``.
    """

    position_rms_mm: float
    angle_rms_deg: float

    def __post_init__(self) -> None:
        if not (0 <= self.position_rms_mm < 50 and 0 <= self.angle_rms_deg < 10):
            raise BadInput(
                f"a tracker of {self.position_rms_mm} mm and {self.angle_rms_deg} degrees cannot guide",
                where="tracker",
                fix="Give its RMS errors in mm and degrees, 0 or more",
                code="bad-tracker",
            )

    def covariance_mm2(self, arm_mm: Floats) -> Floats:
        """Covariance (3, 3) of a point fixed to a marker, ``arm_mm`` (3,) away from its origin; isotropic noise."""
        lever = skew(arm_mm)
        turned = np.radians(self.angle_rms_deg) ** 2 / 3 * (lever @ lever.T)
        return np.asarray(self.position_rms_mm**2 / 3 * np.eye(3) + turned)


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownTip:
    """A tip in the image.

    Attributes
    ----------
    tip_lps_mm
        Array (3,).
    covariance_mm2
        Array (3, 3), LPS, of everything together.
    parts_rms_mm
        RMS distance of each part: ``registration``, ``tool`` and ``reference`` (tracking), ``tip`` (calibration).
    tracking_rms_mm
        Of all but the registration: what an error budget calls tracking.
    rms_mm
        Of everything together.
    radius_mm
        The true tip is no further from the shown one than this with probability ``coverage``.
    coverage
        0.5 to below 1.
    """

    tip_lps_mm: Floats
    covariance_mm2: Floats
    parts_rms_mm: Mapping[str, float]
    tracking_rms_mm: float
    rms_mm: float
    radius_mm: float
    coverage: float

    def as_dict(self) -> dict[str, Any]:
        """The tip as JSON's own types."""
        plain = ("tracking_rms_mm", "rms_mm", "radius_mm", "coverage")
        return {
            "tip_lps_mm": self.tip_lps_mm.tolist(),
            "covariance_mm2": self.covariance_mm2.tolist(),
            "parts_rms_mm": dict(self.parts_rms_mm),
            **{name: getattr(self, name) for name in plain},
        }


def shown_tip(
    registration: Registration,
    *,
    tool: Rigid,
    reference: Rigid,
    tip_mm: ArrayLike,
    tracker: Tracker,
    tip_covariance_mm2: ArrayLike | None = None,
    fle: ArrayLike | float | FleEstimate | None = None,
    coverage: float = 0.95,
) -> ShownTip:
    """The tip of a tracked tool in the image, with its error.

    Parameters
    ----------
    registration
        From the reference marker's frame, which is fixed to the patient, to the image (LPS mm).
    tool, reference
        Poses of the two markers: from the marker's frame to the tracker's, mm, of the same moment.
    tip_mm
        Array (3,): the tip in the tool's frame, as :func:`~suwen.engines.registration.pivot.calibrate_pivot` finds
        it.
    tracker
        How well it tracks a marker; the two markers' errors are independent.
    tip_covariance_mm2
        Array (3, 3), in the tool's frame: of the calibration. None by default, which takes the tip as exact.
    fle
        As for :func:`~suwen.engines.registration.error.predict_tre`.
    coverage
        0.5 to below 1.

    Raises
    ------
    BadInput
        ``bad-points``, ``not-finite``, ``bad-covariance`` and what
        :func:`~suwen.engines.registration.error.predict_tre` refuses.

    Notes
    -----
    The tip is registration(reference^-1(tool(tip))). To first order a marker's pose error moves a point by its
    translation plus its rotation times the arm from marker to point; so a reference far from the target costs as
    much as a long tool.
    """
    tip = points_of(np.reshape(np.asarray(tip_mm, float), (1, -1)), "tip_mm")
    calibrated = np.zeros((3, 3)) if tip_covariance_mm2 is None else np.asarray(tip_covariance_mm2, float)
    if (
        calibrated.shape != (3, 3)
        or not np.isfinite(calibrated).all()
        or np.linalg.eigvalsh(calibrated)[0] < -1e-9
    ):
        raise BadInput(
            "the covariance of the tip is none",
            where="tip_covariance_mm2",
            fix="Give (3, 3) in mm2, as the calibration found it",
            code="bad-covariance",
        )
    tracked = tool.apply(tip)
    shown = registration.apply(reference.inverse().apply(tracked))
    to_image = registration.rotation @ reference.rotation.T
    tre = predict_tre(registration, shown, fle=fle, coverage=coverage)
    # An estimated localisation error widens the radius; the same factor widens its covariance here.
    widened = (tre.radius_mm[0] / error_radius(tre.covariance_mm2[0], coverage)) ** 2
    parts = {
        "registration": tre.covariance_mm2[0] * widened,
        "tool": to_image @ tracker.covariance_mm2(tracked[0] - tool.translation_mm) @ to_image.T,
        "reference": to_image @ tracker.covariance_mm2(tracked[0] - reference.translation_mm) @ to_image.T,
        "tip": to_image @ tool.rotation @ calibrated @ tool.rotation.T @ to_image.T,
    }
    whole = np.sum(list(parts.values()), axis=0)
    rms = {name: float(np.sqrt(np.trace(part))) for name, part in parts.items()}
    return ShownTip(
        tip_lps_mm=shown[0],
        covariance_mm2=whole,
        parts_rms_mm=rms,
        tracking_rms_mm=float(np.linalg.norm([rms[name] for name in ("tool", "reference", "tip")])),
        rms_mm=float(np.sqrt(np.trace(whole))),
        radius_mm=float(error_radius(whole, coverage)),
        coverage=coverage,
    )
