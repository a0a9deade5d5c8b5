"""The shortcut probe on made data, and its AUROC against scikit-learn."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from suwen.core.errors import BadInput, MissingExtra
from suwen.lifecycle.audit.shortcuts import auroc_interval, probe


def made(n: int = 600, seed: int = 0) -> tuple[np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, [("well", "sick")[i] for i in y], [f"p{i // 3}" for i in range(n)]


def test_what_predicts_is_flagged_and_noise_is_not() -> None:
    y, labels, groups = made()
    rng = np.random.default_rng(1)
    trivia = {
        "noise": rng.normal(size=(len(y), 5)),
        "file_size": (y + rng.normal(size=len(y)))[:, None],
        "thumbnail": (0.95 * y + rng.normal(size=len(y)))[:, None],
    }
    by_name = {found.name: found for found in probe(trivia, labels, groups, seed=0)}
    assert not by_name["noise"].flagged
    assert abs(by_name["noise"].auroc.value - 0.5) < 0.07
    assert by_name["file_size"].flagged
    # 0.72 is much for a file size, and not yet for a picture.
    assert by_name["thumbnail"].auroc.lo > 0.65
    assert not by_name["thumbnail"].flagged
    for found in by_name.values():
        assert found.auroc.lo < found.auroc.value < found.auroc.hi


def test_a_subject_is_never_learned_and_scored_at_once() -> None:
    # Each subject has its own random signature and one label: recognising the subject must not count.
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(100), 6)
    label = rng.integers(0, 2, 100)[subject]
    signature = rng.normal(size=(100, 60))[subject]
    labels = [str(v) for v in label]
    (found,) = probe({"border": signature}, labels, [f"p{s}" for s in subject], seed=0)
    assert found.auroc.lo < 0.55
    (leaking,) = probe({"border": signature}, labels, [str(i) for i in range(600)], seed=0)
    assert leaking.auroc.value > 0.75


def test_more_than_two_classes_and_ids_that_act_in_steps() -> None:
    n = 300
    number = np.arange(n, dtype=float)[:, None]
    labels = ["low" if i < 100 else "mid" if i < 200 else "high" for i in range(n)]
    (found,) = probe({"subject_number": number}, labels, [str(i) for i in range(n)], seed=0)
    assert found.flagged


def test_same_seed_same_figures() -> None:
    y, labels, groups = made(200)
    trivia = {"order": (y + np.random.default_rng(3).normal(size=200))[:, None]}
    assert probe(trivia, labels, groups, seed=4) == probe(trivia, labels, groups, seed=4)


def test_auroc_agrees_with_scikit_learn_ties_and_weights_included() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    score = np.round(y * 0.5 + rng.normal(size=400), 1)
    weights = rng.integers(0, 4, (50, 400)).astype(np.uint8)
    found = auroc_interval(np.stack([-score, score], axis=1), y, weights)
    assert found.value == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    drawn = [roc_auc_score(y, score, sample_weight=row) for row in weights]
    assert (found.lo, found.hi) == pytest.approx(tuple(np.percentile(drawn, (2.5, 97.5))), abs=1e-12)


@pytest.mark.parametrize("labels", [["x"] * 60, ["x"] * 55 + ["y"] * 5])
def test_too_few(labels: list[str]) -> None:
    with pytest.raises(BadInput, match="fewer than two classes"):
        probe({"order": np.zeros((60, 1))}, labels, [str(i) for i in range(60)], seed=0)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtra, match=r"suwen\[train\]"):
        probe({}, ["x", "y"], ["1", "2"], seed=0)
