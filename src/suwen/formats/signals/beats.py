"""Single heart beats: windows of one length around each R peak, and the classes that they are counted under."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.formats.signals.row import Row

LENGTH = 140
"""Values of a beat, as in ECG5000."""
NAMES = tuple(f"s{number}" for number in range(LENGTH))
BEFORE_S, AFTER_S = 0.25, 0.45
"""Seconds of a record before and after the R peak that make its window: P wave to T wave."""
FLAT_MV = 1e-3
"""A window with a smaller standard deviation shows no beat."""

AAMI: Mapping[str, str] = {
    **dict.fromkeys("NLRBej", "N"),
    **dict.fromkeys("AaJSn", "S"),
    **dict.fromkeys("VEr", "V"),
    "F": "F",
    **dict.fromkeys("/fQ?", "Q"),
}
"""Symbols of MIT-BIH to the classes of ANSI/AAMI EC57: normal, supraventricular, ventricular, fusion, unknown or
paced (de Chazal et al., IEEE Transactions on Biomedical Engineering 51:1196, 2004, table I)."""

ECG5000: Mapping[str, str] = {"1": "N", "2": "V", "3": "V", "4": "S", "5": "Q"}
"""Labels of ECG5000 to the same: normal; R-on-T and other premature ventricular; supraventricular; unclassified
(Chen et al., Journal of Medical Systems 39:179, 2015)."""


def beat_row(values: NDArray[np.float64], *, least: float = 0.0) -> Row:
    """One beat of :data:`LENGTH` values, mean 0 and standard deviation 1 (n - 1), as ECG5000 has them.

    Parameters
    ----------
    values
        Array (any length,): a window, resampled linearly where it has another length.
    least
        Least standard deviation of a window that shows a beat.

    Raises
    ------
    BadInput
        ``flat-signal``, or ``missing-samples``.
    """
    if np.isnan(values).any():
        raise BadInput(
            "samples of the beat are missing", fix="Give a record without gaps", code="missing-samples"
        )
    if len(values) != LENGTH:
        values = np.interp(np.linspace(0, len(values) - 1, LENGTH), np.arange(len(values)), values)
    spread = float(values.std(ddof=1))
    if spread <= least:
        raise BadInput("the signal is flat", fix="Check the electrode and the gain", code="flat-signal")
    return Row(values=((values - values.mean()) / spread).astype(np.float32), names=NAMES)


def window(signal: NDArray[np.float32], peak: int, fs_hz: float) -> NDArray[np.float64] | None:
    """Samples around an R peak; ``None`` where the window leaves the record."""
    start, stop = peak - round(BEFORE_S * fs_hz), peak + round(AFTER_S * fs_hz)
    if start < 0 or stop > len(signal):
        return None
    return signal[start:stop].astype(np.float64)


def r_peaks(signal: NDArray[np.float32], fs_hz: float) -> NDArray[np.int64]:
    """Where the R peaks of a lead are, for records that come without annotations.

    After Pan and Tompkins, IEEE Transactions on Biomedical Engineering 32:230, 1985: slope, squared, summed over
    150 ms; a crest above a threshold that follows the last crests counts, 200 ms must pass between two.

    Parameters
    ----------
    signal
        Array (samples,), mV.
    fs_hz
        Samples per second.
    """
    clean = np.nan_to_num(signal.astype(np.float64))
    short, long = max(1, round(0.02 * fs_hz)), max(3, round(0.6 * fs_hz))
    band = _mean(clean, short) - _mean(clean, long)
    energy = _mean(np.gradient(band) ** 2, max(1, round(0.15 * fs_hz)))
    apart = max(1, round(0.2 * fs_hz))
    crests = _crests(energy, apart)
    if not len(crests):
        return np.zeros(0, np.int64)
    heights = energy[crests]
    level = float(np.median(np.sort(heights)[-max(1, len(heights) // 2) :]))
    found: list[int] = []
    for at, height in zip(crests.tolist(), heights.tolist(), strict=True):
        if height > 0.25 * level:
            level = 0.875 * level + 0.125 * min(height, 2 * level)
            start = max(0, at - apart // 2)
            found.append(start + int(np.abs(band[start : at + apart // 2 + 1]).argmax()))
    return np.array(sorted(set(found)), np.int64)


def _mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Moving average, centred."""
    total = np.cumsum(
        np.concatenate([[0.0], np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")])
    )
    return np.asarray((total[width:] - total[:-width]) / width, np.float64)


def _crests(values: NDArray[np.float64], apart: int) -> NDArray[np.int64]:
    """Local greatest values, none within ``apart`` of a greater one."""
    inner = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    kept: list[int] = []
    for at in inner.tolist():
        if kept and at - kept[-1] < apart:
            if values[at] > values[kept[-1]]:
                kept[-1] = at
        else:
            kept.append(at)
    return np.array(kept, np.int64)
