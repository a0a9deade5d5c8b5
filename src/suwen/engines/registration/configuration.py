"""What is refused of fiducials before anything is fitted to them.

Every refusal here is of a registration that would come out, look well, and be wrong: points on a line leave a
rotation open, coordinates in metres or inches fit nothing at scale 1, a pair given twice counts double.
"""

from __future__ import annotations

import numpy as np

from suwen.core.errors import BadInput, Refused
from suwen.engines.registration.fiducials import Fiducials
from suwen.engines.registration.rigid import Floats

LARGEST_TURN_RAD = 0.1
"""A rotation less certain than this (one standard deviation) is refused: errors no longer follow first order."""
THINNEST = 0.02
"""Points whose distance from their own line is below this part of their extent are on a line."""
FACTORS = {
    1000.0: "metres and millimetres",
    100.0: "metres and centimetres",
    25.4: "inches and millimetres",
    10.0: "centimetres and millimetres",
    2.54: "inches and centimetres",
}
"""Ratios of the units that coordinates are mixed up in."""
EXTENT_MM = (1.0, 3000.0)
"""Fiducials of one patient are spread (RMS about their centre) by no less and no more than this."""
LARGEST_FLE_MM = 20.0
IMPLAUSIBLE = 3.72
"""Standard normal deviate of probability 1e-4."""
NEAR, RIGID_WITHIN = 0.08, 0.13
"""How near (in log scale) a ratio counts as one of the factors, and as that of two rigid copies."""


def check_configuration(points_mm: Floats, where: str, fle_mm: float | None = None) -> None:
    """Refuse points that do not fix a rotation.

    Parameters
    ----------
    points_mm
        Array (n, 3).
    where
        Which side they are of.
    fle_mm
        Fiducial localisation error, RMS distance, where it is known: the rotation's uncertainty about the worst
        axis, its deviation along one axis over the root of the summed squared distances from that axis, then
        decides as well.

    Raises
    ------
    BadInput
        ``too-few-fiducials``, ``coincident-fiducials``, ``collinear-fiducials``.
    """
    n = len(points_mm)
    if n < 3:
        raise BadInput(
            f"{n} fiducial(s) do not fix a rigid registration",
            where=where,
            fix="Localise at least 3 that are not on a line, better 5 or more around the target",
            code="too-few-fiducials",
        )
    first, *others = np.linalg.svd(points_mm - points_mm.mean(axis=0), compute_uv=False).tolist()
    off_line = float(np.hypot(*others))
    blur = 0.0 if fle_mm is None else fle_mm / np.sqrt(3)
    if first < 1e-6 * max(1.0, float(np.abs(points_mm).max())) or blur > LARGEST_TURN_RAD * np.hypot(
        first, others[0]
    ):
        raise BadInput(
            f"the fiducials lie together: spread {np.hypot(first, off_line) / np.sqrt(n):.3g} mm about their centre, "
            f"localisation error {fle_mm or 0:.3g} mm",
            where=where,
            fix="Use fiducials further apart",
            code="coincident-fiducials",
        )
    if off_line < THINNEST * first or blur > LARGEST_TURN_RAD * off_line:
        why = (
            f"{off_line / np.sqrt(n):.3g} mm from their line, {first / np.sqrt(n):.3g} mm along it"
            if off_line < THINNEST * first or not off_line
            else f"the rotation about their line is known to {np.degrees(blur / off_line):.0f} degrees only"
        )
        raise BadInput(
            f"the fiducials lie on a line ({why}), so that the rotation about it is open",
            where=where,
            fix="Add a fiducial well off that line",
            code="collinear-fiducials",
        )


