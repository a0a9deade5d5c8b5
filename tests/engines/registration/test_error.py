"""Predicted errors, held against repeated registration with fresh localisation errors."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.registration.configuration import contradicts
from suwen.engines.registration.contribution import registration_contribution
from suwen.engines.registration.error import expected_tre, predict_tre
from suwen.engines.registration.fit import fit
from suwen.engines.registration.localisation import combined_fle, estimate_fle, fle_from_fre
from suwen.engines.registration.points import register_points
from suwen.engines.registration.radius import error_radius
from suwen.engines.registration.rigid import Floats, turn

TRIALS = 6000
TARGET = np.array([[10.0, -12.0, 25.0]])


def layout(n: int, seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(-80, 80, (n, 3))


def repeated(
    fixed: Floats, roots: Floats, *, weights: Floats | None = None, seed: int = 0, trials: int = TRIALS
) -> tuple[Floats, Floats]:
    """Errors (trials, 3) at the target and the FREs (trials,), by our own fit of freshly localised fiducials."""
    rng = np.random.default_rng(seed)
    weight = np.ones(len(fixed)) if weights is None else weights
    errors, fres = np.empty((trials, 3)), np.empty(trials)
    for trial in range(trials):
        noise = np.einsum("nij,nj->ni", roots, rng.normal(size=fixed.shape))
        found = fit(fixed + noise, fixed, weight)
        errors[trial] = TARGET[0] @ found.rotation.T + found.translation_mm - TARGET[0]
        fres[trial] = np.sqrt(found.sse_mm2 / weight.sum())
    return errors, fres


@pytest.mark.parametrize(("n", "seed"), [(4, 1), (5, 2), (6, 3), (8, 4), (12, 5)])
def test_prediction_within_3_percent_of_monte_carlo(n: int, seed: int) -> None:
    fixed, fle = layout(n, seed), 0.3
    errors, fres = repeated(fixed, np.tile(np.eye(3) * fle / np.sqrt(3), (n, 1, 1)), seed=seed)
    found = predict_tre(register_points(fixed, fixed), TARGET, fle=fle)
    size = np.linalg.norm(errors, axis=1)
    assert found.rms_mm[0] == pytest.approx(np.sqrt((size**2).mean()), rel=0.03)
    assert found.radius_mm[0] == pytest.approx(np.quantile(size, 0.95), rel=0.03)
    assert np.abs(found.covariance_mm2[0] - np.cov(errors.T)).max() < 0.05 * np.trace(found.covariance_mm2[0])
    assert fle_from_fre(float(np.sqrt((fres**2).mean())), n) == pytest.approx(fle, rel=0.03)
    # What the literature says and users do not believe: a good FRE is no good TRE.
    assert abs(np.corrcoef(fres, size)[0, 1]) < 0.05


def test_at_the_border_of_what_is_refused_it_still_holds() -> None:
    """Fiducials nearly on a line: the rotation about it is known to 5.6 degrees, and 5.7 are refused."""
    fixed = np.array([[0, 2, 0], [50, -1.4, 1], [100, 2, -0.8], [150, -2.4, 0.2]])
    errors, _ = repeated(fixed, np.tile(np.eye(3) * 0.6 / np.sqrt(3), (4, 1, 1)))
    found = predict_tre(register_points(fixed, fixed), TARGET, fle=0.6)
    size = np.linalg.norm(errors, axis=1)
    assert found.rms_mm[0] == pytest.approx(np.sqrt((size**2).mean()), rel=0.03)
    with pytest.raises(BadInput) as refused:
        predict_tre(register_points(fixed, fixed), TARGET, fle=0.65)
    assert refused.value.code == "collinear-fiducials"


def test_anisotropic_localisation_and_weights_that_do_not_fit_it() -> None:
    n, rng = 6, np.random.default_rng(7)
    fixed = layout(n, 7)
    roots = np.stack(
        [turn(rng.normal(size=3)) @ np.diag([0.1, 0.2, 0.6]) * rng.uniform(0.5, 2) for _ in range(n)]
    )
    weights = rng.uniform(0.3, 3, n)
    errors, _ = repeated(fixed, roots, weights=weights, seed=7)
    each = roots @ np.swapaxes(roots, 1, 2)
    found = predict_tre(register_points(fixed, fixed, weights=weights), TARGET, fle=each)
    size = np.linalg.norm(errors, axis=1)
    assert found.rms_mm[0] == pytest.approx(np.sqrt((size**2).mean()), rel=0.03)
    assert found.radius_mm[0] == pytest.approx(np.quantile(size, 0.95), rel=0.03)


def test_the_closed_formula_is_the_trace_of_the_covariance() -> None:
    fixed, targets = layout(7, 11), layout(20, 12)
    found = predict_tre(register_points(fixed, fixed, fle_mm=0.4), targets)
    assert np.allclose(found.rms_mm, expected_tre(fixed, targets, 0.4), rtol=1e-9)


def test_the_error_is_least_at_the_centre_and_grows_away_from_it() -> None:
    fixed = layout(6, 13)
    along = fixed.mean(axis=0) + np.outer(np.arange(0, 200, 20), [0.6, 0.0, 0.8])
    grown = predict_tre(register_points(fixed, fixed), along, fle=0.3).rms_mm
    assert grown[0] == pytest.approx(0.3 / np.sqrt(6))
    assert (np.diff(grown) > 0).all()


def test_weights_are_inverse_variances() -> None:
    """A fiducial of weight 4 is localised twice as well; what is stated is the error of weight 1."""
    fixed, weights = layout(6, 14), np.array([4.0, 1, 1, 1, 1, 1])
    each = np.eye(3) * 0.3**2 / 3 / weights[:, None, None]
    weighted = register_points(fixed, fixed, weights=weights)
    plain = predict_tre(weighted, TARGET, fle=0.3)
    assert np.allclose(plain.covariance_mm2, predict_tre(weighted, TARGET, fle=each).covariance_mm2)
    unweighted = register_points(fixed, fixed)
    assert plain.rms_mm[0] < predict_tre(unweighted, TARGET, fle=each).rms_mm[0]


def test_with_an_estimated_localisation_error_the_radius_still_holds_95_percent() -> None:
    n, fixed, rng = 4, layout(4, 1), np.random.default_rng(3)
    held, naive, trials = 0, 0, 900
    for _ in range(trials):
        found = register_points(fixed + rng.normal(size=(n, 3)) * 0.3, fixed)
        error = float(np.linalg.norm(found.apply(TARGET) - TARGET))
        predicted = predict_tre(found, TARGET)
        held += error <= predicted.radius_mm[0]
        naive += error <= predict_tre(found, TARGET, fle=predicted.fle_mm).radius_mm[0]
    assert held / trials == pytest.approx(0.95, abs=0.02)
    assert naive / trials < 0.92


def test_the_interval_of_the_localisation_error_holds_it() -> None:
    fixed, rng = layout(5, 6), np.random.default_rng(4)
    all_of_them = [register_points(fixed + rng.normal(size=(5, 3)) * 0.2, fixed) for _ in range(400)]
    held = [one.low_mm <= 0.2 * np.sqrt(3) <= one.high_mm for one in map(estimate_fle, all_of_them)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)
    pooled = estimate_fle(*all_of_them)
    assert pooled.degrees_of_freedom == 400 * 9
    assert pooled.fle_mm == pytest.approx(0.2 * np.sqrt(3), rel=0.03)
    assert pooled.high_mm / pooled.low_mm < 1.06


def test_radii_against_closed_forms() -> None:
    from scipy import stats

    for axes in (1, 2, 3):
        flat = np.diag([1.0] * axes + [0.0] * (3 - axes))
        assert error_radius(flat) == pytest.approx(np.sqrt(stats.chi2.ppf(0.95, axes)), rel=2e-6)
        by_f = np.sqrt(axes * stats.f.ppf(0.95, axes, 6))
        assert error_radius(flat, degrees_of_freedom=6) == pytest.approx(by_f, rel=2e-6)
    assert error_radius(np.zeros((3, 3))) == 0
    assert error_radius(np.zeros((0, 3, 3))).shape == (0,)
    draws = np.random.default_rng(0).normal(size=(400_000, 3)) * [3, 1, 0.5]
    turned = turn([0.3, 0.2, 0.9])
    for coverage in (0.5, 0.9, 0.99):
        sampled = np.quantile(np.linalg.norm(draws, axis=1), coverage)
        given = turned @ np.diag([9, 1, 0.25]) @ turned.T
        assert error_radius(given, coverage) == pytest.approx(sampled, rel=0.01)


def test_both_sides_errors_add_up_in_the_fixed_frame() -> None:
    quarter = turn([0, 0, np.pi / 2])
    found = combined_fle(0.3, np.diag([0.04, 0.01, 0.0]), quarter)
    assert np.allclose(found, np.diag([0.03 + 0.01, 0.03 + 0.04, 0.03]))


def test_what_the_margin_gets() -> None:
    fixed = layout(6, 15)
    given = registration_contribution(register_points(fixed, fixed, fle_mm=0.3), TARGET[0])
    predicted = predict_tre(register_points(fixed, fixed), TARGET, fle=0.3)
    assert given.radius_mm == predicted.radius_mm[0]
    assert not given.contradicted
    assert given.budget_rms_mm == pytest.approx(given.tre_rms_mm) == predicted.rms_mm[0]
    assert error_radius(np.diag(np.square(given.deviation_mm))) == pytest.approx(given.radius_mm, rel=1e-6)
    noisy = register_points(fixed + np.random.default_rng(0).normal(size=(6, 3)) * 0.2, fixed)
    estimated = registration_contribution(noisy, TARGET[0], 0.99)
    assert estimated.budget_rms_mm > estimated.tre_rms_mm
    assert error_radius(np.diag(np.square(estimated.deviation_mm)), 0.99) == pytest.approx(
        estimated.radius_mm, rel=1e-6
    )
    assert "12 degrees of freedom" in estimated.source


def test_right_residuals_do_not_contradict_the_localisation_error() -> None:
    fixed, contradicted = layout(6, 15), 0
    for seed in range(500):
        noise = np.random.default_rng(seed).normal(size=(6, 3)) * 0.3 / np.sqrt(3)
        found = register_points(fixed + noise, fixed, fle_mm=0.3)
        contradicted += any("larger than the stated" in remark for remark in found.remarks)
    assert contradicted <= 1


def test_a_localisation_error_that_the_residuals_contradict_is_put_aside() -> None:
    """With an outlying fiducial the stated error would promise far too much; the margin that is given holds."""
    fixed, held, promised = layout(6, 15), [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        moved = fixed + rng.normal(size=(6, 3)) * 0.3 / np.sqrt(3)
        way = rng.normal(size=3)
        moved[rng.integers(6)] += 4 * way / np.linalg.norm(way)
        found = register_points(moved, fixed, fle_mm=0.3)
        assert any("outlying" in remark for remark in found.remarks)
        given = registration_contribution(found, TARGET[0])
        assert given.contradicted
        assert "outlying" in given.source
        error = np.linalg.norm(found.apply(TARGET[0]) - TARGET[0])
        held.append(error <= given.radius_mm)
        promised.append(error <= predict_tre(found, TARGET).radius_mm[0])
    assert np.mean(held) >= 0.95
    assert np.mean(promised) < 0.5


def test_an_estimate_from_earlier_patients_is_used_with_its_uncertainty() -> None:
    fixed, rng = layout(5, 6), np.random.default_rng(4)
    earlier = [register_points(fixed + rng.normal(size=(5, 3)) * 0.2, fixed) for _ in range(3)]
    pooled = estimate_fle(*earlier)
    by_estimate = predict_tre(earlier[0], TARGET, fle=pooled)
    as_known = predict_tre(earlier[0], TARGET, fle=pooled.fle_mm)
    assert by_estimate.degrees_of_freedom == 27
    assert by_estimate.rms_mm == pytest.approx(as_known.rms_mm)
    assert 1.02 < by_estimate.radius_mm[0] / as_known.radius_mm[0] < 1.2
    assert not registration_contribution(earlier[0], TARGET[0], fle=pooled).contradicted


def test_the_quantile_without_a_package_is_the_quantile() -> None:
    from scipy import stats

    for free in (3, 6, 12, 30):
        limit = stats.chi2.isf(1e-4, free) / 3
        assert contradicts(limit * 1.06, 1.0, free)
        assert not contradicts(limit * 0.94, 1.0, free)


def test_the_margin_is_understood_by_the_error_budget() -> None:
    """The budget of the clearance engine takes principal deviations and comes to the same radius."""
    budget = pytest.importorskip("suwen.engines.clearance.budget")
    fixed = layout(6, 15)
    given = registration_contribution(register_points(fixed, fixed, fle_mm=0.3), TARGET[0])
    one = budget.Contribution(name="registration", stated="axis", value_mm=given.deviation_mm)
    assert budget.ErrorBudget(contributions=(one,)).margin_mm == pytest.approx(given.radius_mm, rel=1e-3)


def test_what_cannot_be_predicted_is_refused() -> None:
    fixed = layout(6, 16)
    found = register_points(fixed, fixed)
    line = np.outer(np.arange(6.0), [10, 0, 0]) + np.array([[0, 3, 0]] * 3 + [[0, -3, 0]] * 3)
    asked = [
        (lambda: predict_tre(found, TARGET, fle=-1), "bad-fle"),
        (lambda: predict_tre(found, TARGET, fle=np.eye(2)), "bad-fle"),
        (lambda: predict_tre(found, TARGET, fle=-np.eye(3)), "bad-fle"),
        (lambda: predict_tre(found, TARGET, fle=0.3, coverage=1.0), "coverage-unusable"),
        (lambda: predict_tre(found, TARGET[0], fle=0.3), "bad-points"),
        (lambda: predict_tre(found, TARGET * np.nan, fle=0.3), "not-finite"),
        (lambda: predict_tre(register_points(line, line), TARGET, fle=2.0), "collinear-fiducials"),
        (lambda: expected_tre(line, TARGET, 2.0), "collinear-fiducials"),
        (lambda: fle_from_fre(1.0, 2), "too-few-fiducials"),
        (estimate_fle, "too-few-fiducials"),
    ]
    for ask, expected in asked:
        with pytest.raises(BadInput) as refused:
            ask()
        assert refused.value.code == expected
