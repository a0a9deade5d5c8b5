"""From stored values to what a reader sees: DICOM's grey-scale chain (PS3.3 C.11), into 0..1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.formats.luts import look_up_item

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset, FileDataset

ROBUST_PERCENTILES = (0.5, 99.5)
"""Without a window, these percentiles of the unpadded pixels become 0 and 1."""


def modality_values(
    stored: NDArray[Any], dataset: FileDataset
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Apply the Modality LUT, or Rescale Slope and Intercept (C.11.1), to stored values of any shape."""
    if dataset.get("ModalityLUTSequence"):
        values, _ = look_up_item(stored, dataset.ModalityLUTSequence[0], dataset)
        return values, ("modality LUT applied",)
    slope, intercept = _number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")
    if slope is None or intercept is None or (slope, intercept) == (1.0, 0.0):
        return stored.astype(np.float64), ()
    return stored.astype(np.float64) * slope + intercept, (
        f"rescaled: slope {slope:g}, intercept {intercept:g}",
    )


def display_values(
    values: NDArray[np.float64], dataset: FileDataset, shown: NDArray[np.bool_], *, full_range: float | None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Map modality values to 0..1 by the VOI LUT, else the window (C.11.2), else the range of the values.

    Parameters
    ----------
    values
        Array (H, W) after the modality LUT.
    dataset
        The object; its first VOI LUT or first window is used.
    shown
        Array (H, W), false where a pixel is padding: such pixels never decide the range.
    full_range
        Largest storable value, where the stored values themselves are meant for display; else ``None``.
    """
    if dataset.get("VOILUTSequence"):
        entries, top = look_up_item(values, dataset.VOILUTSequence[0], dataset)
        return np.clip(entries / top, 0, 1), ("VOI LUT applied",)
    centres, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    notes: tuple[str, ...] = ()
    if centres and widths:
        count = min(len(centres), len(widths))
        function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
        seen = _window(values, centres[0], widths[0], function)
        name = f"window centre {centres[0]:g}, width {widths[0]:g}, {function}"
        if seen is not None and (np.ptp(seen[shown]) > 0 or np.ptp(values[shown]) == 0):
            return seen, (name + (f" (first of {count})" if count > 1 else ""),)
        notes = (f"{name}: shows nothing and is not used",)
    if full_range is not None:
        return np.clip(values / full_range, 0, 1), (*notes, "no window: the full stored range")
    low, high = np.percentile(values[shown], ROBUST_PERCENTILES)
    if high <= low:
        low, high = float(values[shown].min()), float(values[shown].max())
    said = (*notes, "no window: scaled from the 0.5 to the 99.5 percentile")
    if high <= low:
        return np.zeros_like(values), said
    return np.clip((values - low) / (high - low), 0, 1), said


def _window(
    values: NDArray[np.float64], centre: float, width: float, function: str
) -> NDArray[np.float64] | None:
    """C.11.2.1.2 and C.11.2.1.3 with the output range 0..1; ``None`` for a width they forbid."""
    if function == "SIGMOID" and width > 0:
        # Beyond 60 the exponential is 0 or 1 in double precision anyway; clipping avoids its overflow.
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -60, 60))))
    if function == "LINEAR_EXACT" and width > 0:
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if function not in ("SIGMOID", "LINEAR_EXACT") and width >= 1:
        if width == 1:  # the slope is infinite: a threshold
            return np.where(values <= centre - 0.5, 0.0, 1.0)
        return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    return None


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    value = dataset.get(keyword)
    if value is None or isinstance(value, str):
        return []
    found = [float(item) for item in (value if hasattr(value, "__iter__") else [value])]
    return found if all(np.isfinite(found)) else []


def _number(dataset: Dataset, keyword: str) -> float | None:
    found = _numbers(dataset, keyword)
    return found[0] if found else None
