"""The certificate is exact, against every box looked at, and it refuses what it cannot know."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, TooLarge
from suwen.engines.clearance.checker import Checker, certify, certify_segment
from suwen.engines.clearance.path import sampled

NAMES = {5: "artery", 9: "nerve"}


def _wall() -> np.ndarray[Any, Any]:
    """A volume of 10 mm with a wall one voxel thick at i = 5: its boxes reach from 4.5 to 5.5 mm."""
    labels = np.zeros((11, 11, 11), np.uint8)
    labels[5] = 5
    return labels


@pytest.mark.parametrize("seed", range(48))
def test_every_distance_is_that_to_the_nearest_of_all_boxes(volume_of, brute_force, seed) -> None:
    labels, spacing = volume_of(seed)
    rng = np.random.default_rng(1000 + seed)
    path = rng.uniform(-3, np.array(labels.shape) * spacing + 3, (rng.integers(2, 5), 3))
    checker = Checker(labels, spacing, NAMES)
    found = checker.certify(path, margin_mm=0.5, radius_mm=0.3)
    walk, fine = sampled(path, 0.05), sampled(path, 0.005)
    every = np.stack([brute_force(walk.points_mm, labels, spacing, label) for label in NAMES])
    np.testing.assert_allclose(found.curve.clearance_mm, every.min(axis=0) - 0.3, atol=1e-9)
    assert found.clearance_mm == pytest.approx(every.min() - 0.3, abs=1e-9)
    for structure in found.structures:
        sampled_least = brute_force(walk.points_mm, labels, spacing, structure.label).min() - 0.3
        assert structure.clearance_mm == pytest.approx(sampled_least, abs=1e-9)
        # The continuous minimum: no finer sample is below it, and one is hardly above.
        finer = brute_force(fine.points_mm, labels, spacing, structure.label).min() - 0.3
        assert structure.clearance_lower_bound_mm <= finer <= structure.clearance_lower_bound_mm + 0.0026
        assert sampled_least - 0.025 - 2e-9 <= structure.clearance_lower_bound_mm <= sampled_least
        there = brute_force(np.array([structure.at_grid_mm]), labels, spacing, structure.label)[0] - 0.3
        assert there == pytest.approx(structure.clearance_lower_bound_mm, abs=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_needles_without_samples_are_measured_alike(volume_of, brute_force, seed) -> None:
    labels, spacing = volume_of(seed)
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-3, np.array(labels.shape) * spacing + 3, (2, 30, 3))
    checker = Checker(labels, spacing, NAMES)
    many = checker.segment_clearances_mm(*ends, radius_mm=0.4)
    for needle, clearances in enumerate(many):
        alone = certify_segment(*ends[:, needle], labels, spacing, critical=NAMES, margin_mm=0, radius_mm=0.4)
        expected = {one.label: one.clearance_lower_bound_mm for one in alone.structures}
        np.testing.assert_allclose(clearances, [expected[label] for label in checker.trees], atol=1e-8)
        fine = sampled(ends[:, needle], 0.01).points_mm
        for label, clearance in zip(checker.trees, clearances, strict=True):
            least = brute_force(fine, labels, spacing, label).min() - 0.4
            assert clearance - 1e-9 <= least <= clearance + 0.0051


def test_a_path_beside_a_wall_holds_at_its_distance_and_not_above() -> None:
    # The axis runs at i = 2, 2.5 mm from the wall; the needle has 0.5 mm.
    path, labels = [[2, 0, 5], [2, 10, 5]], _wall()
    checker = Checker(labels, [1, 1, 1], {5: "artery"})
    kept = checker.certify(path, margin_mm=2.0, radius_mm=0.5)
    assert kept.holds
    assert kept.reasons == kept.violations == ()
    assert kept.clearance_mm == pytest.approx(2.0)
    broken = checker.certify(path, margin_mm=2.001, radius_mm=0.5)
    assert not broken.holds
    assert broken.violation_mm == pytest.approx(10)
    assert "artery (5)" in broken.reasons[0]
    assert "2.001 mm" in broken.reasons[0]


def test_what_lies_between_two_samples_is_seen() -> None:
    # A single voxel whose corner points at the path, passed nearest half-way between two samples.
    labels = np.zeros((9, 9, 3), np.uint8)
    labels[4, 4, 1] = 5
    path = np.array([[2.0, 4.6, 1.0], [4.4, 7.0, 1.0]])
    found = certify(path, labels, [1, 1, 1], critical={5: "artery"}, margin_mm=0, radius_mm=0)
    truth = abs((3.5 - 2.0) - (4.5 - 4.6)) / np.sqrt(2)
    assert found.clearance_lower_bound_mm == pytest.approx(truth, abs=2e-9)
    assert found.clearance_mm > truth + 1e-6
    margin = 0.5 * (found.clearance_mm + truth)
    between = certify(path, labels, [1, 1, 1], critical={5: "artery"}, margin_mm=margin, radius_mm=0)
    assert not between.holds
    (place,) = between.violations
    assert place.from_mm == place.to_mm == pytest.approx(1.4 / np.sqrt(2))


def test_contact_is_a_violation_even_without_a_margin() -> None:
    labels = _wall()
    touching = [[4.5, 0, 5], [4.5, 10, 5]]
    found = certify(touching, labels, [1, 1, 1], critical={5: "artery"}, margin_mm=0, radius_mm=0)
    assert not found.holds
    assert "touches artery (5)" in found.reasons[0]
    assert found.violation_mm == pytest.approx(10)
    through = certify(
        [[0, 5, 5], [10, 5, 5]], labels, [1, 1, 1], critical={5: "artery"}, margin_mm=0, radius_mm=0
    )
    (stretch,) = through.violations
    assert (stretch.from_mm, stretch.to_mm) == pytest.approx((4.5, 5.5), abs=0.051)
    assert stretch.clearance_mm == 0


def test_each_structure_has_its_own_margin() -> None:
    labels = _wall()
    labels[0] = 9
    path = [[2.5, 0, 5], [2.5, 10, 5]]
    checker = Checker(labels, [1, 1, 1], NAMES)
    found = checker.certify(path, margin_mm={5: 3.0, 9: 1.0}, radius_mm=0)
    assert [one.label for one in found.structures if not one.holds] == [5]
    assert found.structures[0].label == 5
    assert found.structures[0].slack_mm == pytest.approx(-1)
    assert {one.label: one.clearance_mm for one in found.structures} == pytest.approx({5: 2.0, 9: 2.0})
    with pytest.raises(BadInput) as refused:
        checker.certify(path, margin_mm={5: 3.0}, radius_mm=0)
    assert refused.value.code == "margin-missing"


def test_spacing_is_taken_axis_by_axis() -> None:
    labels = np.zeros((5, 5, 5), np.uint8)
    labels[2, 2, 2] = 5
    spacing = [1.0, 2.0, 4.0]
    centre = np.array([2, 4, 8.0])
    for axis, half in enumerate((0.5, 1.0, 2.0)):
        away = np.eye(3)[axis] * (half + 0.75)
        side = np.eye(3)[(axis + 1) % 3] * 0.1
        found = certify([centre + away, centre + away + side], labels, spacing, critical={5: "a"}, margin_mm=0.7,
                        radius_mm=0)  # fmt: skip
        assert found.clearance_mm == pytest.approx(0.75)
        assert found.holds


def test_a_path_that_leaves_the_image_is_not_certified() -> None:
    labels = np.zeros((11, 11, 11), np.uint8)
    labels[0, 0, 0] = 5
    out = certify([[5, 5, 5], [5, 5, 13]], labels, [1, 1, 1], critical={5: "a"}, margin_mm=0, radius_mm=0)
    assert not out.holds
    assert out.outside_mm == pytest.approx(2.5, abs=0.05)
    assert "leaves the image" in out.reasons[0]
    edge = certify([[5, 5, 5], [5, 5, 10.5]], labels, [1, 1, 1], critical={5: "a"}, margin_mm=0, radius_mm=0)
    assert edge.holds


@pytest.mark.parametrize(
    "path",
    [
        [],
        [[1, 2, 3]],
        [[1, 2, 3], [1, 2, 3]],
        [[1, 2, 3], [1, 2, np.nan]],
        [[1, 2, 3], [1, np.inf, 3]],
        [[1, 2], [3, 4]],
        [1, 2, 3],
        [["a", "b", "c"], ["d", "e", "f"]],
        [[1, 2, 3], [1, 2]],
    ],
)
def test_what_is_no_path_is_refused(path) -> None:
    with pytest.raises(BadInput) as refused:
        certify(path, _wall(), [1, 1, 1], critical={5: "artery"}, margin_mm=1, radius_mm=0)
    assert refused.value.code == "path-unusable"


def test_metres_taken_for_millimetres_are_refused() -> None:
    with pytest.raises(TooLarge) as refused:
        certify([[0, 0, 0], [1e9, 0, 0]], _wall(), [1, 1, 1], critical={5: "a"}, margin_mm=1, radius_mm=0)
    assert refused.value.code == "path-too-long"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"labels": np.zeros((4, 4))}, "not-three-dimensional"),
        ({"labels": np.zeros((4, 4, 4, 1, 1), int)}, "not-three-dimensional"),
        ({"labels": np.zeros((0, 4, 4), int)}, "not-three-dimensional"),
        ({"labels": np.ones((4, 4, 4))}, "not-labels"),
        ({"labels": np.zeros((4, 4, 4), int)}, "critical-absent"),
        ({"spacing_mm": [1, 1, 0]}, "bad-spacing"),
        ({"spacing_mm": [1, np.nan, 1]}, "bad-spacing"),
        ({"spacing_mm": 1.0}, "bad-spacing"),
        ({"spacing_mm": None}, "bad-spacing"),
        ({"spacing_mm": "1mm"}, "bad-spacing"),
        ({"radius_mm": "thin"}, "length-unusable"),
        ({"critical": {}}, "critical-empty"),
        ({"critical": {5: "artery", 77: "nerve"}}, "critical-absent"),
        ({"margin_mm": -1.0}, "length-unusable"),
        ({"margin_mm": np.nan}, "length-unusable"),
        ({"margin_mm": {5: -0.1}}, "length-unusable"),
        ({"radius_mm": np.inf}, "length-unusable"),
        ({"step_mm": 0.2}, "length-unusable"),
        ({"step_mm": 0.0}, "length-unusable"),
    ],
)
def test_what_cannot_be_measured_is_refused(change, code) -> None:
    given = {
        "labels": _wall(),
        "spacing_mm": [1, 1, 1],
        "critical": {5: "artery"},
        "margin_mm": 1.0,
        "radius_mm": 0.0,
    }
    with pytest.raises(BadInput) as refused:
        certify([[0, 0, 0], [1, 1, 1]], **(given | change))
    assert refused.value.code == code


def test_an_absent_structure_is_named_where_it_is_allowed() -> None:
    checker = Checker(_wall(), [1, 1, 1], {5: "artery", 77: "nerve"}, allow_absent=True)
    assert checker.certify([[0, 0, 0], [1, 1, 1]], margin_mm=1, radius_mm=0).absent == (77,)


def test_the_certificate_is_a_document() -> None:
    found = certify([[2, 0, 5], [2, 10, 5], [0, 10, 5]], _wall(), [1, 1, 1], critical={5: "artery"}, margin_mm=1,
                    radius_mm=0.5)  # fmt: skip
    document = json.loads(json.dumps(found.as_dict(50), allow_nan=False))
    assert document["holds"] is True
    assert document["samples"] == found.samples == 241
    assert len(document["curve"]["arc_length_mm"]) <= 51
    assert document["curve"]["arc_length_mm"][-1] == document["length_mm"] == 12
    assert min(document["curve"]["clearance_mm"]) == found.clearance_mm
    assert document["structures"][0]["slack_mm"] == found.structures[0].slack_mm


def test_in_the_real_head_it_agrees_with_every_box(head, deep, brute_force) -> None:
    path = np.array([[60.0, 40, 128], [110, 120, 120], [125, 140, 118]])
    spacing = np.ones(3)
    found = Checker(head, spacing, deep).certify(path, margin_mm=1, radius_mm=0.5)
    some = sampled(path, 0.05).points_mm[::40]
    every = {label: brute_force(some, head, spacing, label) - 0.5 for label in deep}
    np.testing.assert_allclose(
        found.curve.clearance_mm[::40], np.min(list(every.values()), axis=0), atol=1e-9
    )
    for structure in found.structures:
        assert structure.clearance_lower_bound_mm <= every[structure.label].min()
        there = brute_force(np.array([structure.at_grid_mm]), head, spacing, structure.label)[0]
        assert structure.clearance_lower_bound_mm == pytest.approx(there - 0.5, abs=1e-8)


def test_two_measures_that_disagree_certify_nothing(monkeypatch) -> None:
    def too_near(self, vertices, limit):
        return limit - 0.1, 0, 0.5

    monkeypatch.setattr("suwen.engines.clearance.tree.BoxTree.to_polyline", too_near)
    found = certify(
        [[2, 0, 5], [2, 10, 5]], _wall(), [1, 1, 1], critical={5: "artery"}, margin_mm=1, radius_mm=0
    )
    assert not found.holds
    assert "The two measures of clearance from artery (5) disagree" in found.reasons
