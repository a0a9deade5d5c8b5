"""The baseline: stored as numbers, it answers as scikit-learn does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegressionCV

from suwen.core.errors import MissingExtra
from suwen.engines.image.baseline import features, fit_baseline, probabilities


@pytest.fixture(scope="module")
def breast(data_dir: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    with np.load(data_dir / "imaging" / "breastmnist.npz", allow_pickle=False) as real:
        return features(real["val_images"].astype(np.float32) / 255), real["val_labels"][:, 0].astype(
            np.int64
        )


@pytest.mark.parametrize("classes", [2, 3])
def test_numbers_in_json_answer_as_the_fitted_model_did(
    classes: int, breast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, labels = breast
    if classes == 3:
        labels = np.arange(len(x)) % 3
    kept: list[Any] = []
    fit = LogisticRegressionCV.fit

    def keep(self: Any, x: Any, *args: Any, **named: Any) -> Any:
        kept.append((self, x))
        return fit(self, x, *args, **named)

    monkeypatch.setattr(LogisticRegressionCV, "fit", keep)
    stored = json.loads(json.dumps(fit_baseline(x, labels, classes, seed=0)))
    ((model, standard),) = kept
    found = probabilities(x, stored)
    np.testing.assert_allclose(found, model.predict_proba(standard), atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1)


def test_the_same_seed_gives_the_same_numbers(breast: Any) -> None:
    x, labels = breast
    assert fit_baseline(x, labels, 2, seed=3) == fit_baseline(x, labels, 2, seed=3)


def test_a_class_nobody_has_gets_no_weights(breast: Any) -> None:
    x, labels = breast
    stored = fit_baseline(x, labels * 2, 3, seed=0)
    assert not np.any(stored["weights"][1])
    assert probabilities(x, stored).shape == (len(x), 3)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(MissingExtra, match=r"suwen\[train\]"):
        features(np.zeros((1, 28, 28), np.float32))
