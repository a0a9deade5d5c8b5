"""The risk map: how good each entry is, and why not, for a display of the skin or a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.engines.trajectory.entries import Entries
from suwen.engines.trajectory.score import REASONS, Scored

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RiskMap:
    """One value per entry: that of its best trajectory, to whichever target.

    Attributes
    ----------
    voxels, points_mm
        (n, 3), the entries; grid mm.
    value
        (n,), score, lower is better; also of entries that are not feasible, so that a display can show by how much.
    feasible
        (n,).
    missed
        (n,), uint8: a bit for each of :data:`~suwen.engines.trajectory.score.REASONS`, the first one the lowest.
    candidate
        (n,), which candidate it is.
    """

    voxels: NDArray[np.int64]
    points_mm: Floats
    value: Floats
    feasible: NDArray[np.bool_]
    missed: NDArray[np.uint8]
    candidate: NDArray[np.int64]

    def reasons(self, at: int) -> list[str]:
        """Why an entry is not feasible; empty where it is."""
        return [reason for bit, reason in enumerate(REASONS) if self.missed[at] >> bit & 1]


def risk_map(entries: Entries, scored: Scored) -> RiskMap:
    """The best candidate of each entry.

    Parameters
    ----------
    entries
        n of them.
    scored
        Candidates, n for the first target, n for the next, and so on.
    """
    count = len(entries)
    place = np.empty(len(scored.order), np.int64)
    place[scored.order] = np.arange(len(place))
    best = place.reshape(-1, count).argmin(0) * count + np.arange(count)
    bits = (scored.missed[best] << np.arange(len(REASONS))).sum(1)
    return RiskMap(
        voxels=entries.voxels,
        points_mm=entries.points_mm,
        value=scored.score[best],
        feasible=scored.feasible[best],
        missed=bits.astype(np.uint8),
        candidate=best,
    )


def risk_volumes(
    drawn: RiskMap, shape: tuple[int, int, int], spacing_mm: ArrayLike, *, surface: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:  # fmt: skip
    """A risk map as two volumes (I, J, K): the value, NaN where there is no entry, and the bits of what is missed.

    Parameters
    ----------
    drawn
        What :func:`risk_map` made.
    shape, spacing_mm
        Of the label volume.
    surface
        Mask (I, J, K) that is painted in full, every voxel of it like the nearest entry, but none that is farther
        from it than any two neighbouring entries are from each other. Without it the entries alone are painted.
    """
    value = np.full(shape, np.nan, np.float32)
    missed = np.zeros(shape, np.uint8)
    where, like = drawn.voxels, np.arange(len(drawn.voxels))
    if surface is not None:
        from scipy.spatial import cKDTree

        spacing = np.asarray(spacing_mm, np.float64)
        tree = cKDTree(drawn.points_mm)
        apart = tree.query(drawn.points_mm, k=2)[0][:, 1].max() if len(drawn.voxels) > 1 else 0.0
        painted = np.argwhere(surface)
        far, nearest = tree.query(painted * spacing)
        near = far <= apart
        where, like = painted[near], nearest[near]
    value[tuple(where.T)] = drawn.value[like]
    missed[tuple(where.T)] = drawn.missed[like]
    return value, missed
