"""A volume as regions of equal value that touch each other: what is connected, and through what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.clearance.grid import Floats, Ints, Runs, runs_of

Voxel = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Regions:
    """Connected regions of equal value.

    Where corners may not be cut, faces connect and nothing else does: a diagonal move needs every voxel of
    the block that it spans to be free, so it can be replaced by moves across faces, and those are moves
    themselves. Where they may be cut, edges and corners connect too.

    Attributes
    ----------
    runs
        The volume in runs.
    region
        Region of each run, shape (runs,).
    value
        Value of each region, shape (regions,).
    corners
        Whether edges and corners connect.
    """

    runs: Runs
    region: Ints
    value: Ints
    corners: bool

    def at(self, voxel: Voxel) -> int:
        """The region that a voxel is in."""
        a, b, c = (voxel[axis] for axis in self.runs.axes)
        line = a * self.runs.shape[1] + b
        begin, end = self.runs.first[line : line + 2]
        return int(self.region[begin + np.searchsorted(self.runs.stop[begin:end], c, side="right")])

    def voxels(self, region: int) -> int:
        """Number of voxels of a region."""
        mine = self.region == region
        return int((self.runs.stop[mine] - self.runs.start[mine]).sum())

    @cached_property
    def _contacts(self) -> tuple[Ints, Ints]:
        """Pairs of touching runs of different regions."""
        from suwen.engines.clearance import _regions

        runs = self.runs
        return _regions.contacts(
            runs.first, self.region, runs.start, runs.stop, runs.shape[0], runs.shape[1], self.corners
        )

    @cached_property
    def neighbours(self) -> tuple[Ints, Ints]:
        """The regions that touch each region: where each one's list begins, shape (regions + 1,), and the lists."""
        one, two = (self.region[runs] for runs in self._contacts)
        count = len(self.value)
        pairs = np.unique(np.concatenate([one * count + two, two * count + one]))
        begins = np.searchsorted(pairs, np.arange(count + 1) * count)
        return begins, pairs % count

    def contact(self, inner: int, outer: int, near: Voxel, spacing_mm: Floats) -> Voxel:
        """The voxel of ``outer`` that touches ``inner`` and is nearest to the voxel ``near``; the regions do touch."""
        one, two = self._contacts
        forth = (self.region[one] == inner) & (self.region[two] == outer)
        back = (self.region[two] == inner) & (self.region[one] == outer)
        inside = np.concatenate([one[forth], two[back]])
        outside = np.concatenate([two[forth], one[back]])
        start, stop, axes = self.runs.start, self.runs.stop, self.runs.axes
        line, own = (np.searchsorted(self.runs.first, r, side="right") - 1 for r in (outside, inside))
        slack = np.where(self.corners | (line == own), 1, 0)  # runs of one line touch end to end
        low = np.maximum(start[outside], start[inside] - slack)
        high = np.minimum(stop[outside], stop[inside] + slack) - 1
        found = np.stack(
            [
                line // self.runs.shape[1],
                line % self.runs.shape[1],
                np.clip(near[axes[2]], low, high),
            ],
            axis=1,
        )
        apart = (found - np.array([near[axis] for axis in axes])) * spacing_mm[list(axes)]
        best = found[int((apart**2).sum(axis=1).argmin())]
        i, j, k = (int(best[axes.index(axis)]) for axis in range(3))
        return i, j, k


def regions_of(volume: NDArray[Any], *, corners: bool) -> Regions:
    """Cut a volume of whole numbers, shape (I, J, K), into connected regions of equal value.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    from suwen.engines.clearance import _regions

    runs = runs_of(volume)
    region, number = _regions.join(
        runs.first, runs.value, runs.start, runs.stop, runs.shape[0], runs.shape[1], corners
    )
    value = np.empty(number, np.int64)
    value[region] = runs.value
    return Regions(runs=runs, region=region, value=value, corners=corners)
