"""Contributions of trees sum to what the trees say, or are not shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, MissingExtra, Refused, Unreadable
from suwen.engines.boosted.contributions import contributions
from suwen.engines.boosted.trees import Trees, to_onnx

lgb = pytest.importorskip("lightgbm")


def members(folder: Path, classes: int = 2) -> tuple[list[Path], list[Path], Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = (np.nan_to_num(x[:, 0]) > 0).astype(int) + (np.nan_to_num(x[:, 1]) > 0.5) * (classes > 2)
    objective = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": 3}
    texts, graphs = [], []
    for seed in (1, 2):
        booster = lgb.train(
            {**objective, "num_leaves": 5, "verbose": -1, "num_threads": 1, "seed": seed, "bagging_freq": 1}
            | {"bagging_fraction": 0.6},
            lgb.Dataset(x, y),
            15,
        )
        texts.append(folder / f"{seed}.txt")
        graphs.append(folder / f"{seed}.onnx")
        texts[-1].write_text(booster.model_to_string(), "utf-8")
        to_onnx(booster, graphs[-1])
    return texts, graphs, x


@pytest.mark.parametrize("classes", [2, 3])
def test_they_sum_to_what_is_served(classes: int, tmp_path: Path) -> None:
    texts, graphs, x = members(tmp_path, classes)
    found = contributions(texts, x.astype(np.float32))
    served = np.mean([Trees(path).raw(x.astype(np.float32)) for path in graphs], axis=0)
    assert found.shape == ((400, 6) if classes == 2 else (400, 3, 6))
    assert np.abs(found.sum(axis=-1).reshape(served.shape) - served).max() < 1e-6
    # The first column decides, so it drives most.
    strength = np.abs(found).reshape(-1, 6)[:, :5].mean(axis=0)
    assert strength.argmax() == 0


def test_what_does_not_add_up_is_withheld(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, _, x = members(tmp_path)
    honest = lgb.Booster.predict

    def dishonest(self: Any, data: Any, **arguments: Any) -> Any:
        return honest(self, data, **arguments) + (1e-3 if arguments.get("pred_contrib") else 0.0)

    monkeypatch.setattr(lgb.Booster, "predict", dishonest)
    with pytest.raises(Refused) as caught:
        contributions(texts, x)
    assert caught.value.code == "not-additive"


def test_without_lightgbm_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtra, match="lightgbm"):
        contributions([tmp_path / "a.txt"], np.zeros((1, 2)))


def test_bad_input_is_a_typed_error(tmp_path: Path) -> None:
    texts, _, x = members(tmp_path)
    with pytest.raises(BadInput, match="columns"):
        contributions(texts, x[:, :3])
    for paths, rows in (([], x), (texts, x[:0])):
        with pytest.raises(BadInput, match="nothing to explain"):
            contributions(paths, rows)
    broken = tmp_path / "broken.txt"
    for content in ("tree", "", texts[0].read_text()[:400]):
        broken.write_text(content)
        with pytest.raises(Unreadable):
            contributions([broken], x)
    with pytest.raises(Unreadable):
        contributions([tmp_path / "absent.txt"], x)
