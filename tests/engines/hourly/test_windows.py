"""Running figures against plain loops, and their blindness to the future and to other stays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.engines.hourly.windows import SPANS, highest, known, lowest, shifted, sums

Array = NDArray[np.float32]


@pytest.fixture
def stays() -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(2)
    value = rng.normal(size=(120, 3)).astype(np.float32)
    value[rng.random(value.shape) < 0.6] = np.nan
    hour = np.concatenate([np.arange(n) for n in (1, 40, 2, 57, 20)])
    return value, hour


def test_what_is_known_is_that_of_a_loop(stays: tuple[Array, NDArray[np.int64]]) -> None:
    value, hour = stays
    found = known(value, hour)
    for v in range(3):
        last = first = np.nan
        count, at = 0, -1
        for row in range(len(value)):
            if hour[row] == 0:
                last, first, count, at = np.nan, np.nan, 0, -1
            if not np.isnan(value[row, v]):
                last, at, count = value[row, v], row, count + 1
                first = last if count == 1 else first
            np.testing.assert_equal(found.last[row, v], np.float32(last))
            np.testing.assert_equal(found.first[row, v], np.float32(first))
            np.testing.assert_equal(found.count[row, v], count)
            np.testing.assert_equal(found.since[row, v], row - at if at >= 0 else np.nan)


def test_windows_are_those_of_a_loop(stays: tuple[Array, NDArray[np.int64]]) -> None:
    value, hour = stays
    filled = np.nan_to_num(value).astype(np.float64)
    got = zip(SPANS, sums(filled, hour), lowest(value, hour), highest(value, hour), strict=True)
    for span, total, low, high in got:
        for row in range(len(value)):
            start = row - min(int(hour[row]), span - 1)
            np.testing.assert_allclose(total[row], filled[start : row + 1].sum(0), atol=1e-12)
            for v in range(3):
                inside = value[start : row + 1, v]
                inside = inside[~np.isnan(inside)]
                np.testing.assert_equal(low[row, v], inside.min() if len(inside) else np.float32(np.nan))
                np.testing.assert_equal(high[row, v], inside.max() if len(inside) else np.float32(np.nan))


def test_a_shift_never_reaches_into_the_stay_before(stays: tuple[Array, NDArray[np.int64]]) -> None:
    value, hour = stays
    moved = shifted(value, 3, hour, -1.0)
    assert (moved[hour < 3] == -1.0).all()
    np.testing.assert_equal(moved[hour >= 3], value[np.flatnonzero(hour >= 3) - 3])


def test_alone_and_cut_off_every_hour_is_the_same_to_the_last_bit(
    stays: tuple[Array, NDArray[np.int64]],
) -> None:
    value, hour = stays
    filled = np.nan_to_num(value).astype(np.float64)
    whole = [known(value, hour).last, *sums(filled, hour), *lowest(value, hour)]
    start = int(np.flatnonzero(hour == 0)[3])
    for length in (1, 5, 30, 57):
        at = slice(start, start + length)
        alone = [known(value[at], hour[at]).last, *sums(filled[at], hour[at]), *lowest(value[at], hour[at])]
        for one, other in zip(whole, alone, strict=True):
            np.testing.assert_array_equal(one[at], other)
