"""Where the matching of surfaces begins when nobody says: centres and principal axes joined, in every way."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from suwen.core.errors import BadInput, Refused
from suwen.engines.registration.configuration import FACTORS
from suwen.engines.registration.icp import OVERLAP_POWER, Match, match
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
LIKE = 1.2
"""Principal extents of the two clouds may differ by this factor where nobody gives a start."""
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


def check_extents(fixed_mm: Floats, moving_mm: Floats) -> None:
    """Refuse clouds whose extents differ too much for their centres and axes to say how they lie.

    Raises
    ------
    Refused
        ``start-needed``.
    """
    fixed, moving = (
        np.linalg.svd(side - side.mean(axis=0), compute_uv=False) / np.sqrt(len(side))
        for side in (fixed_mm, moving_mm)
    )
    if np.abs(np.log(np.maximum(moving, 1e-9) / np.maximum(fixed, 1e-9))).max() > np.log(LIKE):
        shown = [", ".join(f"{one:.0f}" for one in side) for side in (fixed, moving)]
        raise Refused(
            f"the two surfaces do not show the same part: they extend by ({shown[0]}) and ({shown[1]}) mm RMS",
            where="start",
            fix="Give a start, from three fiducials or more",
            code="start-needed",
        )


def ranked_starts(surface: Surface, moving_mm: Floats, overlap: float | None) -> list[tuple[Rigid, float]]:
    """The four proper ways to join the principal axes, each matched, with the RMS distance it reached; the best first.

    Raises
    ------
    Refused
        ``surface-underdetermined``; ``pose-ambiguous``: two of them, turned against each other, fit about as well.
    """
    few, found = some(moving_mm), all_starts(surface, moving_mm, overlap)
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


def some(moving_mm: Floats) -> Floats:
    """At most some of the points, the same ones every time."""
    return moving_mm[np.random.default_rng(0).permutation(len(moving_mm))[:FEW]]


def all_starts(surface: Surface, moving_mm: Floats, overlap: float | None) -> list[Match]:
    """The matches of :func:`some` of the points from all four starts, the best first."""
    few = some(moving_mm)
    axes_f, axes_m = _axes(surface.points_mm), _axes(moving_mm)
    centre_f, centre_m = surface.points_mm.mean(axis=0), moving_mm.mean(axis=0)
    found = []
    for signs in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
        rotation = axes_f @ np.diag(signs) @ axes_m.T
        start = Rigid(rotation=rotation, translation_mm=centre_f - rotation @ centre_m)
        reached = match(surface, few, start, overlap=overlap, most_rounds=60, rest_mm=1e-3)
        found.append(reached)
    return sorted(found, key=lambda one: one.rms_mm)


def ranked(found: list[Match]) -> list[tuple[Rigid, float]]:
    """Poses and their RMS distances."""
    return [(one.transform, one.rms_mm) for one in found]


def check_start(surface: Surface, moving_mm: Floats, pose: Rigid, overlap: float | None) -> None:
    """Refuse a match where another one fits clearly better: the start led elsewhere.

    The matched points are turned about the surface's centre by the 24 rotations of a cube, no pose being further
    than 63 degrees from one of them, and matched anew.

    Raises
    ------
    Refused
        ``better-pose``.
    """
    few = pose.apply(some(moving_mm)[: FEW // 3])
    settled = match(surface, few, Rigid.identity(), overlap=overlap, most_rounds=40, rest_mm=1e-2)
    centre = surface.points_mm.mean(axis=0)
    for rotation in cube_rotations():
        start = Rigid(rotation=rotation, translation_mm=centre - rotation @ centre)
        found = match(surface, few, start, overlap=overlap, most_rounds=40, rest_mm=1e-2)
        off = found.transform.angle_deg
        if off > APART_DEG and CLEAR * worth(found) < worth(settled):
            raise Refused(
                f"another pose, {off:.0f} degrees away, fits better: {100 * found.kept.mean():.0f}% of the points to "
                f"{found.rms_mm:.3g} mm, here {100 * settled.kept.mean():.0f}% to {settled.rms_mm:.3g} mm",
                where="start",
                fix="Give a start near the answer, from three fiducials or more",
                code="better-pose",
            )


def worth(found: Match) -> float:
    """RMS distance over the power of the part of the points that it is of: less is better."""
    return float(found.rms_mm / found.kept.mean() ** OVERLAP_POWER)


def cube_rotations() -> list[Floats]:
    """The 23 rotations of a cube other than standing still, arrays (3, 3)."""
    found = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            rotation = np.eye(3)[list(order)] * np.array(signs)[:, None]
            if np.linalg.det(rotation) > 0 and np.trace(rotation) < 3:
                found.append(rotation)
    return found


def check_hand(surface: Surface, moving_mm: Floats, pose: Rigid, overlap: float | None) -> None:
    """Refuse points that fit better when they are mirrored: one side's frame is, or left and right are exchanged.

    A head is so nearly its own mirror image that nothing else would show it.

    Raises
    ------
    Refused
        ``mirrored-frames``.
    """
    few = pose.apply(some(moving_mm))
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
