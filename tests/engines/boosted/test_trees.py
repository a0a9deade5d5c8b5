"""LightGBM's trees in ONNX answer exactly as LightGBM does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.boosted.trees import ZERO, Trees, to_onnx

lgb = pytest.importorskip("lightgbm")

SMALL = {"num_leaves": 7, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1, "learning_rate": 0.2}


def table(seed: int = 0, n: int = 600, d: int = 6) -> tuple[Any, Any]:
    """Values on a coarse lattice, so that many lie exactly on a threshold; a third missing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).round(1)
    x[rng.random(x.shape) < 0.33] = np.nan
    signal = np.nan_to_num(x[:, 0]) + np.isnan(x[:, 1]) - np.nan_to_num(x[:, 2]) ** 2
    return x, (signal + rng.normal(size=n) > 0).astype(int)


def probes(booster: Any, d: int = 6) -> Any:
    """Every threshold itself, the nearest numbers on both sides, and what is no ordinary number."""
    chosen: list[float] = [
        0.0,
        -0.0,
        1e-36,
        -1e-36,
        1e-30,
        -1e-30,
        ZERO,
        -ZERO,
        1e300,
        np.nan,
        np.inf,
        -np.inf,
    ]

    def walk(node: dict[str, Any]) -> None:
        if "threshold" in node:
            t = float(node["threshold"])
            chosen.extend([t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf)])
            walk(node["left_child"])
            walk(node["right_child"])

    for tree in booster.dump_model()["tree_info"]:
        walk(tree["tree_structure"])
    rng = np.random.default_rng(1)
    return rng.choice(np.array(chosen), size=(3000, d))


def trained(labels: Any = None, rounds: int = 40, **parameters: Any) -> tuple[Any, Any]:
    x, y = table()
    data = lgb.Dataset(x, y if labels is None else labels)
    return lgb.train({**SMALL, **parameters}, data, rounds), x


def same(booster: Any, path: Path, x: Any) -> None:
    to_onnx(booster, path)
    expected = booster.predict(x, raw_score=True).reshape(len(x), -1)
    got = Trees(path).raw(x)
    assert got.dtype == np.float64
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1e-9


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "binary"},
        {"objective": "binary", "use_missing": False},
        {"objective": "regression", "boosting": "dart"},
        {"objective": "multiclass", "num_class": 3},
    ],
    ids=lambda p: "-".join(map(str, p.values())),
)
def test_margins_are_those_of_lightgbm_even_at_thresholds(parameters: dict[str, Any], tmp_path: Path) -> None:
    x, y = table()
    labels = y + (np.nan_to_num(x[:, 3]) > 0.5) if "num_class" in parameters else y
    booster, _ = trained(labels, **parameters)
    path = tmp_path / "trees.onnx"
    for inputs in (x, probes(booster), x.astype(np.float32)):
        same(booster, path, inputs)


def test_a_table_without_missing_values_meets_them_later(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 6))
    booster = lgb.train({**SMALL, "objective": "binary"}, lgb.Dataset(x, (x[:, 0] > 0.3).astype(int)), 20)
    same(booster, tmp_path / "trees.onnx", probes(booster))


def test_a_constant_model_is_one_leaf(tmp_path: Path) -> None:
    x, y = table()
    booster = lgb.train({**SMALL, "objective": "binary"}, lgb.Dataset(np.zeros_like(x), y), 5)
    same(booster, tmp_path / "trees.onnx", x)


def test_early_stopping_keeps_the_best_iteration(tmp_path: Path) -> None:
    x, y = table()
    valid = lgb.Dataset(*table(seed=5))
    booster = lgb.train(
        {**SMALL, "objective": "binary"},
        lgb.Dataset(x, y),
        400,
        valid_sets=[valid],
        callbacks=[lgb.early_stopping(5, verbose=False)],
    )
    assert 0 < booster.best_iteration < 400
    same(booster, tmp_path / "trees.onnx", x)


def test_one_row_and_no_row(tmp_path: Path) -> None:
    booster, x = trained(objective="binary")
    path = tmp_path / "trees.onnx"
    same(booster, path, x[:1])
    assert Trees(path).raw(x[:0]).shape == (0, 1)


def test_rows_are_answered_alike_alone_and_together(tmp_path: Path) -> None:
    booster, x = trained(objective="binary")
    to_onnx(booster, tmp_path / "trees.onnx")
    trees = Trees(tmp_path / "trees.onnx")
    together = trees.raw(x)
    assert all(np.array_equal(trees.raw(x[i : i + 1])[0], together[i]) for i in range(0, 600, 37))


def test_what_onnx_cannot_say_is_refused(tmp_path: Path) -> None:
    x, y = table()
    categories = np.where(np.isnan(x), 0, np.abs(x * 10)).astype(int)
    refused = {
        "categorical": lgb.train(
            {**SMALL, "objective": "binary", "min_data_per_group": 2},
            lgb.Dataset(categories.astype(float), y, categorical_feature=[0, 1, 2]),
            10,
        ),
        "linear": lgb.train(
            {**SMALL, "objective": "regression", "linear_tree": True}, lgb.Dataset(np.nan_to_num(x), y), 5
        ),
        "averaged": lgb.train(
            {**SMALL, "objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
            lgb.Dataset(x, y),
            5,
        ),
        "zeros": trained(objective="binary", zero_as_missing=True)[0],
    }
    for word, booster in refused.items():
        with pytest.raises(BadInput, match=word) as caught:
            to_onnx(booster, tmp_path / "refused.onnx")
        assert caught.value.code == "trees-not-representable"
        assert not (tmp_path / "refused.onnx").exists()


def test_another_number_of_columns_is_a_typed_error(tmp_path: Path) -> None:
    booster, x = trained(objective="binary")
    to_onnx(booster, tmp_path / "trees.onnx")
    for wrong in (x[:, :5], x[0]):
        with pytest.raises(BadInput) as caught:
            Trees(tmp_path / "trees.onnx").raw(wrong)
        assert caught.value.code == "wrong-columns"
