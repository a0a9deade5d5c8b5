"""NIfTI: right in mm, or refused with the reason."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.formats.volume.read import read_volume

Build = Callable[..., bytes]
RAS = np.array([[0, 0, -2.0, 30], [-2.5, 0, 0, 40], [0, 3.0, 0, -50], [0, 0, 0, 1]])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_a_volume_lands_in_lps(nifti: Build, cube: NDArray[np.int16], version: int, packed: bool) -> None:
    volume = read_volume(nifti(cube, RAS, version=version, packed=packed), kind="labels")
    np.testing.assert_array_equal(volume.array, cube)
    np.testing.assert_allclose(volume.spacing_mm, [2.5, 3.0, 2.0])
    ras = RAS @ [1, 10, 3, 1]
    np.testing.assert_allclose(volume.to_lps([1, 10, 3]), [[-ras[0], -ras[1], ras[2]]], atol=1e-5)
    assert (volume.source_format, volume.notes, volume.frame_of_reference) == ("nifti", (), None)


def test_big_endian_is_read(nifti: Build, cube: NDArray[np.int16]) -> None:
    import nibabel

    header = nibabel.Nifti1Header(nifti(cube, RAS)[:348]).as_byteswapped(">")
    header["vox_offset"] = 352
    data = header.binaryblock + b"\0" * 4 + cube.astype(">i2").tobytes(order="F")
    assert (
        read_volume(data, kind="labels").content_key()
        == read_volume(nifti(cube, RAS), kind="labels").content_key()
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_copy_gives_the_same_answers(nifti: Build, cube: NDArray[np.int16], axis: int) -> None:
    flip = np.eye(4)
    flip[axis, axis], flip[axis, 3] = -1, cube.shape[axis] - 1
    plain = read_volume(nifti(cube, RAS), kind="labels")
    mirrored = read_volume(nifti(np.flip(cube, axis), RAS @ flip), kind="labels")
    assert {plain.handedness, mirrored.handedness} == {"left", "right"}
    for label in range(1, 5):
        np.testing.assert_allclose(
            plain.to_lps(np.argwhere(plain.array == label)), mirrored.to_lps(np.argwhere(mirrored.array == label)),
            atol=1e-4,
        )  # fmt: skip


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000.0), ("mm", 1.0), ("micron", 0.001)])
def test_units_become_mm(nifti: Build, cube: NDArray[np.int16], unit: str, factor: float) -> None:
    ras = RAS.copy()
    ras[:3] /= factor
    volume = read_volume(nifti(cube, ras, unit=unit), kind="labels")
    np.testing.assert_allclose(volume.to_lps([0, 0, 0]), [[-30, -40, -50]], rtol=1e-5)
    np.testing.assert_allclose(volume.spacing_mm, [2.5, 3.0, 2.0], rtol=1e-5)


def test_an_unknown_unit_is_mm_only_where_nothing_else_fits(nifti: Build, cube: NDArray[np.int16]) -> None:
    volume = read_volume(nifti(cube, RAS, unit=None), kind="labels")
    assert volume.notes == ("no unit stated: mm, as the size leaves no other",)
    for factor in (0.001, 1000.0):
        ras = RAS.copy()
        ras[:3] *= factor
        assert refused(nifti(cube, ras, unit=None)) == "missing-units"


def test_a_stated_unit_that_fits_no_patient_is_refused(nifti: Build, cube: NDArray[np.int16]) -> None:
    ras = RAS.copy()
    ras[:3] *= 0.001
    assert refused(nifti(cube, ras, unit="mm")) == "implausible-size"
    assert refused(nifti(cube, RAS, unit="meter")) == "implausible-size"


@pytest.mark.parametrize(("sform", "qform"), [(0, 1), (1, 0), (2, 1)])
def test_either_form_alone_is_enough(nifti: Build, cube: NDArray[np.int16], sform: int, qform: int) -> None:
    volume = read_volume(nifti(cube, RAS, sform=sform, qform=qform), kind="labels")
    np.testing.assert_allclose(volume.to_lps([0, 0, 0]), [[-30, -40, -50]], atol=1e-4)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("tilt", [0.0, 3.3322661243928045e-06, 1e-4, 1e-3, 1e-2])
def test_near_half_a_turn_a_rounded_quaternion_is_no_disagreement(
    nifti: Build, version: int, tilt: float
) -> None:
    import nibabel

    array = np.zeros((180, 200, 190), np.uint8)
    array[1, 2, 3] = 1
    axis = np.array([-0.2, 1.5, -1.5]) / np.linalg.norm([-0.2, 1.5, -1.5])
    ras = np.eye(4)
    ras[:3, :3] = nibabel.quaternions.angle_axis2mat(np.pi - tilt, axis)
    both = read_volume(nifti(array, ras, version=version), kind="labels")
    np.testing.assert_allclose(both.affine_lps[:3], (np.diag([-1, -1, 1, 1]) @ ras)[:3], atol=1e-6)
    alone = read_volume(nifti(array, ras, version=version, sform=0), kind="labels")
    far = [[179, 199, 189]]
    np.testing.assert_allclose(alone.to_lps(far), both.to_lps(far), atol=0.5 if version == 1 else 1e-4)


def test_coordinates_of_a_template_are_said_to_be_such(nifti: Build, cube: NDArray[np.int16]) -> None:
    volume = read_volume(nifti(cube, RAS, sform=4, qform=0), kind="labels")
    assert volume.notes == ("coordinates are of the MNI 152 template, not of the patient",)


def refused(data: bytes, kind: Any = "labels") -> str:
    with pytest.raises(SuwenError) as error:
        read_volume(data, kind=kind)
    assert error.value.fix
    return error.value.code


def test_frames_that_are_missing_or_disagree_are_refused(nifti: Build, cube: NDArray[np.int16]) -> None:
    assert refused(nifti(cube, RAS, sform=0, qform=0)) == "missing-orientation"
    moved = RAS.copy()
    moved[0, 3] += 0.2
    rows = {f"srow_{axis}": moved[at] for at, axis in enumerate("xyz")}
    assert refused(nifti(cube, RAS, **rows)) == "orientation-disagrees"
    moved[0, 3] -= 0.15
    assert read_volume(nifti(cube, RAS, srow_x=moved[0]), kind="labels").shape == cube.shape
    assert refused(nifti(cube, RAS, qform=0, pixdim=[1, 2.5, 3, 2.1, 0, 0, 0, 0])) == "orientation-disagrees"


def bad_affine(row: int, column: int, value: float) -> Any:
    changed = np.diag([2.0, 2.0, 2.0, 1.0])
    changed[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("ras", "fields", "code"),
    [
        (bad_affine(0, 0, np.nan), {}, "not-finite"),
        (bad_affine(1, 3, np.inf), {}, "not-finite"),
        (bad_affine(0, 1, 0.1), {"qform": 0}, "sheared"),
        (None, {"pixdim": [1, 0, 2, 2, 0, 0, 0, 0]}, "no-spacing"),
        (None, {"pixdim": [1, 2, -2, 2, 0, 0, 0, 0]}, "no-spacing"),
        (None, {"pixdim": [1, 2, np.nan, 2, 0, 0, 0, 0]}, "not-finite"),
        (None, {"quatern_b": np.nan}, "not-finite"),
        (None, {"srow_x": [1e30, 0, 0, 0]}, "implausible-size"),
        (None, {"qoffset_x": 1e30}, "implausible-size"),
        (None, {"pixdim": [1, 1e30, 2, 2, 0, 0, 0, 0]}, "implausible-size"),
        (None, {"quatern_b": 9.0}, "bad-affine"),
        (None, {"xyzt_units": 5}, "missing-units"),
        (None, {"scl_slope": 2.0, "scl_inter": np.nan}, "not-finite"),
        (None, {"datatype": 128, "bitpix": 24}, "not-numbers"),
        (None, {"datatype": 32, "bitpix": 64}, "not-numbers"),
        (None, {"datatype": 77}, "undecodable-header"),
        (None, {"dim": [0, 10, 12, 14, 1, 1, 1, 1]}, "undecodable-header"),
        (None, {"dim": [3, 10, -12, 14, 1, 1, 1, 1]}, "empty-image"),
        (None, {"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, "too-large"),
        (None, {"dim": [3, 10, 12, 15, 1, 1, 1, 1]}, "truncated"),
        (None, {"dim": [3, 10, 12, 13, 1, 1, 1, 1]}, "size-mismatch"),
        (None, {"dim": [4, 10, 12, 7, 2, 1, 1, 1]}, "several-volumes"),
        (None, {"dim": [5, 10, 12, 7, 1, 2, 1, 1]}, "not-three-dimensional"),
        (None, {"dim": [2, 120, 14, 1, 1, 1, 1, 1]}, "not-three-dimensional"),
        (None, {"dim": [3, 120, 14, 1, 1, 1, 1, 1]}, "not-three-dimensional"),
        (None, {"vox_offset": np.nan}, "undecodable-header"),
        (None, {"vox_offset": 1e9}, "undecodable-header"),
        (None, {"magic": b"ni1"}, "detached-header"),
        (None, {"magic": b""}, "missing-orientation"),
    ],
)
def test_a_bad_header_is_refused(
    nifti: Build, cube: NDArray[np.int16], ras: Any, fields: Any, code: str
) -> None:
    assert refused(nifti(cube, ras, **fields)) == code


def test_a_flat_axis_of_the_affine_is_refused(nifti: Build, cube: NDArray[np.int16]) -> None:
    rows = {"srow_x": [2, 2, 0, 0], "srow_y": [0, 0, 0, 0], "srow_z": [0, 0, 2, 0]}
    assert refused(nifti(cube, qform=0, **rows)) == "singular-affine"
    flat = {"srow_x": [0, 0, 0, 0], "qform": 0}
    assert refused(nifti(cube, **flat)) in ("orientation-disagrees", "no-spacing")


def test_a_fourth_axis_of_one_is_no_dimension(nifti: Build, cube: NDArray[np.int16]) -> None:
    assert read_volume(nifti(cube, dim=[4, 10, 12, 14, 1, 1, 1, 1]), kind="labels").shape == cube.shape
    assert read_volume(nifti(cube, dim=[5, 10, 12, 14, 1, 1, 1, 1]), kind="labels").shape == cube.shape


@pytest.mark.parametrize(
    ("values", "code"),
    [(0.5, "not-labels"), (np.nan, "not-labels"), (-1.0, "negative-labels"), (0.0, "empty-labels")],
)
def test_what_are_no_labels_is_refused(nifti: Build, values: float, code: str) -> None:
    assert refused(nifti(np.full((8, 8, 8), values, np.float32))) == code


def test_whole_floats_and_scaled_values_are_labels(nifti: Build, cube: NDArray[np.int16]) -> None:
    want = read_volume(nifti(cube), kind="labels").content_key()
    assert read_volume(nifti(cube.astype(np.float64)), kind="labels").content_key() == want
    scaled = read_volume(nifti(cube * 2 - 8, scl_slope=0.5, scl_inter=4.0), kind="labels")
    assert scaled.content_key() == want
    assert scaled.notes == ("rescaled: slope 0.5, intercept 4",)
    assert refused(nifti(cube, scl_slope=0.3, scl_inter=0.0)) == "not-labels"


def test_an_image_keeps_its_gaps_and_says_so(nifti: Build) -> None:
    values = np.linspace(-1000, 1000, 512).reshape(8, 8, 8).astype(np.float32)
    values[0, 0, :3] = np.nan, np.inf, np.nan
    volume = read_volume(nifti(values), kind="image")
    np.testing.assert_array_equal(volume.array, values)
    assert volume.notes == ("voxels without a finite value: 3",)
    assert refused(nifti(np.full((8, 8, 8), np.nan, np.float32)), "image") == "not-finite"


def test_a_cut_or_damaged_file_is_refused(nifti: Build, cube: NDArray[np.int16]) -> None:
    plain, packed = nifti(cube, RAS), nifti(cube, RAS, packed=True)
    assert refused(plain[:-1]) == "truncated"
    assert refused(plain + b"\0") == "size-mismatch"
    assert refused(plain[:350]) == "truncated"
    assert refused(packed[:-4]) == "truncated"
    assert refused(packed[: len(packed) // 2]) == "truncated"
    wrong = bytearray(packed)
    wrong[-6] ^= 255  # the checksum
    assert refused(bytes(wrong)) == "undecodable"
    assert refused(b"") == "empty-file"
    assert refused(gzip.compress(b"")) == "unknown-format"


def test_a_bomb_is_refused_before_it_is_unpacked(nifti: Build, cube: NDArray[np.int16]) -> None:
    import tracemalloc

    head = nifti(cube)[:352]
    bomb = gzip.compress(head + b"\0" * (64 * 2**20), 1)
    tracemalloc.start()
    assert refused(bomb) == "size-mismatch"  # only what the header asks for is unpacked
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_names_in_the_file_are_read(nifti: Build, cube: NDArray[np.int16]) -> None:
    xml = b'<Label Key="0" Red="0"><![CDATA[none]]></Label><Label Key="2" Red="1"><![CDATA[a b]]></Label>\n'
    xml += b'<Label Key="3">c &amp; d</Label>'
    plain = nifti(cube, vox_offset=352 + 256)
    data = plain[:348] + b"\x01\0\0\0" + xml.ljust(256, b"\0") + plain[352:]
    assert dict(read_volume(data, kind="labels").names) == {2: "a b", 3: "c & d"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 347), value=st.integers(0, 255))
def test_any_wrong_byte_of_the_header_ends_in_a_volume_or_a_refusal(
    nifti: Build, cube: NDArray[np.int16], at: int, value: int
) -> None:
    data = bytearray(nifti(cube, RAS))
    data[at] = value
    try:
        volume = read_volume(bytes(data), kind="labels")
    except (BadInput, Unreadable):
        return
    assert np.isfinite(volume.affine_lps).all()
    assert volume.array.size > 0
