"""Fiducial points: in LPS mm where the file says its frame and unit, else refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import SuwenError
from suwen.formats.volume.points import read_points

WANT = {"nasion": (1.5, -80.0, 20.0), "left ear": (70.0, 2.0, -10.0)}
FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = {frame}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
vtkMRMLMarkupsFiducialNode_0,{a},0,0,0,1,1,1,0,nasion,,vtkMRMLScalarVolumeNode1
vtkMRMLMarkupsFiducialNode_1,{b},0,0,0,1,1,1,0,left ear,,
"""
LPS = {"a": "1.5,-80,20", "b": "70,2,-10"}
RAS = {"a": "-1.5,80,20", "b": "-70,-2,-10"}


def markups(frame: Any = "LPS", sign: int = 1, unit: Any = "mm", **more: Any) -> str:
    def control(name: str, place: Any) -> dict[str, Any]:
        return {"id": name, "label": name, "position": [sign * place[0], sign * place[1], place[2]]}

    markup = {"type": "Fiducial", "coordinateSystem": frame, "coordinateUnits": unit,
              "controlPoints": [control(name, place) for name, place in WANT.items()]}  # fmt: skip
    markup |= more
    return json.dumps({"markups": [{key: value for key, value in markup.items() if value is not None}]})


@pytest.mark.parametrize(
    "text",
    [
        FCSV.format(frame="LPS", **LPS),
        FCSV.format(frame="1", **LPS),
        FCSV.format(frame="RAS", **RAS),
        FCSV.format(frame="0", **RAS),
        markups(),
        markups(unit=None),
        markups(unit=["mm", "mm", "mm"]),
        markups("RAS", -1),
        "name,x_lps_mm,y_lps_mm,z_lps_mm\nnasion,1.5,-80,20\nleft ear,70,2,-10\n",
        "name\tx_ras_mm\ty_ras_mm\tz_ras_mm\nnasion\t-1.5\t80\t20\nleft ear\t-70\t-2\t-10\n",
        "# frame = LPS, unit = m\nname,x,y,z\nnasion,0.0015,-0.08,0.02\nleft ear,0.07,0.002,-0.01\n",
        json.dumps(
            {"frame": "ras", "unit": "cm", "points": {"nasion": [-0.15, 8, 2], "left ear": [-7, -0.2, -1]}}
        ),
        json.dumps(
            {"frame": "LPS", "unit": "mm", "points": [{"name": k, "position": v} for k, v in WANT.items()]}
        ),
    ],
)
def test_every_file_says_the_same(text: str) -> None:
    points = read_points(text.encode())
    assert points.names == tuple(WANT)
    np.testing.assert_allclose(points.lps_mm, list(WANT.values()), atol=1e-9)


def test_frame_and_unit_may_be_said_beside_the_file() -> None:
    bare = b"x,y,z\n-0.0015,0.08,0.02\n"
    points = read_points(bare, frame="RAS", unit="m")
    np.testing.assert_allclose(points.lps_mm, [WANT["nasion"]], atol=1e-9)
    assert points.names == ("point 1",)
    for said, code in (
        ({}, "missing-frame"),
        ({"frame": "LPS"}, "missing-units"),
        ({"unit": "mm"}, "missing-frame"),
    ):
        assert refused(bare.decode(), **said) == code
    assert refused(markups(), frame="RAS") == "frame-disagrees"
    assert refused(markups(), unit="m") == "missing-units"
    assert read_points(markups().encode(), frame="LPS", unit="mm").names == tuple(WANT)


def refused(text: str, **said: Any) -> str:
    with pytest.raises(SuwenError) as error:
        read_points(text.encode(), **said)
    assert error.value.fix
    return error.value.code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (FCSV.format(frame="2", **LPS), "missing-frame"),
        (FCSV.replace("# CoordinateSystem = {frame}\n", "").format(**LPS), "missing-frame"),
        (FCSV.format(frame="LPS", a="1,nan,2", b="1,2,3"), "not-a-number"),
        (FCSV.format(frame="LPS", **LPS).replace("left ear", "nasion"), "duplicate-name"),
        (FCSV.format(frame="LPS", **LPS) + "x,1\n", "bad-points"),
        (markups("IJK"), "missing-frame"),
        (markups(None), "missing-frame"),
        (markups(unit="px"), "missing-units"),
        (markups(unit=["mm", "mm", "m"]), "missing-units"),
        (markups(controlPoints=[]), "no-points"),
        (markups(controlPoints=[{"label": "a", "position": [1, 2]}]), "bad-points"),
        (markups(controlPoints=[{"label": "a", "position": [1, 2, float("nan")]}]), "not-finite"),
        (markups(controlPoints=[{"label": "a", "position": [1, 2, "3"]}]), "bad-points"),
        (markups(controlPoints=[{"label": "a", "position": [1, 2, True]}]), "bad-points"),
        (markups(controlPoints="none"), "bad-points"),
        ('{"markups": []}', "bad-points"),
        ('{"frame": "LPS", "unit": "mm"}', "bad-points"),
        ('{"frame": "LPS", "unit": "m", "points": {"a": [1e308, 0, 0]}}', "implausible-size"),
        ("[1, 2, 3]", "bad-points"),
        ("{", "bad-points"),
        ('{"points":' + "[" * 100_000, "bad-points"),
        ("name,x,y,z\n" + "x" * 200_000, "bad-points"),
        ("", "empty-file"),
        ("# frame = LPS, unit = mm\n", "no-points"),
        ("name,x_lps_mm,y_ras_mm,z_lps_mm\na,1,2,3\n", "missing-frame"),
        ("name,x_lps_mm,y_lps_m,z_lps_mm\na,1,2,3\n", "missing-units"),
        ("# frame = RAS\nname,x_lps_mm,y_lps_mm,z_lps_mm\na,1,2,3\n", "missing-frame"),
        ("name,x_lps_mm,y_lps_mm\na,1,2\n", "bad-points"),
        ("name,x_lps_mm,x_lps_mm,y_lps_mm,z_lps_mm\na,1,2,3,4\n", "bad-points"),
        ("name,x_lps_m,y_lps_m,z_lps_m\na,15,2,3\n", "implausible-size"),
    ],
)
def test_points_that_are_not_certain_are_refused(text: str, code: str) -> None:
    assert refused(text) == code


def test_points_without_a_place_are_left_out_and_counted() -> None:
    controls = [
        {"label": "nasion", "position": [1.5, -80, 20], "positionStatus": "defined"},
        {"label": "left ear", "position": None, "positionStatus": "undefined"},
    ]
    points = read_points(markups(controlPoints=controls).encode())
    assert points.names == ("nasion",)
    assert points.notes == ("points without a place, left out: 1",)


def test_sets_are_paired_by_name(tmp_path: Path) -> None:
    path = tmp_path / "tracker.csv"
    path.write_text("name,x_lps_mm,y_lps_mm,z_lps_mm\nleft ear,1,1,1\nother,2,2,2\nnasion,3,3,3\n")
    names, here, there = read_points(markups().encode()).paired(read_points(path))
    assert names == ("nasion", "left ear")
    np.testing.assert_allclose(here, list(WANT.values()))
    np.testing.assert_allclose(there, [[3, 3, 3], [1, 1, 1]])
    path.write_text("name,x_lps_mm,y_lps_mm,z_lps_mm\nother,2,2,2\n")
    with pytest.raises(SuwenError) as error:
        read_points(path).paired(read_points(markups().encode()))
    assert error.value.code == "no-pairs"
