"""NRRD: right in LPS mm, or refused with the reason."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.core.errors import SuwenError
from suwen.formats.volume.read import read_volume

Build = Callable[..., bytes]


def refused(data: bytes, kind: Any = "labels") -> str:
    with pytest.raises(SuwenError) as error:
        read_volume(data, kind=kind)
    assert error.value.fix
    return error.value.code


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
    ],
)
def test_every_space_of_a_patient_becomes_lps(
    nrrd: Build, cube: NDArray[np.int16], space: str, signs: Any
) -> None:
    data = nrrd(cube, space=space, space_directions="(0,2.5,0) (0,0,-3) (2,0,0)", space_origin="(10,-20,30)")
    volume = read_volume(data, kind="labels")
    np.testing.assert_array_equal(volume.array, cube)
    np.testing.assert_allclose(volume.spacing_mm, [2.5, 3, 2])
    there = np.array([10 + 2 * 12, -20 + 2.5 * 1, 30 - 3 * 2]) * signs
    np.testing.assert_allclose(volume.to_lps([1, 2, 12]), [there])
    assert volume.notes == ()


@pytest.mark.parametrize("encoding", ["raw", "gzip", "gz", "bzip2", "ascii", "text"])
def test_encodings_agree(nrrd: Build, cube: NDArray[np.int16], encoding: str) -> None:
    raw = cube.tobytes(order="F")
    body = {
        "raw": raw, "gzip": gzip.compress(raw), "gz": gzip.compress(raw), "bzip2": bz2.compress(raw),
        "ascii": " ".join(map(str, cube.ravel(order="F"))).encode(),
        "text": "\n".join(map(str, cube.ravel(order="F"))).encode(),
    }[encoding]  # fmt: skip
    volume = read_volume(nrrd(cube, encoding=encoding, body=body), kind="labels")
    assert volume.content_key() == read_volume(nrrd(cube), kind="labels").content_key()


def test_big_endian_and_floats_are_read(nrrd: Build) -> None:
    values = np.linspace(-3, 3, 512).reshape(8, 8, 8).astype(np.float32)
    data = nrrd(values, endian="big", body=values.astype(">f4").tobytes(order="F"))
    np.testing.assert_array_equal(read_volume(data, kind="image").array, values)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1.0), ("m", 1000.0), ("um", 0.001), ("cm", 10.0)])
def test_units_become_mm(nrrd: Build, cube: NDArray[np.int16], unit: str, factor: float) -> None:
    length = 2 / factor
    volume = read_volume(
        nrrd(cube, space_units=" ".join([f'"{unit}"'] * 3), space_origin=f"({30 / factor!r},0,0)",
             space_directions=f"({length!r},0,0) (0,{length!r},0) (0,0,{length!r})"),
        kind="labels",
    )  # fmt: skip
    np.testing.assert_allclose(volume.to_lps([0, 0, 0]), [[30, 0, 0]])
    np.testing.assert_allclose(volume.spacing_mm, [2, 2, 2])


def test_an_unstated_unit_is_mm_only_where_nothing_else_fits(nrrd: Build, cube: NDArray[np.int16]) -> None:
    assert read_volume(nrrd(cube, space_units=None), kind="labels").notes
    small = "(0.002,0,0) (0,0.002,0) (0,0,0.002)"
    assert refused(nrrd(cube, space_units=None, space_directions=small)) == "missing-units"
    assert refused(nrrd(cube, space_directions=small)) == "implausible-size"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"space": None}, "missing-frame"),
        ({"space": "scanner-xyz"}, "missing-frame"),
        ({"space": "3D-right-handed"}, "missing-frame"),
        ({"space": None, "space_directions": None, "spacings": "1 1 1"}, "missing-frame"),
        ({"space_directions": None, "spacings": "1 1 1"}, "missing-orientation"),
        ({"space_directions": "none (0,2,0) (0,0,2)"}, "missing-orientation"),
        ({"space_directions": "(2,0,0) (0,2,0)"}, "missing-orientation"),
        ({"space_origin": None}, "missing-origin"),
        ({"space_origin": "(nan,0,0)"}, "not-finite"),
        ({"space_directions": "(2,0,0) (0,inf,0) (0,0,2)"}, "not-finite"),
        ({"space_directions": "(2,0,0) (0,0,0) (0,0,2)"}, "no-spacing"),
        ({"space_directions": "(2,0,0) (0.2,2,0) (0,0,2)"}, "sheared"),
        ({"space_directions": "(2,0,0) (2,0,0) (0,0,2)"}, "singular-affine"),
        ({"space_units": '"mm" "mm" "cm"'}, "missing-units"),
        ({"space_units": '"px" "px" "px"'}, "missing-units"),
        ({"data_file": "other.raw"}, "detached-header"),
        ({"type": "block"}, "not-numbers"),
        ({"type": None}, "not-numbers"),
        ({"endian": None}, "undecodable-header"),
        ({"sizes": None}, "undecodable-header"),
        ({"sizes": "10 x 14"}, "undecodable-header"),
        ({"dimension": "4"}, "undecodable-header"),
        ({"dimension": "2", "sizes": "120 14", "kinds": "domain domain"}, "not-three-dimensional"),
        ({"sizes": "10 12 15"}, "truncated"),
        ({"sizes": "10 12 13"}, "size-mismatch"),
        ({"sizes": "10 0 14"}, "empty-image"),
        ({"sizes": "99999 99999 99999"}, "too-large"),
        ({"kinds": "RGB-color domain domain"}, "several-volumes"),
        ({"encoding": "hex"}, "no-codec"),
        ({"encoding": "gzip"}, "undecodable"),
        ({"encoding": "bzip2"}, "undecodable"),
        ({"encoding": "text"}, "truncated"),
        ({"byte_skip": "2"}, "no-codec"),
        ({"kinds": "domain domain domain\nkinds: domain domain domain"}, "undecodable-header"),
    ],
)
def test_a_bad_header_is_refused(nrrd: Build, cube: NDArray[np.int16], fields: Any, code: str) -> None:
    assert refused(nrrd(cube, **fields)) == code


def test_cut_files_are_refused(nrrd: Build, cube: NDArray[np.int16]) -> None:
    raw = cube.tobytes(order="F")
    for encoding, body in (("gzip", gzip.compress(raw)), ("bzip2", bz2.compress(raw)), ("raw", raw)):
        for end in (len(body) // 2, len(body) - 1):
            assert refused(nrrd(cube, encoding=encoding, body=body[:end])) == "truncated"
    assert refused(nrrd(cube, encoding="gzip", body=gzip.compress(raw + b"\0"))) == "size-mismatch"
    assert refused(nrrd(cube, encoding="bzip2", body=bz2.compress(raw + b"\0"))) == "size-mismatch"
    assert refused(nrrd(cube, encoding="text", body=b"1 " * (cube.size + 1))) == "size-mismatch"
    assert refused(nrrd(cube, encoding="text", body=b"x " * cube.size)) == "undecodable"
    assert refused(nrrd(cube)[:100]) == "truncated"


def test_raw_values_that_look_packed_are_raw(nrrd: Build) -> None:
    array = np.ones((8, 8, 8), np.int16)
    array[0, 0, 0] = int.from_bytes(b"\x1f\x8b", "little", signed=True) & 0x7FFF
    array.ravel()[0] = np.frombuffer(b"\x1f\x0b", np.int16)[0]
    values = np.frombuffer(b"\x1f\x8b" + array.tobytes()[2:], "<u2").reshape(8, 8, 8)
    np.testing.assert_array_equal(read_volume(nrrd(values), kind="labels").array, values)


SEGMENTS = "".join(
    f"Segment{at}_{key}:={value}\n"
    for at, segment in enumerate(
        ({"Name": "Vessel: left", "LabelValue": 2}, {"Name": "tumour", "LabelValue": 4})
    )
    for key, value in segment.items()
)


def test_a_slicer_segmentation_brings_its_names(nrrd: Build, cube: NDArray[np.int16]) -> None:
    volume = read_volume(nrrd(cube, more=SEGMENTS), kind="labels")
    assert dict(volume.names) == {2: "Vessel: left", 4: "tumour"}
    assert volume.value_of("vessel left") == 2
    twice = SEGMENTS.replace("LabelValue:=4", "LabelValue:=2")
    assert refused(nrrd(cube, more=twice)) == "ambiguous-structure"


def test_layers_of_segments_are_refused_and_one_layer_is_read(nrrd: Build, cube: NDArray[np.int16]) -> None:
    layered = {
        "dimension": "4", "kinds": "list domain domain domain", "space_directions": "none (2,0,0) (0,2,0) (0,0,2)",
    }  # fmt: skip
    one = nrrd(cube, sizes="1 10 12 14", **layered)
    assert (
        read_volume(one, kind="labels").content_key() == read_volume(nrrd(cube), kind="labels").content_key()
    )
    assert refused(nrrd(cube, sizes="2 10 12 7", **layered)) == "several-volumes"
