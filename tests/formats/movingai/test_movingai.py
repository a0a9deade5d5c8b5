"""Moving AI files: the real ones hold what their README says, and bad ones are refused for their own reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suwen.core.errors import SuwenError
from suwen.formats.movingai.maps import read_map
from suwen.formats.movingai.scenarios import read_scenario

MAP = "type octile\nheight 2\nwidth 3\nmap\n.@.\nG.T\n"
SCENE = "version 1\n0\tmaps/dao/a.map\t3\t2\t0\t0\t1\t1\t2\n"


def test_a_map_is_read_x_first(tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(MAP)
    walls = read_map(tmp_path / "a.map")
    assert walls.shape == (3, 2, 1)
    assert np.argwhere(walls).tolist() == [[1, 0, 0], [2, 1, 0]]
    (tmp_path / "a.map.scen").write_text(SCENE)
    (query,) = read_scenario(tmp_path / "a.map.scen")
    assert (query.start, query.goal, query.optimal) == ((0, 0, 0), (1, 1, 0), 2.0)
    assert query.reference == {"cost": 2.0}


def test_voxels(tmp_path: Path) -> None:
    (tmp_path / "v.3dmap").write_text("voxel 4 3 2\n1 2 0\n3 0 1\n")
    (tmp_path / "v.3dmap.3dscen").write_text("version 1\nv.3dmap\n0 0 0 3 2 1 4.146 1.0\n")
    (query,) = read_scenario(tmp_path / "v.3dmap.3dscen")
    assert query.grid.walls.shape == (4, 3, 2)
    assert query.grid.walls.sum() == 2
    assert query.goal == (3, 2, 1)
    other = read_scenario(tmp_path / "v.3dmap.3dscen")[0]
    assert other.content_key() == query.content_key()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("hello\n", "bad-map"),
        ("type octile\nheight 2\n", "bad-map"),
        ("type octile\nheight 3\nwidth 3\nmap\n...\n...\n", "bad-map"),
        ("type octile\nheight 1\nwidth 3\nmap\n..?\n", "bad-map"),
        ("type octile\nheight 1\nwidth 3\nmap\n.W.\n", "water"),
        ("voxel 2 2\n", "bad-map"),
        ("voxel 2 2 2\n0 0 2\n", "bad-map"),
        ("voxel 2 2 2\n0 0\n", "bad-map"),
        ("voxel 99999 99999 99999\n", "bad-map"),
    ],
)
def test_bad_maps(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(text)
    with pytest.raises(SuwenError) as refused:
        read_map(tmp_path / "a.map")
    assert refused.value.code == code
    assert refused.value.where


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0\ta.map\n", "bad-scenario"),
        ("version 1\n", "bad-scenario"),
        ("version 1\n0\tb.map\t3\t2\t0\t0\t1\t1\t2\n0\tother.map\t3\t2\t0\t0\t1\t1\t2\n", "bad-scenario"),
        ("version 1\n0\ta.map\t9\t2\t0\t0\t1\t1\t2\n", "bad-scenario"),
        ("version 1\n0\ta.map\t3\t2\t0\t0\t9\t1\t2\n", "bad-scenario"),
        ("version 1\n0\ta.map\t3\t2\t0\t0\tx\t1\t2\n", "bad-scenario"),
    ],
)
def test_bad_scenarios(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(MAP)
    (tmp_path / "a.map.scen").write_text(text)
    with pytest.raises(SuwenError) as refused:
        read_scenario(tmp_path / "a.map.scen")
    assert refused.value.code == code


def test_a_scenario_without_its_map(tmp_path: Path) -> None:
    (tmp_path / "c.map.scen").write_text(SCENE)
    with pytest.raises(SuwenError) as refused:
        read_scenario(tmp_path / "c.map.scen")
    assert refused.value.code == "no-map"


@pytest.mark.parametrize(
    ("file", "shape", "blocked", "queries"),
    [
        ("movingai3d/Simple.3dmap", (105, 132, 105), 512, 500),
        ("movingai3d/Complex.3dmap", (246, 154, 205), 46298, 500),
        ("movingai2d/dao/arena.map", (49, 49, 1), None, 160),
    ],
)
def test_the_real_files(
    file: str, shape: tuple[int, ...], blocked: int | None, queries: int, data_dir: Path
) -> None:
    path = data_dir / "surgery" / file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    walls = read_map(path)
    assert walls.shape == shape
    assert blocked is None or walls.sum() == blocked
    scene = path.with_name(path.name + (".3dscen" if "3d" in path.suffix else ".scen"))
    found = read_scenario(scene)
    assert len(found) == queries
    assert not any(walls[one.start] or walls[one.goal] for one in found)
