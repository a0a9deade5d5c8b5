"""The Clarke grid at its borders, over the whole plane, and against a second spelling of the zones."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.lifecycle.evaluation.forecast_clarke import ZONES, clarke_zones

BORDERS = [
    # reference, forecast, zone
    (100, 120, "A"), (100, 120.1, "B"), (100, 80, "A"), (100, 79.9, "B"),
    (70, 70, "A"), (40, 70, "A"), (70, 30, "A"), (60, 72, "A"), (70, 84, "A"),
    (60, 72.1, "D"), (58, 70.1, "D"), (40, 71, "D"), (70, 84.1, "D"), (69, 179.9, "D"),
    (70, 180, "E"), (30, 180, "E"), (30, 400, "E"), (180, 70, "E"), (400, 70, "E"), (180, 69, "E"),
    (70.1, 180, "B"), (70.1, 180.2, "C"), (100, 210, "C"), (100, 209.9, "B"), (290, 400, "C"), (290.1, 401, "B"),
    (130, 0, "C"), (129.9, 0.1, "B"), (150, 28, "C"), (150, 28.1, "B"), (179.9, 69, "C"),
    (179.9, 71, "B"), (240, 180, "D"), (240, 70.1, "D"), (239.9, 180, "B"), (240, 180.1, "B"), (400, 180, "D"),
    (225, 180, "A"), (230, 180, "B"), (500, 400, "A"), (500, 399, "B"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "forecast", "zone"), BORDERS)
def test_borders(reference: float, forecast: float, zone: str) -> None:
    assert ZONES[clarke_zones([reference], [forecast])[0]] == zone


def spelled_out(r: float, p: float) -> str:
    """The zones as one decision after another (as public implementations write them)."""
    if (r <= 70 and p <= 70) or 0.8 * r <= p <= 1.2 * r:
        return "A"
    if (r >= 180 and p <= 70) or (r <= 70 and p >= 180):
        return "E"
    if (70 <= r <= 290 and p >= r + 110) or (130 <= r <= 180 and p <= 7 / 5 * r - 182):
        return "C"
    if (
        (r >= 240 and 70 <= p <= 180)
        or (r <= 175 / 3 and 70 <= p <= 180)
        or (175 / 3 <= r <= 70 and p >= 6 / 5 * r)
    ):
        return "D"
    return "B"


def test_the_whole_plane() -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(1, 500, 2.7), np.arange(1, 500, 3.1)))
    expected = [spelled_out(r, p) for r, p in zip(x, y, strict=True)]
    assert [ZONES[number] for number in clarke_zones(x, y)] == expected


def test_a_right_forecast_is_always_in_zone_a() -> None:
    values = np.arange(20, 600, 0.5)
    assert (clarke_zones(values, values) == 0).all()
