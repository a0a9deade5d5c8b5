"""LIME and SHAP of a vector: they find what the model uses, add up, and are withheld where they do not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, MissingExtra
from suwen.core.prediction import Explanation
from suwen.explain.shapley import shapley
from suwen.explain.tabular import Vector, faithfulness
from suwen.explain.tabular_lime import lime_explanation
from suwen.explain.tabular_shap import MOST_FEATURES, shap_explanation

Method = Callable[..., Explanation]
METHODS = (lime_explanation, shap_explanation)


def vector(d: int = 14, *, answer: Any = None, **changes: Any) -> Vector:
    """Feature 1 raises, feature 2 lowers the log-odds; feature 5 is missing; the others do nothing."""
    rng = np.random.default_rng(2)
    background = rng.normal(size=(80, d))
    background[rng.random(background.shape) < 0.2] = np.nan
    values = rng.normal(size=d)
    values[1], values[2], values[5] = 2.0, 1.5, np.nan

    def linear(rows: Any) -> Any:
        filled = np.where(np.isfinite(rows), rows, 0.25)
        return 1.2 * filled[:, 1] - 0.9 * filled[:, 2] - 1.0

    settings: dict[str, Any] = {
        "values": values,
        "names": [f"v{i}" for i in range(d)],
        "answer": answer or linear,
        "background": background,
    }
    return Vector(**(settings | changes))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [7, 14])
def test_what_the_model_uses_is_found_and_adds_up(
    method: Method, d: int, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = vector(d)
    found = method(opened)
    assert found.passed
    assert list(found.values)[:2] == ["v1", "v2"]
    assert found.values["v1"] > 1.5
    assert found.values["v2"] < -0.8
    assert max(abs(found.values[f"v{i}"]) for i in range(d) if i not in {1, 2}) < 0.01
    total = found.checks["base"] + sum(found.values.values())
    assert total == pytest.approx(found.checks["output"], abs=1e-3)
    assert found.checks["output"] == pytest.approx(1.2 * 2.0 - 0.9 * 1.5 - 1.0)
    assert found.checks["additivity_gap"] <= 1e-3
    assert "log-odds" in found.unit
    assert found.faithfulness is not None
    assert found.faithfulness > max(0.1, found.checks["random_order_faithfulness"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_and_leaves_the_global_generator_alone(method: Method) -> None:
    def curved(rows: Any) -> Any:
        filled = np.where(np.isfinite(rows), rows, 0.0)
        return np.tanh(filled[:, 0]) * filled[:, 1] + filled.sum(axis=1)

    opened = vector(answer=curved)
    np.random.seed(5)
    first = method(opened, seed=3)
    drawn = np.random.random()
    np.random.seed(5)
    assert np.random.random() == drawn
    assert first.values == method(opened, seed=3).values
    assert first.values != method(opened, seed=4).values


def test_shap_equals_our_own_shapley_values() -> None:
    def curved(rows: Any) -> Any:
        filled = np.where(np.isfinite(rows), rows, 0.0)
        return filled[:, 1] * filled[:, 2] + np.abs(filled[:, 3])

    opened = vector(8, answer=curved)
    rows = opened.background[np.linspace(0, 79, 50).round().astype(int)]

    def game(present: Any) -> Any:
        mixed = np.where(present[:, None], opened.values, rows)
        return curved(mixed.reshape(-1, 8)).reshape(len(present), 50).mean(axis=1)

    own = shapley(game, 8)
    found = shap_explanation(opened)
    assert own.values is not None
    assert [found.values[f"v{i}"] for i in range(8)] == pytest.approx(own.values[:, 0].tolist(), abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_values_that_miss_the_answer_in_use_are_withheld(method: Method) -> None:
    opened = vector(7)
    said = float(opened.ask(opened.values[None])[0])
    assert method(vector(7, output=said + 0.0009)).passed
    found = method(vector(7, output=said + 0.01))
    assert not found.passed
    assert found.values == {}
    assert found.checks["additivity_gap"] == pytest.approx(0.01, abs=1e-6)


def test_lime_is_withheld_where_no_line_fits() -> None:
    def parity(rows: Any) -> Any:
        flipped = np.isfinite(rows) & (np.abs(rows - opened_values) < 1e-12)
        return np.where(flipped[:, :5].sum(axis=1) % 2 == 1, 2.0, -2.0)

    opened_values = vector().values
    found = lime_explanation(vector(answer=parity))
    assert not found.passed
    assert found.values == {}
    assert found.checks["local_r2"] < 0.5
    assert found.checks["additivity_gap"] <= 1e-3


def test_a_constant_model_has_nothing_to_say() -> None:
    for method in METHODS:
        found = method(vector(answer=lambda rows: np.full(len(rows), 0.4)))
        assert found.passed
        assert max(map(abs, found.values.values())) < 1e-9
        assert found.faithfulness == pytest.approx(0, abs=1e-9)


def test_one_feature() -> None:
    opened = Vector(
        values=np.array([3.0]), names=["x"], answer=lambda rows: rows[:, 0], background=np.array([[1.0]])
    )
    for method in METHODS:
        assert method(opened).values == {"x": pytest.approx(2.0)}


def test_faithfulness_tells_a_right_order_from_a_reversed_one() -> None:
    opened = vector()
    right = np.zeros(14)
    right[1], right[2] = 2.0, -1.0
    good, _ = faithfulness(opened, right)
    bad, _ = faithfulness(opened, -right)
    assert good > 0.2
    assert bad < -0.2


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="do not fit"):
        vector(names=["one"])
    with pytest.raises(BadInput, match="others to compare with"):
        vector(background=np.zeros((0, 14)))
    with pytest.raises(BadInput, match="too many"):
        shap_explanation(vector(MOST_FEATURES + 1))


@pytest.mark.parametrize(("method", "module"), [(METHODS[0], "lime.lime_base"), (METHODS[1], "shap")])
def test_without_the_package_the_error_names_the_extra(
    method: Method, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match="pip install 'suwen"):
        method(vector())


def test_importing_imports_nothing_heavy() -> None:
    code = (
        "import sys, suwen.explain.tabular_lime, suwen.explain.tabular_shap, suwen.explain.owen,"
        "suwen.explain.counterfactual;"
        "print([m for m in ('lime', 'shap', 'numba', 'sklearn', 'scipy', 'torch', 'pandas') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
