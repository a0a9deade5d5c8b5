"""Surfaces of masks: closed, the right way round, as large as the mask, within their tolerance and their budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, Unreadable
from suwen.engines.surfaces.build import LEAST, shares, surface, surfaces
from suwen.engines.surfaces.envelope import envelope
from suwen.engines.surfaces.mesh import Mesh, normals_of
from suwen.engines.surfaces.nets import ROUNDS, net
from suwen.engines.surfaces.packed import packed, unpacked
from suwen.engines.surfaces.simplify import simplified

RADIUS = 14.3


def _ball(spacing: tuple[float, float, float], radius: float = RADIUS) -> Any:
    sides = [2 * int(np.ceil(radius / step)) + 5 for step in spacing]
    at = np.indices(sides).transpose(1, 2, 3, 0) - (np.array(sides) - 1) / 2
    return ((at * spacing) ** 2).sum(-1) <= radius**2


def _to_mask_mm(mesh: Mesh, mask: Any, spacing: Any) -> Any:
    """Distance of each point of the mesh from the surface of the mask, largest share of a voxel along an axis."""
    padded = np.pad(mask, 2)
    index = mesh.points_mm / spacing + 2
    # A point is within half a voxel, along each axis, of a corner that voxels of both kinds share.
    corner = np.rint(index - 0.5).astype(int)
    found = np.full(len(index), np.inf)
    for move in np.ndindex(3, 3, 3):
        at = corner + np.array(move) - 1
        cube = [padded[tuple((at + np.array(one)).T)] for one in np.ndindex(2, 2, 2)]
        mixed = np.any(cube, axis=0) & ~np.all(cube, axis=0)
        off = np.abs(index - (at + 0.5)).max(axis=1)
        found = np.where(mixed, np.minimum(found, off), found)
    return found


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.8, 2.0)])
def test_a_ball_is_closed_round_and_as_large_as_it_was(spacing: tuple[float, float, float]) -> None:
    mask = _ball(spacing)
    mesh = net(mask, spacing)
    assert mesh.open_edges() == 0
    assert mesh.volume_mm3 == pytest.approx(mask.sum() * np.prod(spacing), rel=0.02)
    assert mesh.area_mm2 == pytest.approx(4 * np.pi * RADIUS**2, rel=0.05)
    out = mesh.points_mm - (np.array(mask.shape) - 1) / 2 * spacing
    outward = (mesh.normals * out).sum(axis=1) / np.linalg.norm(out, axis=1)
    assert outward.min() > 0.5
    assert outward.mean() > 0.97
    assert np.abs(np.linalg.norm(out, axis=1) - RADIUS).max() <= 0.5 * np.linalg.norm(spacing)


@pytest.mark.parametrize("rounds", [0, 1, 40])
def test_no_point_is_farther_than_half_a_voxel_from_the_surface_of_the_mask(rounds: int) -> None:
    rng = np.random.default_rng(3)
    mask = np.zeros((24, 20, 22), bool)
    for _ in range(30):
        low = rng.integers(0, 18, 3)
        mask[tuple(slice(a, a + b) for a, b in zip(low, rng.integers(1, 6, 3), strict=True))] = True
    mesh = net(mask, (0.7, 1.0, 1.6), rounds=rounds)
    assert _to_mask_mm(mesh, mask, (0.7, 1.0, 1.6)).max() <= 0.5 + 1e-9
    assert mesh.open_edges() == 0


def test_smoothing_takes_the_stairs_away() -> None:
    mask = _ball((1.0, 1.0, 1.0))

    def tilt(rounds: int) -> float:
        """Mean angle, degrees, between a point's normal and the ball's own."""
        mesh = net(mask, (1, 1, 1), rounds=rounds)
        out = mesh.points_mm - (np.array(mask.shape) - 1) / 2
        along = (mesh.normals * out).sum(axis=1) / np.linalg.norm(out, axis=1)
        return float(np.degrees(np.arccos(np.clip(along, -1, 1))).mean())

    assert tilt(ROUNDS) < 0.55 * tilt(0)
    assert tilt(ROUNDS) < 4.5


def test_one_voxel_a_whole_block_and_nothing() -> None:
    one = np.zeros((3, 3, 3), bool)
    one[1, 1, 1] = True
    mesh = net(one, (1, 1, 1), rounds=0)
    assert (len(mesh.points_mm), len(mesh.triangles), mesh.open_edges()) == (8, 12, 0)
    assert 0 < mesh.volume_mm3 <= 1
    full = net(
        np.ones((4, 5, 6), bool), (1, 1, 1), rounds=0
    )  # reaches the edge of the volume and is closed there
    assert full.open_edges() == 0
    assert full.volume_mm3 == pytest.approx(4 * 5 * 6, rel=0.12)
    assert len(net(np.zeros((3, 3, 3)), (1, 1, 1)).triangles) == 0


def test_a_surface_lies_where_its_labels_are() -> None:
    labels = np.zeros((20, 30, 40), np.uint16)
    labels[5:9, 20:24, 30:36] = 7
    labels[12:14, 3:5, 3:6] = 9
    mesh = surface(labels, [7], (1.0, 2.0, 0.5))
    middle = (mesh.points_mm.min(axis=0) + mesh.points_mm.max(axis=0)) / 2
    assert middle == pytest.approx([6.5, 43.0, 16.25], abs=0.01)
    both = surfaces(labels, {"a": [7], "both": [7, 9], "none": [8]}, (1.0, 2.0, 0.5))
    assert list(both) == ["a", "both", "none"]
    assert both["both"].volume_mm3 > both["a"].volume_mm3 > 0
    assert len(both["none"].triangles) == 0


def test_simplified_keeps_the_budget_and_the_shape() -> None:
    mask = _ball((1.0, 1.0, 1.0), 28.4)
    full = net(mask, (1, 1, 1))
    few = simplified(full, 1_500)
    assert 1_000 <= len(few.triangles) <= 1_500 < len(full.triangles)
    assert few.volume_mm3 == pytest.approx(full.volume_mm3, rel=0.02)
    off = np.linalg.norm(few.points_mm - (np.array(mask.shape) - 1) / 2, axis=1)
    assert np.abs(off - 28.4).max() < 0.7  # far better than the bound it states
    assert few.within_mm > full.within_mm
    outward = few.normals * (few.points_mm - (np.array(mask.shape) - 1) / 2)
    assert (outward.sum(axis=1) / off).min() > 0.95
    assert simplified(full, len(full.triangles)) is full
    with pytest.raises(BadInput) as caught:
        simplified(full, 3)
    assert caught.value.code == "bad-size"


def test_a_sheet_that_falls_together_leaves_no_doubled_triangles() -> None:
    sheet = np.zeros((60, 60, 3), bool)
    sheet[5:55, 5:55, 1] = True
    few = simplified(net(sheet, (1, 1, 1)), 300)
    ordered = np.sort(few.triangles, axis=1)
    assert len(np.unique(ordered, axis=0)) == len(ordered)
    assert (ordered[:, 0] < ordered[:, 1]).all()
    assert (ordered[:, 1] < ordered[:, 2]).all()


def test_shares_take_from_the_large_ones() -> None:
    assert shares({"a": 100, "b": 900}, 2_000) == {"a": 100, "b": 900}
    cut = shares({"a": 1_000, "b": 6_000, "c": 9_000}, 9_000)
    assert cut == {"a": 1_000, "b": 4_000, "c": 4_000}
    assert min(shares(dict.fromkeys(range(100), 5_000), 1_000).values()) == LEAST


def test_moved_turns_a_mirrored_surface_outside_out() -> None:
    mesh = net(_ball((1.0, 1.0, 1.0), 6.0), (1, 1, 1))
    mirror = np.diag([-1.0, 1.0, 1.0])
    there = mesh.moved(mirror, (5.0, 0.0, 0.0))
    assert there.volume_mm3 == pytest.approx(mesh.volume_mm3)
    assert np.allclose(normals_of(there.points_mm, there.triangles), there.normals, atol=1e-9)


def test_packed_returns_within_half_a_step() -> None:
    mesh = net(_ball((1.0, 0.7, 1.2)), (1.0, 0.7, 1.2))
    small = packed(mesh)
    assert (small.points.dtype, small.triangles.dtype, small.normals.dtype) == (np.int16, np.uint16, np.int8)
    again = unpacked(small.document())
    assert np.abs(again.points_mm - mesh.points_mm).max() <= 0.5 * small.step_mm + 1e-6
    assert small.step_mm < 0.001
    assert (again.triangles == mesh.triangles).all()
    assert (again.normals * mesh.normals).sum(axis=1).min() > np.cos(np.radians(1.5))
    assert len(small.document()["data"]) < 14 * len(mesh.points_mm) * 2
    broken = small.document() | {"triangles": 3}
    with pytest.raises(Unreadable) as caught:
        unpacked(broken)
    assert caught.value.code == "not-a-mesh"


def test_an_envelope_closes_gaps_and_loses_nothing() -> None:
    mask = np.zeros((60, 50, 40), bool)
    mask[5:55, 5:45, 5:35] = True
    mask[28:32, 5:45, 15:] = False  # a fissure 4 mm wide
    closed, spacing, first = envelope(mask, (1.0, 1.0, 1.0), reach_mm=4.0)
    assert (spacing == 2).all()
    coarse = mask[::2, ::2, ::2]
    inner = tuple(slice(int(-a), int(-a) + n) for a, n in zip(first, coarse.shape, strict=True))
    assert closed[inner][coarse].all()
    assert closed[inner][14, 12, 10]
    assert not closed[inner][0].any()
    mesh = net(closed, spacing, first=first)
    assert mesh.volume_mm3 == pytest.approx(50 * 40 * 30, rel=0.12)
    with pytest.raises(BadInput):
        envelope(mask, (1, 1, 1), reach_mm=0.0)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: net(np.zeros((3, 3)), (1, 1, 1)), "not-three-dimensional"),
        (lambda: net(np.ones((3, 3, 3)), (1, 0, 1)), "bad-spacing"),
        (lambda: net(np.ones((3, 3, 3)), (1, np.nan, 1)), "bad-spacing"),
        (lambda: surfaces(np.ones((3, 3, 3)), {1: [1]}, (1, 1, 1)), "not-labels"),
        (lambda: surfaces(np.ones((3, 3), np.uint8), {1: [1]}, (1, 1, 1)), "not-three-dimensional"),
    ],
)
def test_what_is_no_mask_is_refused(call: Any, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    assert caught.value.code == code


def test_a_real_head_fits_the_budget(data_dir: Path) -> None:
    from suwen.formats.volume.read import read_volume

    head = read_volume(data_dir / "surgery" / "anatomy" / "spl_head" / "hncma-atlas.nrrd", kind="labels")
    wanted = {label: [label] for label in (4, 5, 15, 24, 35, 43, 44, 77, 78, 85, 215, 216)}
    found = surfaces(head.array, wanted, head.spacing_mm, total=20_000)
    assert sum(len(mesh.triangles) for mesh in found.values()) <= 20_000
    for label, mesh in found.items():
        size = float(head.present()[label] * head.spacing_mm.prod())
        assert mesh.volume_mm3 == pytest.approx(size, rel=0.2), label
    text = sum(len(packed(mesh).document()["data"]) for mesh in found.values())
    assert text < 400_000
