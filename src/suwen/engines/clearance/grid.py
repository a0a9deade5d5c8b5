"""A label volume that can be measured: checked, brought into memory order, and cut into runs of equal labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def checked_labels(labels: Any) -> NDArray[Any]:
    """The volume as it is, if it is one: three axes, whole numbers, at least one voxel.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``not-labels``.
    """
    volume = np.asarray(labels)
    if volume.ndim != 3 or 0 in volume.shape:
        raise BadInput(
            f"A label volume has three axes and at least one voxel, this one has the shape {volume.shape}",
            code="not-three-dimensional",
            fix="Give one label volume, of one time point and one channel",
        )
    if volume.dtype.kind not in "iub":
        raise BadInput(
            f"Labels are whole numbers, these are of type {volume.dtype}",
            code="not-labels",
            fix="Give the segmentation and not the image it was made from",
        )
    return volume


def checked_spacing(spacing_mm: ArrayLike) -> Floats:
    """Spacing along the three axes in mm, shape (3,).

    Raises
    ------
    BadInput
        ``bad-spacing``.
    """
    try:
        spacing = np.asarray(spacing_mm, dtype=np.float64)
    except (TypeError, ValueError):
        spacing = np.array([np.nan])
    if spacing.shape != (3,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise BadInput(
            f"Spacing is three positive lengths in mm, not {spacing.tolist()}",
            code="bad-spacing",
            fix="Read the spacing from the file's own header",
        )
    return spacing


def checked_length(value: float, name: str) -> float:
    """A length in mm that is finite and not negative.

    Raises
    ------
    BadInput
        ``length-unusable``.
    """
    try:
        length = float(value)
    except (TypeError, ValueError):
        length = np.nan
    if not np.isfinite(length) or length < 0:
        raise BadInput(f"{name} is a length in mm, zero or more, not {value}", code="length-unusable")
    return length


def checked_margins(margin_mm: float | Mapping[int, float], critical: Mapping[int, str]) -> dict[int, float]:
    """The margin of each critical structure in mm, every one of them stated.

    Raises
    ------
    BadInput
        ``critical-empty`` without a critical structure, ``margin-missing`` when a structure has none,
        ``length-unusable`` when one is negative or not finite.
    """
    if not critical:
        raise BadInput(
            "No structure was named as critical, so there is nothing to keep clear of",
            code="critical-empty",
            fix="Name the labels that the instrument must not come near",
        )
    if not isinstance(margin_mm, Mapping):
        return dict.fromkeys(map(int, critical), checked_length(margin_mm, "The margin"))
    missing = [label for label in critical if label not in margin_mm]
    if missing:
        raise BadInput(
            f"No margin is stated for {named(missing[0], critical)}",
            code="margin-missing",
            fix="State one margin for all, or one for each critical structure",
        )
    return {
        int(label): checked_length(margin_mm[label], f"The margin of {named(label, critical)}")
        for label in critical
    }


def named(label: int, critical: Mapping[int, str]) -> str:
    """A structure as a reader knows it: its name, and its label in brackets."""
    name = critical.get(label, "")
    return f"{name} ({label})" if name else f"label {label}"


@dataclass(frozen=True, kw_only=True)
class Runs:
    """A volume as runs of equal values along the axis that is contiguous in memory.

    Attributes
    ----------
    shape
        Of the volume with its axes in memory order, the last one contiguous.
    axes
        Axis of the given volume that each of those is.
    first
        Index of the first run of each line, and after the last line their number, shape (lines + 1,).
    value, start, stop
        Value of each run and the voxels of its line that it covers, ``stop`` excluded, shape (runs,).
    """

    shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    first: Ints
    value: Ints
    start: Ints
    stop: Ints

    def boxes_mm(self, chosen: Ints, spacing_mm: Floats) -> tuple[Floats, Floats]:
        """Lower and upper corners of these runs in grid mm, both of shape (chosen, 3)."""
        line = np.searchsorted(self.first, chosen, side="right") - 1
        low = np.empty((len(chosen), 3))
        high = np.empty((len(chosen), 3))
        across = (line // self.shape[1], line % self.shape[1])
        for axis, index in zip(self.axes[:2], across, strict=True):
            low[:, axis] = (index - 0.5) * spacing_mm[axis]
            high[:, axis] = (index + 0.5) * spacing_mm[axis]
        along = self.axes[2]
        low[:, along] = (self.start[chosen] - 0.5) * spacing_mm[along]
        high[:, along] = (self.stop[chosen] - 0.5) * spacing_mm[along]
        return low, high


def memory_order(volume: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, int, int]]:
    """A view whose last axis is contiguous, and the axis of ``volume`` that each of its axes is."""
    if volume.dtype == np.bool_:
        volume = volume.view(np.uint8)
    if not volume.dtype.isnative:
        volume = volume.astype(volume.dtype.newbyteorder("="))
    if volume.flags.c_contiguous:
        return volume, (0, 1, 2)
    if volume.flags.f_contiguous:
        return volume.T, (2, 1, 0)
    return np.ascontiguousarray(volume), (0, 1, 2)


def runs_of(volume: NDArray[Any]) -> Runs:
    """Cut a volume of whole numbers into runs.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    from suwen.engines.clearance import _runs

    view, axes = memory_order(volume)
    first = _runs.count(view)
    value, start, stop = _runs.fill(view, first)
    return Runs(shape=view.shape, axes=axes, first=first, value=value, start=start, stop=stop)
