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
        (f"voxel {'9' * 400} 2 2\n0 0 0\n", "bad-map"),
        ("voxel 2 2 2\n99999999999999999999 0 0\n", "bad-map"),
        ("voxel 2 2 2\n-1 0 0\n", "bad-map"),
        ("voxel 2 2 2\n0.5 0 0\n", "bad-map"),
        ("voxel 2 2 0\n", "bad-map"),
        ("type octile\nheight 0\nwidth 3\nmap\n", "bad-map"),
        ("type octile\nheight -1\nwidth 3\nmap\n...\n", "bad-map"),
        ("type octile\nheight two\nwidth 3\nmap\n...\n", "bad-map"),
        ("type octile\nheight 1\nwidth 3\nmap\n.\u00e9.\n", "bad-map"),
    ],
)
def test_bad_maps(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(text, encoding="utf-8")
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
        ("version 1\n0\ta.map\t3\t2\t-1\t0\t1\t1\t2\n", "bad-scenario"),
        ("version 1\n0\ta.map\t3\t2\t0\t0\t1\t1\n", "bad-scenario"),
        ("version 1\n0\ta.map\t3\t2\t0\t0\t1\t1\ttwo\n", "bad-scenario"),
        ("version 1\na.map\n0 0 0 1 1\n", "bad-scenario"),
        ("version 1\na.map\n", "bad-scenario"),
        ("version 1\n0\t\u00e9.map\t3\t2\t0\t0\t1\t1\t2\n", "bad-scenario"),
    ],
)
def test_bad_scenarios(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(MAP)
    (tmp_path / "a.map.scen").write_text(text, encoding="utf-8")
    with pytest.raises(SuwenError) as refused:
        read_scenario(tmp_path / "a.map.scen")
    assert refused.value.code == code


def test_a_scenario_without_its_map(tmp_path: Path) -> None:
    for named in ("maps/dao/a.map", "..", "/", f"{'a' * 400}.map", "maps\\dao\\a.map"):
        (tmp_path / "c.map.scen").write_text(SCENE.replace("maps/dao/a.map", named))
        with pytest.raises(SuwenError) as refused:
            read_scenario(tmp_path / "c.map.scen")
        assert refused.value.code == "no-map"
        assert refused.value.where


def test_the_map_may_be_named_in_a_folder_or_by_the_scenario_alone(tmp_path: Path) -> None:
    (tmp_path / "x.map").write_text(MAP.replace("\n", "\r\n"))
    for named in ("maps/dao/x.map", "maps\\dao\\x.map", "elsewhere.map"):
        (tmp_path / "x.map.scen").write_text(SCENE.replace("maps/dao/a.map", named))
        (query,) = read_scenario(tmp_path / "x.map.scen")
        assert query.grid.name == "x.map"
        assert query.grid.walls.sum() == 2
    (tmp_path / "x.map.scen").write_text(SCENE.replace("\t2\n", "\t-1\n"))
    assert read_scenario(tmp_path / "x.map.scen")[0].reference == {}


@pytest.mark.parametrize(
    ("file", "shape", "blocked", "queries"),
    [
        ("movingai3d/Simple.3dmap", (105, 132, 105), 512, 500),
        ("movingai3d/Complex.3dmap", (246, 154, 205), 46298, 500),
        ("movingai3d/BC1.3dmap", (853, 245, 321), 222663, 500),
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


def test_every_terrain_has_its_queries(data_dir: Path) -> None:
    scenes = sorted((data_dir / "surgery" / "movingai2d" / "dao").glob("*.scen"))
    if not scenes:
        pytest.skip("no terrain is there")
    counts = {scene.name: len(read_scenario(scene)) for scene in scenes}
    assert len(counts) == 8
    assert sum(counts.values()) == 2260
    assert {count for name, count in counts.items() if name != "arena.map.scen"} == {300}
