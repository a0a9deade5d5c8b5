"""The simulated head: the same anatomy on any grid, and marked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.formats.volume.phantom import HEAD_MM, NAMES, head_phantom
from suwen.formats.volume.volume import Volume


def labels_at(volume: Volume, lps: Any) -> list[int]:
    index = np.rint(volume.to_index(lps)).astype(int)
    return [int(value) for value in volume.array[tuple(index.T)]]


def test_every_structure_is_there_and_marked_as_simulated() -> None:
    head = head_phantom()
    assert head.simulated
    assert head.notes == ("simulated",)
    assert set(head.present()) == set(NAMES)
    assert head.value_of("left subthalamic nucleus") == 6
    nucleus = head.to_lps(np.argwhere(head.array == 6)).mean(axis=0)
    np.testing.assert_allclose(nucleus, [12, 8, -8], atol=0.5)  # left is positive in LPS
    volume_mm3 = sum(head.present().values()) * np.prod(head.spacing_mm)
    np.testing.assert_allclose(volume_mm3, 4 / 3 * np.pi * np.prod(HEAD_MM), rtol=0.01)


TURN = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]])


@pytest.mark.parametrize("directions", [np.eye(3), np.diag([-1.0, 1, 1]), TURN, TURN[[2, 0, 1]]])
def test_the_anatomy_does_not_depend_on_the_grid(directions: Any) -> None:
    centre = np.array([10.0, -20, 30])
    ways = [[0, 0, 0], [12, 8, -8], [-12, 8, -8], [-30, -42, 22], [0, 0, 71.5], [0, 0, 79], [0, 0, 85]]
    places = centre + np.array(ways)
    head = head_phantom(
        shape=(120, 130, 110), spacing_mm=(1.5, 1.6, 1.7), directions=directions, centre_lps_mm=centre
    )
    assert labels_at(head, places) == [3, 6, 7, 11, 8, 2, 1]


def test_scale_and_small_grids() -> None:
    small = head_phantom(shape=(24, 28, 26), spacing_mm=(2, 2, 2), scale=0.25)
    assert labels_at(small, [[0, 0, 0], [0, 0, 21]]) == [3, 1]
    slab = head_phantom(shape=(40, 40, 4), spacing_mm=(2, 2, 2), centre_lps_mm=(0, 0, 0))
    assert set(slab.present()) <= set(NAMES)


@pytest.mark.parametrize(
    "said",
    [
        {"shape": (1, 10, 10)},
        {"shape": (4000, 4000, 4000)},
        {"shape": (10, 10)},
        {"spacing_mm": (1, 0, 1)},
        {"spacing_mm": (1, np.nan, 1)},
        {"scale": 0},
        {"scale": np.nan},
        {"directions": np.ones((3, 3))},
    ],
)
def test_a_head_that_cannot_be_drawn_is_refused(said: Any) -> None:
    with pytest.raises(BadInput) as error:
        head_phantom(**said)
    assert error.value.code in ("bad-size", "singular-affine", "sheared")
