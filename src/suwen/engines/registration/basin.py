"""From how far away the matching of surfaces still finds the same answer: measured, as no theory says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suwen.engines.registration.fiducials import points_of
from suwen.engines.registration.icp import SurfaceRegistration, match
from suwen.engines.registration.rigid import Rigid, turn
from suwen.engines.registration.surface import surface_of


@dataclass(frozen=True, kw_only=True)
class Basin:
    """Starts of one size, and how many of them came back.

    Attributes
    ----------
    angle_deg, shift_mm
        The start was turned by this angle about a random axis through the moving points' centre, and shifted by
        this length in a random direction.
    returned
        Part of them that ended where the registration is, 0 to 1.
    starts
        How many were tried.
    """

    angle_deg: float
    shift_mm: float
    returned: float
    starts: int


def convergence_basin(
    registration: SurfaceRegistration,
    fixed_mm: ArrayLike,
    moving_mm: ArrayLike,
    *,
    offsets: Sequence[tuple[float, float]] = ((5, 5), (10, 10), (20, 20), (40, 40)),
    starts: int = 12,
    within_mm: float = 1.0,
    points: int = 800,
    overlap: float | None = None,
    seed: int = 0,
) -> list[Basin]:
    """How many of some random starts around a registration lead back to it.

    Parameters
    ----------
    registration
        The answer.
    fixed_mm, moving_mm
        As it was found from.
    offsets
        Pairs of an angle in degrees and a shift in mm.
    starts
        For each pair.
    within_mm
        A start came back if no moving point lies further than this from where the registration puts it.
    points
        Of the moving ones, drawn at random: fewer are quicker.
    overlap
        As for :func:`~suwen.engines.registration.icp.match`.
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    surface, moving = surface_of(fixed_mm), points_of(moving_mm, "moving")
    some = moving[rng.permutation(len(moving))[:points]]
    answer = registration.apply(some)
    centre, rows = answer.mean(axis=0), []
    for angle, shift in offsets:
        back = 0
        for _ in range(starts):
            axis, way = (one / np.linalg.norm(one) for one in rng.normal(size=(2, 3)))
            rotation = turn(np.radians(angle) * axis)
            away = Rigid(rotation=rotation, translation_mm=centre - rotation @ centre + shift * way)
            found = match(
                surface, some, away.after(registration.transform), method=registration.method, overlap=overlap
            )
            back += bool(np.linalg.norm(found.transform.apply(some) - answer, axis=1).max() < within_mm)
        rows.append(Basin(angle_deg=angle, shift_mm=shift, returned=back / starts, starts=starts))
    return rows
