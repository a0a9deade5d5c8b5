"""Rigid registration by paired points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import Refused
from suwen.engines.registration.configuration import (
    check_configuration,
    check_repeats,
    check_units,
    checked_fle,
    contradicts,
)
from suwen.engines.registration.fiducials import Fiducials, pairs_of
from suwen.engines.registration.fit import Fits, fit
from suwen.engines.registration.rigid import Floats, Rigid

Handedness = Literal["confirmed", "undetermined"]
MIRROR_BETTER = 0.5
"""A mirrored fit whose error is below this part of the rigid one's fits far better."""
FLIPPED_WITHIN_DEG = 10.0
"""A rotation this near to half a turn about z looks like LPS on one side and RAS on the other."""
FLIP_XY = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Registration:
    """A rigid registration by paired points, from moving to fixed coordinates.

    Attributes
    ----------
    transform
        The move.
    pairs
        What it was fitted to, without what was excluded.
    excluded
        Names that the caller left out.
    residuals_mm
        Array (n,): distance of each moved fiducial from its fixed one.
    left_over_mm
        Array (n, 3): fixed minus moved.
    fre_mm
        Fiducial registration error: root mean (weighted) square of the residuals. It does not predict the error at a
        target: see :mod:`suwen.engines.registration.error`.
    fle_mm
        Fiducial localisation error, RMS distance, of both sides together and of a fiducial of weight 1, as the caller
        knows it; ``None`` where it is not known.
    scale
        Ratio of the spreads, fixed over moving: 1 but for localisation error, and never applied.
    handedness
        ``undetermined`` where the fiducials lie in a plane (three always do): there a mirrored frame fits as well.
    remarks
        What a reader should know, in sentences; may be empty.
    """

    transform: Rigid
    pairs: Fiducials
    excluded: tuple[str, ...]
    residuals_mm: Floats
    left_over_mm: Floats
    fre_mm: float
    fle_mm: float | None
    scale: float
    handedness: Handedness
    remarks: tuple[str, ...]

    @property
    def rotation(self) -> Floats:
        """Array (3, 3)."""
        return self.transform.rotation

    @property
    def translation_mm(self) -> Floats:
        """Array (3,)."""
        return self.transform.translation_mm

    @property
    def matrix(self) -> Floats:
        """Homogeneous matrix (4, 4), mm, from moving to fixed."""
        return self.transform.matrix

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fiducials that were used."""
        return self.pairs.names

    @property
    def degrees_of_freedom(self) -> int:
        """Of the residuals: 3 n - 6."""
        return 3 * len(self.pairs.names) - 6

    def apply(self, points_mm: ArrayLike) -> Floats:
        """Points (..., 3) of the moving frame in the fixed one, mm."""
        return self.transform.apply(points_mm)

    def inverse(self) -> Rigid:
        """The move from fixed to moving."""
        return self.transform.inverse()

    def as_dict(self) -> dict[str, Any]:
        """The registration as JSON's own types."""
        return {
            "matrix": self.matrix.tolist(),
            "fre_mm": self.fre_mm,
            "residuals_mm": dict(zip(self.names, self.residuals_mm.tolist(), strict=True)),
            "excluded": list(self.excluded),
            "fle_mm": self.fle_mm,
            "scale": self.scale,
            "handedness": self.handedness,
            "remarks": list(self.remarks),
        }


