"""Planted outliers are found, right fiducials are left in peace, and nothing is removed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.registration.outliers import OutlierReport, find_outliers
from suwen.engines.registration.points import register_points
from suwen.engines.registration.rigid import turn

FLE = 0.3


def trials(
    n: int, size_mm: float, planted: int, number: int, *, known: bool
) -> list[tuple[OutlierReport, set[str]]]:
    """Reports on fresh configurations, and which fiducials were moved in each."""
    rng, done = np.random.default_rng(n + planted), []
    for _ in range(number):
        fixed = rng.uniform(-80, 80, (n, 3))
        moving = (fixed + rng.normal(size=(n, 3)) * FLE / np.sqrt(3)) @ turn(rng.normal(size=3)) + 50
        which = rng.choice(n, planted, replace=False)
        away = rng.normal(size=(planted, 3))
        moving[which] += away / np.linalg.norm(away, axis=1, keepdims=True) * size_mm
        report = find_outliers(fixed, moving, fle_mm=FLE if known else None)
        done.append((report, {str(at + 1) for at in which}))
    return done


@pytest.mark.parametrize("size_mm", [3.0, 5.0])
@pytest.mark.parametrize("known", [True, False])
def test_a_planted_outlier_among_six_is_found(size_mm: float, known: bool) -> None:
    found = [set(report.suspects) == which for report, which in trials(6, size_mm, 1, 250, known=known)]
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("n", [4, 6])
def test_right_fiducials_seldom_raise_an_alarm(n: int, known: bool) -> None:
    alarms = [report.alarm for report, _ in trials(n, 0.0, 0, 500, known=known)]
    assert np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 500)


def test_two_outliers_do_not_hide_each_other() -> None:
    found = [set(report.suspects) == which for report, which in trials(7, 4.0, 2, 150, known=True)]
    assert np.mean(found) >= 0.95


def test_of_four_fiducials_the_outlier_shows_and_doubt_is_said() -> None:
    done = trials(4, 3.0, 1, 200, known=True)
    assert np.mean([report.alarm for report, _ in done]) >= 0.95
    wrong = [report for report, which in done if set(report.suspects) != which]
    assert np.mean([bool(report.alternatives) for report in wrong]) >= 0.5 if wrong else True
    assert "alternatives" in done[0][0].can_tell


def test_the_report_says_what_a_surgeon_needs() -> None:
    rng = np.random.default_rng(5)
    fixed = rng.uniform(-80, 80, (6, 3))
    moving = fixed + rng.normal(size=(6, 3)) * FLE / np.sqrt(3)
    moving[3] += [4, 0, 0]
    names = ["nasion", "left", "right", "inion", "vertex", "chin"]
    report = find_outliers(fixed, moving, names=names, fle_mm=FLE)
    before, after = (register_points(fixed, moving, names=names, exclude=gone) for gone in ((), ("inion",)))
    assert report.suspects == ("inion",)
    assert report.alarm
    assert report.resolved
    assert report.fre_before_mm == pytest.approx(before.fre_mm)
    assert report.fre_after_mm == pytest.approx(after.fre_mm)
    row = report.fiducials[3]
    assert row.residual_mm == pytest.approx(before.residuals_mm[3])
    assert row.left_out_mm is not None
    assert row.left_out_mm == pytest.approx(np.linalg.norm(fixed[3] - after.apply(moving[3])))
    assert row.left_out_mm > 3 > row.residual_mm
    assert row.fre_without_mm == pytest.approx(after.fre_mm)
    assert json.loads(json.dumps(report.as_dict()))["suspects"] == ["inion"]


def test_three_fiducials_can_only_disagree() -> None:
    fixed = np.array([[0, 0, 0], [80, 0, 0], [0, 90, 0]], float)
    moving = fixed + np.array([[0, 0, 0], [6, 0, 0], [0, 0, 0]])
    report = find_outliers(fixed, moving, fle_mm=FLE)
    assert report.alarm
    assert report.suspects == ()
    assert not report.resolved
    unknown = find_outliers(fixed, moving)
    assert not unknown.alarm
    assert unknown.p_value is None
    assert "nothing can be tested" in unknown.can_tell


def test_what_a_line_of_others_cannot_say_is_not_said() -> None:
    fixed = np.array([[0, 0, 0], [50, 0, 0], [110, 0, 0], [30, 80, 0]], float)
    report = find_outliers(fixed, fixed + np.random.default_rng(0).normal(size=(4, 3)) * 0.1, fle_mm=FLE)
    assert report.fiducials[3].left_out_mm is None
    assert all(one.left_out_mm is not None and one.left_out_mm < 2 for one in report.fiducials[:3])
    with pytest.raises(BadInput) as refused:
        find_outliers(fixed[:3], fixed[:3])
    assert refused.value.code == "collinear-fiducials"


def test_more_outliers_than_can_be_told_are_not_explained_away() -> None:
    rng = np.random.default_rng(8)
    fixed = rng.uniform(-80, 80, (5, 3))
    moving = fixed + rng.normal(size=(5, 3)) * 6
    report = find_outliers(fixed, moving, fle_mm=FLE)
    assert report.alarm
    assert not report.resolved


def test_exact_fiducials_agree() -> None:
    fixed = np.random.default_rng(9).uniform(-80, 80, (6, 3))
    for fle in (None, FLE):
        assert not find_outliers(fixed, fixed @ turn([1, 2, 3]), fle_mm=fle).alarm


def test_bad_questions_are_refused() -> None:
    fixed = np.random.default_rng(9).uniform(-80, 80, (6, 3))
    for settings, expected in (({"false_alarm": 0.9}, "bad-level"), ({"fle_mm": 0.0}, "bad-fle")):
        with pytest.raises(BadInput) as refused:
            find_outliers(fixed, fixed, **settings)
        assert refused.value.code == expected
    with pytest.raises(BadInput) as refused:
        find_outliers(fixed[:2], fixed[:2])
    assert refused.value.code == "too-few-fiducials"
