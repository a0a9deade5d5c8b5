"""Where the matching of surfaces begins when nobody says: centres and principal axes joined, in every way."""

from __future__ import annotations

import numpy as np

from suwen.core.errors import BadInput, Refused
from suwen.engines.registration.configuration import FACTORS
from suwen.engines.registration.icp import Match, match
from suwen.engines.registration.rigid import Floats, Rigid
from suwen.engines.registration.surface import Surface, check_stability

FEW = 1500
"""Points that the starts are compared with."""
APART_DEG = 8.0
"""Poses that differ by more than this are different answers."""
CLEAR = 1.25
"""The second answer must fit worse than the first by this factor."""
MIRROR_BETTER = 0.7
"""A mirrored match whose distances are below this part of the given one's fits better."""
LARGEST_RATIO = 8.0
"""A patch of a surface may be smaller than the whole by this factor; beyond it units are mixed."""


def check_sizes(fixed_mm: Floats, moving_mm: Floats) -> None:
    """Refuse clouds whose sizes differ as units do.

    Raises
    ------
    BadInput
        ``coincident-points``.
    Refused
        ``wrong-units``.
    """
    spread_f, spread_m = (float(np.sqrt(side.var(axis=0).sum())) for side in (fixed_mm, moving_mm))
    if not spread_f or not spread_m:
        raise BadInput(
            "all points of a side are one point",
            where="moving" if spread_f else "fixed",
            fix="Give points of a surface",
            code="coincident-points",
        )
    ratio = spread_m / spread_f
    if 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
        return
    size = max(ratio, 1 / ratio)
    factor = min(FACTORS, key=lambda known: abs(np.log(known) - np.log(size)))
    raise Refused(
        f"the fixed surface is spread over {spread_f:.3g} mm and the moving one over {spread_m:.3g} mm about their "
        f"centres: {FACTORS[factor]} may be mixed",
        where="fixed, moving",
        fix="Give both in mm; nothing is rescaled here",
        code="wrong-units",
    )


def ranked_starts(surface: Surface, moving_mm: Floats, overlap: float | None) -> list[tuple[Rigid, float]]:
    """The four proper ways to join the principal axes, each matched, with the RMS distance it reached; the best first.

    Raises
    ------
    Refused
        ``surface-underdetermined``; ``pose-ambiguous``: two of them, turned against each other, fit about as well.
    """
    few = moving_mm[np.random.default_rng(0).permutation(len(moving_mm))[:FEW]]
    axes_f, axes_m = _axes(surface.points_mm), _axes(moving_mm)
    centre_f, centre_m = surface.points_mm.mean(axis=0), moving_mm.mean(axis=0)
    found = []
    for signs in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
        rotation = axes_f @ np.diag(signs) @ axes_m.T
        start = Rigid(rotation=rotation, translation_mm=centre_f - rotation @ centre_m)
        reached = match(surface, few, start, overlap=overlap, most_rounds=60, rest_mm=1e-3)
        found.append(reached)
    found.sort(key=lambda one: one.rms_mm)
    best, least = found[0].transform, found[0].rms_mm
    # A symmetric surface is said to be one, before its poses are called ambiguous.
    at, normals = best.apply(few), surface.normals[found[0].closest]
    check_stability(at[found[0].kept], normals[found[0].kept], surface.normal_noise)
    for pose, rms in ranked(found)[1:]:
        off = pose.after(best.inverse()).angle_deg
        if off > APART_DEG and rms < CLEAR * least:
            raise Refused(
                f"two poses, {off:.0f} degrees apart, fit nearly as well: to {least:.3g} and {rms:.3g} mm",
                where="start",
                fix="Give a start, from three fiducials or more",
                code="pose-ambiguous",
            )
    return ranked(found)


def ranked(found: list[Match]) -> list[tuple[Rigid, float]]:
    """Poses and their RMS distances."""
    return [(one.transform, one.rms_mm) for one in found]


def check_hand(surface: Surface, moving_mm: Floats, pose: Rigid, overlap: float | None) -> None:
    """Refuse points that fit better when they are mirrored: one side's frame is, or left and right are exchanged.

    A head is so nearly its own mirror image that nothing else would show it.

    Raises
    ------
    Refused
        ``mirrored-frames``.
    """
    few = pose.apply(moving_mm[np.random.default_rng(0).permutation(len(moving_mm))[:FEW]])
    settled = match(surface, few, Rigid.identity(), overlap=overlap, most_rounds=60, rest_mm=1e-3)
    centre = few.mean(axis=0)
    for axis in _axes(few).T:
        mirrored = few - 2 * np.outer((few - centre) @ axis, axis)
        found = match(surface, mirrored, Rigid.identity(), overlap=overlap, most_rounds=60, rest_mm=1e-3)
        if found.rms_mm < MIRROR_BETTER * settled.rms_mm:
            raise Refused(
                f"mirrored, the surface fits to {found.rms_mm:.3g} mm; as it is, to {settled.rms_mm:.3g} mm only",
                where="fixed, moving",
                fix="Give both sides in LPS, or in frames of the same hand",
                code="mirrored-frames",
            )


def _axes(points_mm: Floats) -> Floats:
    """Principal axes as columns (3, 3), right-handed, the longest first."""
    _, _, axes = np.linalg.svd(points_mm - points_mm.mean(axis=0), full_matrices=False)
    axes[2] *= np.sign(np.linalg.det(axes))
    return np.asarray(axes.T)
