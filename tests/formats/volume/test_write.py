"""Round trips: what is written is what is read, here and by others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.formats.volume.phantom import head_phantom
from suwen.formats.volume.read import read_volume
from suwen.formats.volume.volume import Volume
from suwen.formats.volume.write import nifti_bytes, nrrd_bytes, write_nifti, write_nrrd

angles = st.floats(-3.1, 3.1)
lengths = st.floats(0.2, 9.0)
places = st.floats(-700.0, 700.0)


def turned(a: float, b: float, c: float) -> NDArray[np.float64]:
    """Rotation from a unit quaternion."""
    w, x, y, z = np.array([1.0, a, b, c]) / np.linalg.norm([1.0, a, b, c])
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turn=st.tuples(angles, angles, angles), spacing=st.tuples(lengths, lengths, lengths),
       origin=st.tuples(places, places, places), mirrored=st.booleans())  # fmt: skip
def test_any_affine_goes_there_and_back(
    cube: NDArray[np.int16], turn: Any, spacing: Any, origin: Any, mirrored: bool
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = turned(*turn) * spacing * ([1, -1, 1] if mirrored else [1, 1, 1])
    affine[:3, 3] = origin
    volume = Volume(
        array=cube, affine_lps=affine, kind="labels", names={2: "b c"}, frame_of_reference="1.2.3"
    )
    for data, off in (
        (nrrd_bytes(volume), 0),
        (nifti_bytes(volume, version=2), 0),
        (nifti_bytes(volume, packed=False), 1e-4),
    ):
        back = read_volume(data, kind="labels")
        np.testing.assert_array_equal(back.array, volume.array)
        np.testing.assert_allclose(back.affine_lps, volume.affine_lps, atol=off, rtol=0)
        assert (back.content_key(), back.frame_key()) == (volume.content_key(), volume.frame_key())
        assert (back.names, back.frame_of_reference) == (volume.names, "1.2.3")
        assert back.handedness == volume.handedness


@pytest.mark.parametrize("name", ["head.nrrd", "head.nii", "head.nii.gz"])
def test_an_independent_reader_places_every_voxel_alike(tmp_path: Path, name: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    head = head_phantom(
        shape=(40, 50, 45), spacing_mm=(4.0, 4.5, 5.0), directions=turned(0.3, -0.2, 0.6) * [1, 1, -1],
        centre_lps_mm=(11.0, -7.0, 31.0),
    )  # fmt: skip
    path = tmp_path / name
    (write_nrrd if name.endswith("nrrd") else write_nifti)(head, path)
    image = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), head.array)
    for index in np.random.default_rng(5).integers(0, head.shape, (50, 3)):
        there = image.TransformIndexToPhysicalPoint([int(at) for at in index])
        np.testing.assert_allclose(head.to_lps(index), [there], atol=1e-3)


@pytest.mark.parametrize("name", ["x.nrrd", "x.nii.gz"])
def test_files_of_an_independent_writer_are_the_same_volume(tmp_path: Path, name: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    head = head_phantom(shape=(40, 50, 45), spacing_mm=(4.0, 4.5, 5.0), centre_lps_mm=(11.0, -7.5, 31.25))
    image = sitk.GetImageFromArray(np.ascontiguousarray(head.array.transpose(2, 1, 0)))
    image.SetSpacing(head.spacing_mm.tolist())
    image.SetDirection(head.directions.ravel().tolist())
    image.SetOrigin(head.affine_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(tmp_path / name))
    assert read_volume(tmp_path / name, kind="labels").content_key() == head.content_key()


def test_risk_maps_and_large_labels_keep_every_value() -> None:
    values = np.random.default_rng(7).normal(size=(9, 8, 7)).astype(np.float32)
    values[0, 0, 0] = np.nan
    risk = Volume(array=values, affine_lps=np.diag([2.0, 2, 2, 1]), kind="image", simulated=True)
    large = Volume(array=np.full((9, 8, 7), 70_000), affine_lps=np.diag([2.0, 2, 2, 1]), kind="labels")
    for volume in (risk, large):
        for data in (nrrd_bytes(volume), nifti_bytes(volume)):
            back = read_volume(data, kind=volume.kind)
            np.testing.assert_array_equal(back.array, volume.array)
            assert back.array.dtype == volume.array.dtype
            assert back.simulated == volume.simulated


def test_the_same_volume_is_the_same_file(tmp_path: Path) -> None:
    head = head_phantom(shape=(20, 25, 22), spacing_mm=(8, 8, 8))
    for write, name in ((write_nrrd, "a.nrrd"), (write_nifti, "a.nii.gz")):
        write(head, tmp_path / name)
        first = (tmp_path / name).read_bytes()
        write(head, tmp_path / name)
        assert (tmp_path / name).read_bytes() == first
        assert read_volume(tmp_path / name, kind="labels").simulated


def test_names_with_line_breaks_stay_one_line() -> None:
    head = head_phantom(shape=(20, 25, 22), spacing_mm=(8, 8, 8))
    odd = Volume(
        array=head.array, affine_lps=head.affine_lps, kind="labels", names={1: "a\nsizes: 1 1 1", 2: "素问"}
    )
    assert dict(read_volume(nrrd_bytes(odd), kind="labels").names) == {1: "a sizes: 1 1 1", 2: "素问"}
    assert dict(read_volume(nifti_bytes(odd), kind="labels").names) == dict(odd.names)


def test_a_side_too_long_for_nifti_1() -> None:
    long = Volume(array=np.ones((2, 2, 40_000)), affine_lps=np.diag([0.05, 0.05, 0.05, 1]), kind="labels")
    with pytest.raises(BadInput) as error:
        nifti_bytes(long)
    assert error.value.code == "too-large"
    assert read_volume(nifti_bytes(long, version=2), kind="labels").shape == (2, 2, 40_000)