def contradicts(sse_mm2: float, fle_mm: float, degrees_of_freedom: int) -> bool:
    """Whether residuals are larger than a localisation error explains; right ones are once in 10,000 times.

    Parameters
    ----------
    sse_mm2
        Weighted sum of squared residuals.
    fle_mm
        RMS distance, of weight 1.
    degrees_of_freedom
        3 n - 6.

    Notes
    -----
    The chi-squared quantile by the cube-root approximation of Wilson and Hilferty 1931, which needs no package.
    """
    spread = 2 / (9 * degrees_of_freedom)
    limit = degrees_of_freedom * (1 - spread + IMPLAUSIBLE * np.sqrt(spread)) ** 3
    return bool(sse_mm2 > limit * fle_mm**2 / 3)


def scale_between(pairs: Fiducials) -> float:
    """Median ratio of the distances between fiducials, moving over fixed: 1 where both are in mm."""
    i, j = np.triu_indices(len(pairs.names), 1)
    fixed = np.linalg.norm(pairs.fixed_mm[i] - pairs.fixed_mm[j], axis=1)
    moving = np.linalg.norm(pairs.moving_mm[i] - pairs.moving_mm[j], axis=1)
    apart = (fixed > 0) & (moving > 0)
    return float(np.median(moving[apart] / fixed[apart])) if apart.any() else 1.0


def check_units(pairs: Fiducials) -> None:
    """Refuse coordinates that are not in mm on both sides. Nothing is ever rescaled.

    Raises
    ------
    Refused
        ``wrong-units``: the distances of one side are a known factor of the other's, or no patient's size;
        ``scale-mismatch``: they differ by another factor.
    """
    ratio = scale_between(pairs)
    for factor, units in FACTORS.items():
        for signed in (factor, 1 / factor):
            if abs(np.log(ratio / signed)) < NEAR:
                larger = "moving" if signed > 1 else "fixed"
                raise Refused(
                    f"distances between the {larger} fiducials are {max(ratio, 1 / ratio):.4g} times those of the "
                    f"other side, nearly {factor:g}: {units} seem to be mixed",
                    where="fixed, moving",
                    fix="Give both sides in mm; nothing is rescaled here",
                    code="wrong-units",
                )
    if abs(np.log(ratio)) > RIGID_WITHIN:
        raise Refused(
            f"distances between the moving fiducials are {ratio:.3g} times those between the fixed ones: "
            "no rigid move joins them",
            fix="Check which fiducial is paired with which, and the image's voxel spacing",
            code="scale-mismatch",
        )
    spread = float(np.sqrt(pairs.fixed_mm.var(axis=0).sum()))
    if not EXTENT_MM[0] <= spread <= EXTENT_MM[1]:
        raise Refused(
            f"the fiducials are spread over {spread:.3g} mm about their centre, which is no patient's size",
            fix="Give both sides in mm; nothing is rescaled here",
            code="wrong-units",
        )


def check_repeats(pairs: Fiducials) -> None:
    """Refuse a pair that was entered twice: it would count double and add nothing.

    Raises
    ------
    BadInput
        ``repeated-fiducial``.
    """
    seen: dict[bytes, str] = {}
    for name, fixed, moving in zip(pairs.names, pairs.fixed_mm, pairs.moving_mm, strict=True):
        key = np.concatenate([fixed, moving]).tobytes()
        if key in seen:
            raise BadInput(
                f"the fiducials '{seen[key]}' and '{name}' have the same coordinates on both sides",
                fix="Give each fiducial once; one that is better known gets a larger weight",
                code="repeated-fiducial",
            )
        seen[key] = name


def checked_fle(fle_mm: float) -> float:
    """A fiducial localisation error, mm, above 0 and below 20.

    Raises
    ------
    BadInput
        ``bad-fle``.
    """
    if not 0 < fle_mm < LARGEST_FLE_MM:
        raise BadInput(
            f"a fiducial localisation error of {fle_mm} mm is not above 0 and below {LARGEST_FLE_MM:g}",
            where="fle_mm",
            fix="Give the RMS distance in mm, as measured for tracker and image together",
            code="bad-fle",
        )
    return float(fle_mm)
