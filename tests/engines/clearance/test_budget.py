"""The margin holds what it says, against a million drawn errors, and a figure of the wrong kind is not taken."""

from __future__ import annotations

import json

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.clearance.budget import Contribution, ErrorBudget, navigation_budget
from suwen.engines.clearance.radial import chi3_quantile, radial_quantile

DRAWS = 400_000


def _drawn(budget: ErrorBudget, seed: int) -> np.ndarray:
    """Errors as they happen, source by source: normal or uniform in a voxel, a bound in the direction of the rest."""
    rng = np.random.default_rng(seed)
    total = np.zeros((DRAWS, 3))
    for one in budget.contributions:
        if one.stated == "voxel":
            total += rng.uniform(-0.5, 0.5, (DRAWS, 3)) * one.value_mm
        elif one.stated == "rms":
            total += rng.normal(0, one.value_mm[0] / np.sqrt(3), (DRAWS, 3))
        elif one.stated == "axis":
            total += rng.normal(0, one.value_mm, (DRAWS, 3))
    return np.linalg.norm(total, axis=1) + budget.bound_mm


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_that_of_the_chi_distribution(probability) -> None:
    from scipy.stats import chi

    assert chi3_quantile(probability) == pytest.approx(chi.ppf(probability, 3), rel=1e-7)
    assert radial_quantile([0.7, 0.7, 0.7], probability) == pytest.approx(0.7 * chi.ppf(probability, 3))
    # Two equal axes and none: a Rayleigh distribution. One axis: a normal one.
    assert radial_quantile([2, 2, 0], probability) == pytest.approx(2 * chi.ppf(probability, 2), rel=2e-4)
    assert radial_quantile([0, 3, 0], probability) == pytest.approx(3 * chi.ppf(probability, 1), rel=2e-4)
    assert radial_quantile([0, 0, 0], probability) == 0


@pytest.mark.parametrize("deviations", [(1, 0.5, 0.2), (0.3, 2.0, 0.31), (3, 2.9, 0.05)])
def test_unequal_axes_are_integrated(deviations) -> None:
    drawn = np.linalg.norm(np.random.default_rng(1).normal(0, deviations, (DRAWS, 3)), axis=1)
    for probability in (0.5, 0.95, 0.99):
        assert (drawn < radial_quantile(deviations, probability)).mean() == pytest.approx(
            probability, abs=3e-3
        )


@pytest.mark.parametrize("coverage", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(
    "given",
    [
        {"registration_tre_rms_mm": 1.0, "tracking_rms_mm": 0.25, "spacing_mm": [1, 1, 1]},
        {"registration_tre_rms_mm": 1.7, "tracking_rms_mm": 0.35, "spacing_mm": [0.5, 0.5, 2.0]},
        {
            "registration_tre_rms_mm": 0.8,
            "tracking_rms_mm": 0.25,
            "spacing_mm": [0.6, 0.6, 1.0],
            "instrument_bending_mm": 0.4,
            "robot_rms_mm": 0.6,
        },
    ],
)
def test_the_margin_is_within_three_percent_of_drawn_errors(given, coverage) -> None:
    budget = navigation_budget(**given, coverage=coverage)
    assert budget.margin_mm == pytest.approx(np.quantile(_drawn(budget, 7), coverage), rel=0.03)


def test_quantisation_alone_is_judged_too_carefully_and_not_too_little() -> None:
    for spacing in ((1.0,), (0.5, 0.5, 3.0)):
        for coverage in (0.9, 0.95, 0.99):
            alone = ErrorBudget(
                contributions=(Contribution(name="voxels", stated="voxel", value_mm=spacing),),
                coverage=coverage,
            )
            assert alone.margin_mm > np.quantile(_drawn(alone, 3), coverage)


def test_one_error_stated_in_three_ways_is_one_error() -> None:
    margins = {}
    for stated, value in (("axis", 0.6), ("rms", 0.6 * np.sqrt(3)), ("p95", 0.6 * 2.7954834831)):
        one = Contribution(name="registration", stated=stated, value_mm=(value,))
        margins[stated] = ErrorBudget(contributions=(one,)).margin_mm
    assert list(margins.values()) == pytest.approx([0.6 * 2.7954834831] * 3)


def test_the_table_says_what_each_error_costs() -> None:
    budget = navigation_budget(
        registration_tre_rms_mm=1.0, tracking_rms_mm=0.25, spacing_mm=[1, 1, 1], instrument_bending_mm=0.2
    )
    assert budget.margin_mm == pytest.approx(0.2 + 2.79548 * np.sqrt(1 / 3 + 0.0625 / 3 + 1 / 12), rel=1e-5)
    document = json.loads(json.dumps(budget.as_dict(), allow_nan=False))
    rows = {row["name"]: row for row in document["contributions"]}
    assert sum(row["share"] or 0 for row in rows.values()) == pytest.approx(1)
    assert rows["registration at the target"]["share"] == pytest.approx(0.762, abs=1e-3)
    assert rows["bending of the instrument"]["share"] is None
    assert rows["bending of the instrument"]["alone_mm"] == 0.2
    assert rows["tracking"]["deviation_mm"] == pytest.approx(0.25 / np.sqrt(3))


@pytest.mark.parametrize(
    ("stated", "value"),
    [("rms", (-1.0,)), ("rms", (np.nan,)), ("rms", (np.inf,)), ("rms", (1.0, 1.0, 1.0)), ("rms", ()), ("fre", (1.0,)),
     ("voxel", (1.0, 1.0))],
)  # fmt: skip
def test_what_is_no_error_is_refused(stated, value) -> None:
    with pytest.raises(BadInput) as refused:
        Contribution(name="registration", stated=stated, value_mm=value)
    assert refused.value.code == "error-unusable"


def test_a_budget_that_says_nothing_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        ErrorBudget(contributions=())
    assert refused.value.code == "budget-empty"
    for coverage in (0.0, 0.5, 1.0, 95.0, np.nan):
        with pytest.raises(BadInput) as refused:
            navigation_budget(
                registration_tre_rms_mm=1, tracking_rms_mm=1, spacing_mm=[1, 1, 1], coverage=coverage
            )
        assert refused.value.code == "coverage-unusable"
