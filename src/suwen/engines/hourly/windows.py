"""Running figures over the hours of many stays at once, none of which looks ahead or into another stay.

Every figure of an hour is computed by the same operations in the same order however many stays and later hours
there are, so that an hour answered alone and in a batch agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Ints = NDArray[np.int64]
SPANS = (6, 12, 24)
"""Hours of the running windows."""


def shifted(x: Array, by: int, hour: Ints, fill: float) -> Array:
    """What ``x`` (u, ...) was ``by`` hours before; ``fill`` where the stay had not begun."""
    out = np.empty_like(x)
    out[by:] = x[: max(0, len(x) - by)]
    out[hour < by] = fill
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What is known at each hour, arrays (u, V), float32; NaN before the first measurement.

    Attributes
    ----------
    last, first
        Last and first value measured.
    since
        Hours since the last.
    count
        Hours with a measurement so far, 0 before the first.
    """

    last: Array
    first: Array
    since: Array
    count: Array


def known(value: Array, hour: Ints) -> Known:
    """Carry measurements (u, V) forward within each stay."""
    seen = ~np.isnan(value)
    rows = np.arange(len(value), dtype=np.int32)[:, None]
    begin = rows - hour[:, None].astype(np.int32)
    at = np.maximum.accumulate(np.where(seen, rows, np.int32(-1)), axis=0)
    has = at >= begin
    at = np.where(has, at, 0)
    total = seen.cumsum(axis=0, dtype=np.int32)
    before = np.take_along_axis(total, begin, axis=0) - np.take_along_axis(seen, begin, axis=0)
    count = total - before
    origin = np.maximum.accumulate(np.where(seen & (count == 1), rows, np.int32(0)), axis=0)
    columns = np.arange(value.shape[1])[None]
    blank = np.float32(np.nan)
    return Known(
        last=np.where(has, value[at, columns], blank),
        first=np.where(has, value[origin, columns], blank),
        since=np.where(has, (rows - at).astype(np.float32), blank),
        count=count.astype(np.float32),
    )


def doubled(x: Array, hour: Ints, fill: float, join: Callable[[Array, Array], Array]) -> list[Array]:
    """``join`` of the last 6, 12 and 24 hours of ``x``, each window made of two halves."""
    three = join(join(x, shifted(x, 1, hour, fill)), shifted(x, 2, hour, fill))
    out, half = [], three
    for span in SPANS:
        half = join(half, shifted(half, span // 2, hour, fill))
        out.append(half)
    return out


def sums(x: NDArray[np.float64], hour: Ints) -> list[NDArray[np.float64]]:
    """Sums of the last 6, 12 and 24 hours of ``x`` (u, ...) without NaN."""
    return doubled(x, hour, 0.0, np.add)  # type: ignore[arg-type, return-value]  # any float works alike


def lowest(x: Array, hour: Ints) -> list[Array]:
    """Lowest of the last 6, 12 and 24 hours, NaN where nothing was measured."""
    return doubled(x, hour, np.nan, np.fmin)


def highest(x: Array, hour: Ints) -> list[Array]:
    """Highest of the last 6, 12 and 24 hours, NaN where nothing was measured."""
    return doubled(x, hour, np.nan, np.fmax)
