"""Image guidance: where the patient lies in the image, and how far from it an instrument may be shown.

Paired points, surfaces and images are brought together by rigid moves, from *moving* coordinates (a tracker's, a
second image's) to *fixed* ones (the planning image's, LPS mm). What comes back says its own error. A small fiducial
registration error does not mean a small error at the target: the two are uncorrelated, and only the second one
enters a margin.
"""

from suwen.engines.registration.contribution import RegistrationContribution, registration_contribution
from suwen.engines.registration.error import TargetErrors, predict_tre
from suwen.engines.registration.icp import SurfaceRegistration, register_surface
from suwen.engines.registration.images import ImageRegistration, register_images
from suwen.engines.registration.outliers import OutlierReport, find_outliers
from suwen.engines.registration.pairing import Pairing, check_pairing
from suwen.engines.registration.pivot import Pivot, calibrate_pivot
from suwen.engines.registration.points import Registration, register_points
from suwen.engines.registration.rigid import Rigid
from suwen.engines.registration.surface_error import surface_tre
from suwen.engines.registration.tracking import ShownTip, Tracker, shown_tip

__all__ = [
    "ImageRegistration",
    "OutlierReport",
    "Pairing",
    "Pivot",
    "Registration",
    "RegistrationContribution",
    "Rigid",
    "ShownTip",
    "SurfaceRegistration",
    "TargetErrors",
    "Tracker",
    "calibrate_pivot",
    "check_pairing",
    "find_outliers",
    "predict_tre",
    "register_images",
    "register_points",
    "register_surface",
    "registration_contribution",
    "shown_tip",
    "surface_tre",
]
