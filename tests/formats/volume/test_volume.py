"""The volume itself: frames that agree, names that are certain, keys that mean the content."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suwen.core.errors import BadInput, NotFound
from suwen.formats.volume.volume import Volume


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(about_z @ about_y @ about_x)


def affine(axes: Any = None, spacing: Any = (1.0, 1.0, 1.0), origin: Any = (0.0, 0.0, 0.0)) -> Any:
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if axes is None else axes) * np.asarray(spacing)
    matrix[:3, 3] = origin
    return matrix


def labels(**changed: Any) -> Volume:
    array = np.zeros((4, 5, 6), np.int16)
    array[1, 2, 3], array[2, 2, 3], array[3, 4, 5] = 1, 2, 2
    said: dict[str, Any] = {
        "array": array,
        "affine_lps": affine(spacing=(0.5, 1.0, 2.0), origin=(-10, 20, 30)),
        "kind": "labels",
        "names": {1: "Left_Subthalamic nucleus", 2: "vessel", 7: "Vessel "},
    }
    return Volume(**(said | changed))


angles = st.floats(-3.0, 3.0)
lengths = st.floats(0.05, 8.0)
places = st.floats(-500.0, 500.0)


@given(st.tuples(angles, angles, angles), st.tuples(lengths, lengths, lengths), st.tuples(places, places, places),
       st.booleans())  # fmt: skip
def test_frames_agree_for_any_rigid_grid(turn: Any, spacing: Any, origin: Any, mirrored: bool) -> None:
    axes = rotation(*turn) * (np.array([-1, 1, 1]) if mirrored else 1)
    volume = labels(affine_lps=affine(axes, spacing, origin))
    index = np.random.default_rng(1).uniform(-3, 9, (8, 3))
    lps = volume.to_lps(index)
    np.testing.assert_allclose(lps, index * spacing @ axes.T + origin, atol=1e-9)
    np.testing.assert_allclose(volume.to_index(lps), index, atol=1e-9)
    grid = volume.to_grid_mm(lps)
    np.testing.assert_allclose(grid, index * spacing, atol=1e-9)
    np.testing.assert_allclose(volume.grid_to_lps(grid), lps, atol=1e-9)
    np.testing.assert_allclose(  # lengths are the same in both frames
        np.linalg.norm(np.diff(grid, axis=0), axis=1), np.linalg.norm(np.diff(lps, axis=0), axis=1), atol=1e-9
    )
    np.testing.assert_allclose(volume.spacing_mm, spacing, rtol=1e-12)
    np.testing.assert_allclose(volume.directions, axes, atol=1e-9)
    assert volume.handedness == ("left" if mirrored else "right")


def test_inside_is_the_boxes_of_the_voxels() -> None:
    volume = labels()
    corner = volume.to_lps([[-0.5, -0.5, -0.5], [3.5, 4.5, 5.5]])
    inwards = np.array([[1.0, 1, 1], [-1, -1, -1]]) * 1e-6
    assert volume.contains(corner + inwards).all()
    assert not volume.contains(corner - inwards).any()
    assert not volume.contains([np.nan, 20, 30]).any()


def test_points_are_rows_of_three() -> None:
    with pytest.raises(BadInput) as refused:
        labels().to_lps([[1, 2]])
    assert refused.value.code == "bad-points"


@pytest.mark.parametrize(
    "said", [1, "1", " 1 ", np.int64(1), "Left_Subthalamic nucleus", "left subthalamic-NUCLEUS"]
)
def test_a_structure_is_found(said: Any) -> None:
    assert labels().value_of(said) == 1


def test_the_written_name_goes_before_a_similar_one() -> None:
    assert labels().value_of("vessel") == 2
    with pytest.raises(BadInput) as refused:
        labels().value_of("VESSEL")
    assert refused.value.code == "ambiguous-structure"
    assert "2, 7" in str(refused.value)


@pytest.mark.parametrize("said", ["left subthalmic nucleus", 5, 0, -1, "0", "", True, 1.5, "٣"])
def test_an_unknown_structure_is_none(said: Any) -> None:
    with pytest.raises(NotFound) as refused:
        labels().value_of(said)
    assert refused.value.code == "unknown-structure"


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="Did you mean 'Left_Subthalamic nucleus'"):
        labels().value_of("left subthalmic nucleus")
    with pytest.raises(NotFound, match="no names; give a number, of 1, 2"):
        labels(names={}).value_of("brain")


def test_present_counts_voxels_without_background() -> None:
    assert dict(labels().present()) == {1: 1, 2: 2}
    large = labels().array.astype(np.int64) * 100_000
    volume = labels(array=large)
    assert volume.array.dtype == np.uint32
    assert dict(volume.present()) == {100_000: 1, 200_000: 2}
    assert volume.name_of(100_000) == "label 100000"


def test_an_image_has_no_structures() -> None:
    image = labels(kind="image")
    assert image.array.dtype == np.float32
    for ask in (image.present, lambda: image.value_of(1)):
        with pytest.raises(BadInput) as refused:
            ask()
        assert refused.value.code == "not-labels"


def test_the_key_is_of_values_and_place_alone() -> None:
    volume = labels()
    same = labels(
        array=np.asfortranarray(volume.array.astype(np.float64)), names={}, notes=("x",), source_format="nrrd"
    )
    assert volume.content_key() == same.content_key()
    assert labels(affine_lps=volume.affine_lps.astype(np.float32)).content_key() == volume.content_key()
    changed = volume.array.copy()
    changed[0, 0, 0] = 1
    moved = affine(spacing=(0.5, 1.0, 2.0), origin=(-10, 20, 30.01))
    others = [labels(array=changed), labels(affine_lps=moved), labels(array=volume.array[::-1]),
              labels(kind="image"), labels(array=volume.array.reshape(4, 6, 5))]  # fmt: skip
    assert len({volume.content_key(), *(one.content_key() for one in others)}) == 6


def test_the_key_of_an_image_knows_one_nan_and_one_zero() -> None:
    values = np.ones((2, 2, 2), np.float32)
    values[0, 0] = np.nan, 0.0
    other = values.copy()
    other.view(np.uint32)[0, 0] = 0x7FC00001, 0x80000000
    keys = {Volume(array=one, affine_lps=np.eye(4), kind="image").content_key() for one in (values, other)}
    assert len(keys) == 1


def test_the_frame_is_of_the_grid_alone() -> None:
    volume = labels()
    assert volume.frame_key() == labels(array=volume.array + 1).frame_key()
    assert volume.frame_key() != labels(frame_of_reference="1.2.3").frame_key()
    assert volume.frame_key() != labels(array=volume.array[:-1]).frame_key()


SHEARED = np.array([[1, 0.01, 0], [0, 1, 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"affine_lps": np.eye(3)}, "bad-affine"),
        ({"affine_lps": "none"}, "bad-affine"),
        ({"affine_lps": np.diag([1, 1, 1, 2])}, "bad-affine"),
        ({"affine_lps": np.diag([1, np.nan, 1, 1])}, "not-finite"),
        ({"affine_lps": affine(origin=(np.inf, 0, 0))}, "not-finite"),
        ({"affine_lps": affine(origin=(1e300, 0, 0))}, "implausible-size"),
        ({"affine_lps": affine(spacing=(1e-300, 1, 1))}, "no-spacing"),
        ({"affine_lps": np.diag([1, 0, 1, 1])}, "no-spacing"),
        ({"affine_lps": affine([[1, 1, 0], [0, 0, 0], [0, 0, 1]])}, "singular-affine"),
        ({"affine_lps": affine(SHEARED)}, "sheared"),
        ({"array": np.ones((4, 4))}, "not-three-dimensional"),
        ({"array": np.ones((4, 4, 4, 2))}, "not-three-dimensional"),
        ({"array": np.ones((4, 0, 4))}, "empty-image"),
        ({"array": np.full((2, 2, 2), 0.5)}, "not-labels"),
        ({"array": np.full((2, 2, 2), np.nan)}, "not-labels"),
        ({"array": np.full((2, 2, 2), 2.0**40)}, "label-too-large"),
        ({"array": np.full((2, 2, 2), -1)}, "negative-labels"),
        ({"array": np.zeros((2, 2, 2))}, "empty-labels"),
        ({"array": np.ones((2, 2, 2), complex)}, "not-numbers"),
        ({"array": np.full((2, 2, 2), "x")}, "not-numbers"),
        ({"array": np.full((2, 2, 2), np.nan), "kind": "image"}, "not-finite"),
        ({"kind": "mesh"}, "unknown-kind"),
    ],
)
def test_what_is_no_volume_is_refused(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        labels(**changed)
    assert refused.value.code == code
    assert refused.value.fix


def test_a_little_shear_is_refused_where_it_moves_a_corner() -> None:
    axes = np.eye(3)
    axes[0, 1] = 5e-4
    small = labels(affine_lps=affine(axes))
    np.testing.assert_allclose(small.directions.T @ small.directions, np.eye(3), atol=1e-12)
    with pytest.raises(BadInput) as refused:  # the same axes over half a metre
        labels(affine_lps=affine(axes, spacing=(100, 100, 100)))
    assert refused.value.code == "sheared"
