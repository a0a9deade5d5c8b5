"""The risk map: the best of each entry, as points and as volumes."""

from __future__ import annotations

import numpy as np

from suwen.engines.trajectory.entries import outer_surface
from suwen.engines.trajectory.plan import plan_trajectories
from suwen.engines.trajectory.riskmap import risk_map, risk_volumes
from suwen.engines.trajectory.score import REASONS, Limits

SPACING = np.array([1.0, 1.25, 0.8])
GRID = np.stack(np.meshgrid(np.arange(61), np.arange(49), np.arange(76), indexing="ij"), -1) * SPACING
MIDDLE = np.array([30.0, 30.0, 30.4])


def test_each_entry_has_the_value_of_its_best_way() -> None:
    labels = (np.linalg.norm(GRID - MIDDLE, axis=-1) < 26).astype(np.int16)
    labels[44:48][labels[44:48] != 0] = 2
    targets = MIDDLE + np.array([[0, 0, 0], [-6, -6, -6], [4, 0, 0]])
    found = plan_trajectories(
        labels, spacing_mm=SPACING, targets=targets, critical={2: "wall"},
        limits=Limits(margin_mm=3, length_mm=30), radius_mm=0.5, about=200,
    )  # fmt: skip
    drawn = risk_map(found.entries, found.scored)
    count = len(found.entries)
    place = {int(candidate): rank for rank, candidate in enumerate(found.scored.order)}
    for entry in range(count):
        ways = [entry + target * count for target in range(3)]
        best = min(ways, key=place.__getitem__)
        assert drawn.candidate[entry] == best
        assert drawn.value[entry] == found.scored.score[best]
        assert drawn.feasible[entry] == found.scored.feasible[ways].any()
        assert drawn.reasons(entry) == found.scored.reasons(best)
    assert drawn.feasible.any()
    assert set().union(*(drawn.reasons(at) for at in range(count))) >= {"touches", "margin"}

    value, missed = risk_volumes(drawn, labels.shape, SPACING)
    assert np.isfinite(value).sum() == count
    np.testing.assert_array_equal(value[tuple(drawn.voxels.T)], drawn.value.astype(np.float32))
    np.testing.assert_array_equal(missed[tuple(drawn.voxels.T)] == 0, drawn.feasible)
    assert missed.max() < 2 ** len(REASONS)

    surface = outer_surface(labels != 0)
    value, _ = risk_volumes(drawn, labels.shape, SPACING, surface=surface)
    assert not np.isfinite(value[~surface]).any()
    assert np.isfinite(value[surface]).mean() > 0.99
    np.testing.assert_array_equal(value[tuple(drawn.voxels.T)], drawn.value.astype(np.float32))
