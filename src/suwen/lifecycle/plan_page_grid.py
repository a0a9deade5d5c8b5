"""The grid of a plan's page: cut to the anatomy, along the patient's own axes, coarse enough to travel.

However a volume is stored (mirrored, oblique, in any order of its axes), on the page x runs to the patient's left,
y to the back and z to the head, so that a slice is a slice and its letters are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import MissingExtra
from suwen.lifecycle.plan_page_palette import critical_structures

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

MOST_VOXELS = 8_500_000
"""Of the page's grid."""
AROUND_MM = 5.0
"""Air left around the anatomy."""
HUNDREDTHS = 5
"""Step of the keep-out field, hundredths of a mm; it ends at 127 steps."""


@dataclass(frozen=True, kw_only=True)
class Plate:
    """A grid along the patient's axes.

    Attributes
    ----------
    origin_lps_mm
        (3,), centre of the first voxel.
    spacing_mm
        The same along all axes.
    shape
        Voxels to the left, to the back, to the head.
    """

    origin_lps_mm: NDArray[np.float64]
    spacing_mm: float
    shape: tuple[int, int, int]

    def sampled(self, array: NDArray[Any], volume: Volume) -> NDArray[Any]:
        """Values of an array on the volume's grid at this grid's voxels, nearest; 0 outside. (z, y, x)."""
        across, down, up = self.shape
        step = volume.to_index(self.origin_lps_mm + np.vstack([np.zeros(3), self.spacing_mm * np.eye(3)]))
        base, moves = step[0] + 0.5, step[1:] - step[0]
        plane = base + moves[0] * np.arange(across)[None, :, None] + moves[1] * np.arange(down)[:, None, None]
        sides = np.array(array.shape)
        out = np.zeros((up, down, across), array.dtype)
        for level in range(up):
            at = np.floor(plane + moves[2] * level).astype(np.int64)
            inside = ((at >= 0) & (at < sides)).all(axis=-1)
            out[level][inside] = array[tuple(at[inside].T)]
        return out


def plate_of(
    volume: Volume, solid: NDArray[np.bool_], points_lps_mm: Sequence[Any], *, finest_mm: float = 0.4
) -> Plate:
    """A grid around everything that is there and around these points.

    Parameters
    ----------
    volume
        Whose grid ``solid`` lies on.
    solid
        (I, J, K): where there is anything to see.
    points_lps_mm
        To be inside; points farther than the anatomy's own size from it are left out.
    finest_mm
        Least spacing.
    """
    box = []
    for axis in range(3):
        hit = np.flatnonzero(solid.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append((-0.5, volume.shape[axis] - 0.5) if not len(hit) else (hit[0] - 0.5, hit[-1] + 0.5))
    corners = volume.to_lps([[i, j, k] for i in box[0] for j in box[1] for k in box[2]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = (high - low).max()
    for point in points_lps_mm:
        at = np.asarray(point, np.float64)
        if (at >= low - reach).all() and (at <= high + reach).all():
            low, high = np.minimum(low, at), np.maximum(high, at)
    low, high = low - AROUND_MM, high + AROUND_MM
    spacing = max(
        float(volume.spacing_mm.min()), finest_mm, float(((high - low).prod() / MOST_VOXELS) ** (1 / 3))
    )
    # Where the axes agree, the page's voxels are the volume's own.
    phase = volume.to_lps([[0, 0, 0]])[0]
    first = phase + np.floor((low - phase) / spacing) * spacing
    across, down, up = (int(count) for count in np.ceil((high - first) / spacing) + 1)
    return Plate(origin_lps_mm=first, spacing_mm=spacing, shape=(across, down, up))


def keep_out(document: Mapping[str, Any], volume: Volume) -> NDArray[np.int8] | None:
    """How far the instrument's axis may still come nearer, in steps of 0.05 mm, on the volume's grid.

    It is the distance to the nearest critical structure less its margin and the instrument's radius: 0 where the
    margin ends, negative inside. ``None`` where no structure or margin is known, or numba is missing.
    """
    radius = float((document.get("instrument") or {}).get("radius_mm") or 0)
    wanted = {
        int(one["label"]): float(one["margin_mm"]) + radius
        for one in critical_structures(document)
        if one.get("margin_mm") is not None
    }
    if not wanted:
        return None
    from suwen.engines.clearance.fields import box_squares, extents

    limit = 127 * HUNDREDTHS / 100
    spare = np.full(volume.shape, 127, np.int8)
    reach = {label: far + limit for label, far in wanted.items()}
    try:
        for label, place in extents(volume.array, volume.spacing_mm, reach).items():
            away = np.sqrt(box_squares(volume.array[place] == label, volume.spacing_mm, reach[label]))
            steps = np.clip(np.rint((away - wanted[label]) * (100 / HUNDREDTHS)), -127, 127)
            np.minimum(spare[place], steps.astype(np.int8), out=spare[place])
    except MissingExtra:
        return None
    return spare
