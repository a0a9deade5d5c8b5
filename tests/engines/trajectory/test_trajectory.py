"""Straight trajectories: entries on the surface, exact measures, a ranking that can be written down, no conflicts."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.clearance.checker import Checker
from suwen.engines.trajectory.electrodes import choose_together, segment_distance
from suwen.engines.trajectory.entries import bone_normals, entries_on, inward_normals
from suwen.engines.trajectory.score import Limits, Weights, mean_risk, score

SPACING = np.array([1.0, 1.5, 0.8])
MIDDLE = np.array([30.0, 30.0, 30.0])
GRID = np.stack(np.meshgrid(np.arange(61), np.arange(41), np.arange(76), indexing="ij"), -1) * SPACING
BESIDE = np.array([30.0, 33.0, 30.0])
OFF = np.linalg.norm(GRID - MIDDLE, axis=-1)
BODY = OFF < 26
SURFACE = BODY & ~(OFF < 24.5)


def test_entries_lie_evenly_on_the_surface() -> None:
    found = entries_on(SURFACE, BODY, SPACING, about=200, near_mm=MIDDLE, within_mm=40)
    assert 200 <= len(found) <= 400
    assert SURFACE[tuple(found.voxels.T)].all()
    nearest = np.linalg.norm(found.points_mm[:, None] - found.points_mm[None], axis=-1)
    np.fill_diagonal(nearest, np.inf)
    assert np.percentile(nearest.min(1), 95) < 8
    inward = (MIDDLE - found.points_mm) / np.linalg.norm(MIDDLE - found.points_mm, axis=1, keepdims=True)
    off = np.degrees(np.arccos(np.clip((found.inward * inward).sum(1), -1, 1)))
    assert np.percentile(off, 95) < 6
    again = entries_on(SURFACE, BODY, SPACING, about=200, near_mm=MIDDLE, within_mm=40)
    assert np.array_equal(again.voxels, found.voxels)
    for few in (1, 5, 20):
        some = entries_on(SURFACE, BODY, SPACING, about=few, near_mm=MIDDLE, within_mm=40)
        assert few <= len(some) <= 2 * few, "few are no more than were asked for, also of a large head"
    side = entries_on(SURFACE, BODY, SPACING, about=50, near_mm=(56, 30, 30), within_mm=12)
    assert (np.linalg.norm(side.points_mm - (56, 30, 30), axis=1) <= 12).all()
    with pytest.raises(BadInput) as refused:
        entries_on(SURFACE, BODY, SPACING, about=50, near_mm=MIDDLE, within_mm=3)
    assert refused.value.code == "no-entry"


def test_the_bones_normal_is_that_of_its_outer_surface() -> None:
    bone = (OFF < 22) & (OFF > 19)
    entries = MIDDLE + 26 * np.array([[1, 0, 0], [0, 1, 0], [0.6, 0, 0.8]])
    met, normals = bone_normals(bone, entries, BESIDE, SPACING)
    assert met.all()
    way = BESIDE - entries
    hit = (
        entries
        + way * ((np.linalg.norm(entries - MIDDLE, axis=1) - 21.5) / np.linalg.norm(way, axis=1))[:, None]
    )
    wanted = (MIDDLE - hit) / np.linalg.norm(MIDDLE - hit, axis=1, keepdims=True)
    assert np.degrees(np.arccos(np.clip((normals * wanted).sum(1), -1, 1))).max() < 8
    met, normals = bone_normals(np.zeros_like(bone), entries, MIDDLE, SPACING)
    assert not met.any()
    assert np.isnan(normals).all()
    assert np.isnan(inward_normals(np.ones_like(bone), np.array([[30, 20, 40]]), SPACING)).all()


def test_the_ranking_is_the_one_that_is_written_down() -> None:
    rng = np.random.default_rng(0)
    n, target = 300, MIDDLE
    entries = MIDDLE + rng.normal(size=(n, 3)) * 30
    clearance = rng.uniform(-1, 9, (n, 4))
    normals = rng.normal(size=(n, 3)) - 0.8 * (entries - MIDDLE) / 10
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    risk = np.where(rng.random(n) < 0.1, np.inf, rng.random(n))
    limits, weights = Limits(margin_mm=1.5, angle_deg=40, length_mm=60), Weights()
    got = score(
        entries, target, clearance_mm=clearance, normals=normals, risk=risk, limits=limits, weights=weights
    )

    def one(at: int) -> Any:
        way = target - entries[at]
        length = float(np.linalg.norm(way))
        angle = float(np.degrees(np.arccos(way @ normals[at] / length)))
        least = float(clearance[at].min())
        slack = least - 1.5
        missed = [not np.isfinite(risk[at]), least <= 0, slack < 0, angle > 40, length > 60]
        value = np.exp(-max(slack, 0) / 3) + 0.5 * angle / 40 + 0.5 * length / 60
        value += 0.5 * (risk[at] if np.isfinite(risk[at]) else 1)
        return sum(missed), round(max(-slack, 0), 9), round(value, 9), at

    assert got.order.tolist() == [key[-1] for key in sorted(one(at) for at in range(n))]
    assert got.feasible.sum() > 5
    assert all(not got.reasons(at) for at in np.flatnonzero(got.feasible))
    assert all(got.reasons(at) for at in np.flatnonzero(~got.feasible))
    first = got.order[: got.feasible.sum()]
    assert got.feasible[first].all(), "the feasible come first"
    for bad in ({"margin_mm": -1}, {"margin_mm": 1, "angle_deg": float("nan")}):
        with pytest.raises(BadInput) as refused:
            Limits(**bad)
        assert refused.value.code == "bad-limits"


def test_clearance_is_that_of_every_box() -> None:
    rng = np.random.default_rng(2)
    labels = (rng.random((9, 8, 7)) < 0.04).astype(np.int16) * rng.integers(1, 3, (9, 8, 7)).astype(np.int16)
    labels[0, 0, 0], labels[8, 7, 6] = 1, 2
    entries, ends = rng.uniform(0, 6, (40, 3)), rng.uniform(0, 6, (40, 3))
    got = Checker(labels, SPACING, {1: "a", 2: "b"}).segment_clearances_mm(entries, ends, radius_mm=0.3)
    share = np.linspace(0, 1, 3001)[:, None]
    for row, (a, b) in enumerate(zip(entries, ends, strict=True)):
        points = a + share * (b - a)
        for column, label in enumerate((1, 2)):
            boxes = np.argwhere(labels == label) * SPACING
            gap = np.maximum(np.abs(points[:, None] - boxes[None]) - SPACING / 2, 0)
            assert got[row, column] + 0.3 == pytest.approx(np.linalg.norm(gap, axis=-1).min(), abs=2e-3)


def test_the_mean_risk_is_exact_and_air_is_none() -> None:
    rng = np.random.default_rng(5)
    risk = rng.random((20, 20, 20)).astype(np.float32)
    closed = np.zeros(risk.shape, bool)
    entries, end = rng.uniform(1, 12, (8, 3)), np.array([9.0, 14.0, 8.0])
    got = mean_risk(entries, end, closed, risk, SPACING)
    share = ((np.arange(100_000) + 0.5) / 100_000)[:, None]
    for at, entry in enumerate(entries):
        place = np.floor((entry + share * (end - entry)) / SPACING + 0.5).astype(int)
        assert got[at] == pytest.approx(risk[tuple(place.T)].mean(), abs=1e-4)
    closed[tuple(np.floor((entries[0] + end) / 2 / SPACING + 0.5).astype(int))] = True
    assert np.isinf(mean_risk(entries[:1], end, closed, risk, SPACING)[0])


def test_the_distance_of_two_segments() -> None:
    rng = np.random.default_rng(6)
    ends = rng.normal(size=(4, 60, 3))
    ends[3, :5] = ends[2, :5] + (ends[1, :5] - ends[0, :5])  # parallel
    got = segment_distance(*ends)
    s = np.linspace(0, 1, 301)
    for at in range(60):
        a, b, c, d = ends[:, at]
        p, q = a + s[:, None] * (b - a), c + s[:, None] * (d - c)
        assert got[at] == pytest.approx(np.linalg.norm(p[:, None] - q[None], axis=-1).min(), abs=2e-2)
        assert got[at] <= np.linalg.norm(p[:, None] - q[None], axis=-1).min() + 1e-9


@pytest.mark.parametrize("seed", range(8))
def test_electrodes_are_chosen_as_by_trying_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = (5, 6, 4)
    entries = [rng.uniform(0, 30, (n, 3)) for n in counts]
    targets = [np.broadcast_to(rng.uniform(10, 20, 3), (n, 3)) for n in counts]
    scores = [np.sort(rng.random(n)) for n in counts]
    got = choose_together(entries, targets, scores, separation_mm=6.0)
    best, chosen = np.inf, ()
    for pick in product(*[range(n) for n in counts]):
        apart = all(
            segment_distance(entries[i][pick[i]], targets[i][0], entries[j][pick[j]], targets[j][0]) >= 6.0
            for i in range(3) for j in range(i + 1, 3)
        )  # fmt: skip
        total = sum(float(scores[i][pick[i]]) for i in range(3))
        if apart and total < best - 1e-12:
            best, chosen = total, pick
    assert got.proven
    assert got.chosen == chosen
    assert (got.total == pytest.approx(best)) if chosen else np.isinf(got.total)
    assert got.alone == pytest.approx(sum(float(one[0]) for one in scores))
    assert all(0 <= i < j <= 2 for i, j in got.conflicts)


def test_electrodes_that_cannot_be_chosen() -> None:
    one = [np.zeros((1, 3))]
    for given, separation, code in (
        ([np.zeros(1)], -1.0, "bad-limits"),
        ([np.zeros(1)], np.nan, "bad-limits"),
        ([np.zeros(0)], 1.0, "no-candidates"),
        ([], 1.0, "no-candidates"),
        ([np.array([np.nan])], 1.0, "no-candidates"),
        ([np.zeros(2)], 1.0, "bad-point"),
        ([np.zeros(1), np.zeros(1)], 1.0, "bad-point"),
    ):
        with pytest.raises(BadInput) as refused:
            choose_together(one, one, given, separation_mm=separation)
        assert refused.value.code == code