def register_points(
    fixed: ArrayLike | Mapping[str, ArrayLike],
    moving: ArrayLike | Mapping[str, ArrayLike],
    *,
    names: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    fle_mm: float | None = None,
    exclude: Sequence[str] | str = (),
) -> Registration:
    """The rigid move that brings moving fiducials onto fixed ones.

    Parameters
    ----------
    fixed, moving
        Arrays (n, 3), mm, paired by row; or mappings from name to point (3,), paired by name. Fixed is the image
        (LPS).
    names
        One for each pair; ``1``, ``2``, ... by default.
    weights
        Array (n,), above 0: relative inverse variances of localisation. Equal by default.
    fle_mm
        Fiducial localisation error, RMS distance, if known: it sharpens what is refused, not the fit.
    exclude
        Name or names that are left out: nothing is left out by itself.

    Returns
    -------
    Registration

    Raises
    ------
    BadInput
        ``too-few-fiducials``, ``coincident-fiducials``, ``collinear-fiducials``, ``repeated-fiducial``,
        ``unpaired-fiducials``, ``fiducial-names``, ``unknown-fiducial``, ``bad-weights``, ``bad-fle``,
        ``bad-points``, ``not-finite``, ``not-numbers``.
    Refused
        ``wrong-units``, ``scale-mismatch``, ``mirrored-frames``.

    Notes
    -----
    Weighted least squares by singular value decomposition (Arun 1987, Umeyama 1991); see
    :func:`suwen.engines.registration.fit.fit`.
    """
    left_out = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    pairs = pairs_of(fixed, moving, names=names, weights=weights).without(left_out)
    check_pairs(pairs, fle_mm)
    found = fit(pairs.fixed_mm, pairs.moving_mm, pairs.weights)
    handedness = _handedness(pairs, found, fle_mm)
    transform = Rigid(rotation=found.rotation, translation_mm=found.translation_mm)
    free = 3 * len(pairs.names) - 6
    contradicted = fle_mm is not None and contradicts(float(found.sse_mm2), fle_mm, free)
    spread_f, spread_m = (np.sqrt(side.var(axis=0).sum()) for side in (pairs.fixed_mm, pairs.moving_mm))
    return Registration(
        transform=transform,
        pairs=pairs,
        excluded=left_out,
        residuals_mm=np.linalg.norm(found.differences_mm, axis=1),
        left_over_mm=found.differences_mm,
        fre_mm=float(np.sqrt(found.sse_mm2 / pairs.weights.sum())),
        fle_mm=fle_mm,
        scale=float(spread_f / spread_m),
        handedness=handedness,
        remarks=tuple(_remarks(transform, handedness, contradicted=contradicted)),
    )


def check_pairs(pairs: Fiducials, fle_mm: float | None) -> None:
    """Everything that is refused before a fit; see :func:`register_points`."""
    if fle_mm is not None:
        checked_fle(fle_mm)
    for where, points in (("fixed", pairs.fixed_mm), ("moving", pairs.moving_mm)):
        check_configuration(points, where)
    check_units(pairs)
    blur = None if fle_mm is None else fle_mm / float(np.sqrt(pairs.weights.mean()))
    for where, points in (("fixed", pairs.fixed_mm), ("moving", pairs.moving_mm)):
        check_configuration(points, where, blur)
    check_repeats(pairs)


def _handedness(pairs: Fiducials, found: Fits, fle_mm: float | None) -> Handedness:
    """Whether the two frames have the same hand.

    The best mirrored move leaves what the thickness of the configuration makes of it. Where it fits far better than
    the best rigid one, and the rigid one misses by more than localisation error and half the thickness, one side is
    mirrored.
    """
    total = pairs.weights.sum()
    rigid, mirrored = np.sqrt(found.sse_mm2 / total), np.sqrt(found.sse_mirrored_mm2 / total)
    thin = min(
        np.linalg.svd(side - side.mean(axis=0), compute_uv=False)[2] / np.sqrt(len(side))
        for side in (pairs.fixed_mm, pairs.moving_mm)
    )
    noise = 3 * (fle_mm or 0.0)
    if mirrored < MIRROR_BETTER * rigid and rigid > max(noise, thin / 2):
        raise Refused(
            f"mirrored, the fiducials fit to {mirrored:.3g} mm; as they are, to {rigid:.3g} mm only: one side's frame "
            "is mirrored, or left and right fiducials are exchanged",
            where="fixed, moving",
            fix="Give both sides in LPS, or in frames of the same hand; check which fiducial is paired with which",
            code="mirrored-frames",
        )
    told_apart = mirrored > max(2 * rigid, noise, 1e-6)
    return "confirmed" if told_apart else "undetermined"


def _remarks(transform: Rigid, handedness: Handedness, *, contradicted: bool) -> list[str]:
    found = []
    if contradicted:
        found.append(
            "The residuals are larger than the stated localisation error explains: look for outlying fiducials, and do "
            "not trust errors predicted from it"
        )
    if handedness == "undetermined":
        found.append(
            "The fiducials lie nearly in a plane, where a mirrored frame fits as well: check left and right"
        )
    off = Rigid(rotation=FLIP_XY @ transform.rotation, translation_mm=np.zeros(3)).angle_deg
    if off < FLIPPED_WITHIN_DEG:
        found.append(
            f"The rotation is within {off:.1f} degrees of half a turn about z, as if one side were in LPS and "
            "the other in RAS; between two images that is a mistake"
        )
    return found
