"""The linear learners of a panel: they learn, serve from files, take rare classes, and explain exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import BadInput, Unreadable
from suwen.core.sample import Sample
from suwen.engines.linear.genes import GeneLearner, RidgeClasses, SelectedLogistic, ShrunkenCentroids
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.linear.table import Table
from suwen.formats.signals.row import Row

pytest.importorskip("sklearn")

QUICK: list[Any] = [
    LogisticClasses(inner=3, penalties=(0.3, 0.03), splines=True),
    ShrunkenCentroids(inner=3, thresholds=(4.0, 2.0, 0.0)),
    SelectedLogistic(inner=3, counts=(5, 20), penalties=(1.0, 0.1)),
    RidgeClasses(inner=3, counts=(20, 10**6), penalties=(1.0, 0.1)),
]


def cohort(classes: int, n: int = 90, d: int = 60, seed: int = 0) -> tuple[list[Sample], Any]:
    """Rows of which a few columns tell the class, some values missing, one class rare."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, n, p=np.array([5, 4, 3, 2][:classes]) / sum([5, 4, 3, 2][:classes]))
    x = rng.normal(size=(n, d))
    for k in range(classes):
        x[labels == k, 3 * k : 3 * k + 3] += 2.5
    x[rng.random(x.shape) < 0.02] = np.nan
    names = tuple(f"g{i}" for i in range(d))
    rows = [Row(values=np.exp2(v + 6).astype(np.float32), names=names) for v in x]
    return [Sample(subject_id=str(i), inputs={"row": row}) for i, row in enumerate(rows)], labels


def learned(
    learner: Any, samples: list[Sample], labels: Any, folder: Path, classes: int
) -> tuple[Any, Table]:
    design = learner.design(None, samples)
    units = Units(owner=np.arange(len(labels)), hour=np.zeros(len(labels)), target=labels)
    context = {"classes": [str(k) for k in range(classes)]}
    learner.fit(None, design, units, folder, settings={}, context=context, seed=1, progress=lambda _: None)
    assert all(path.suffix in {".json", ".npz"} for path in folder.iterdir())
    for path in list(folder.iterdir()):
        path.rename(folder / f"{learner.name}.0.{path.name}")
    return learner.open(None, folder, f"{learner.name}.0.", context), design


@pytest.mark.parametrize("learner", QUICK, ids=lambda one: one.name)
@pytest.mark.parametrize("classes", [2, 4])
def test_it_learns_what_there_is_to_learn(learner: Any, classes: int, tmp_path: Path) -> None:
    samples, labels = cohort(classes)
    member, _ = learned(learner, samples[:60], labels[:60], tmp_path, classes)
    scores = member.scores(learner.design(None, samples[60:]))
    assert scores.shape == (30, classes)
    right = scores.argmax(1) == labels[60:]
    assert right.mean() > 0.75
    probability = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert -np.log(probability[np.arange(30), labels[60:]]).mean() < 0.6


@pytest.mark.parametrize("learner", QUICK, ids=lambda one: one.name)
def test_unknown_labels_are_not_learned_from_and_columns_are_found_by_name(
    learner: Any, tmp_path: Path
) -> None:
    samples, labels = cohort(2)
    half = labels.copy()
    half[::2] = -1
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    member, design = learned(learner, samples, half, tmp_path / "a", 2)
    other, _ = learned(learner, samples[1::2], labels[1::2], tmp_path / "b", 2)
    np.testing.assert_allclose(member.scores(design), other.scores(design), atol=1e-6)
    turned = Table(design.x[:, ::-1], design.names[::-1])
    np.testing.assert_allclose(member.scores(turned), member.scores(design), atol=1e-9)
    with pytest.raises(BadInput) as caught:
        member.scores(Table(design.x[:, :10], design.names[:10]))
    assert caught.value.code == "missing-columns"


@pytest.mark.parametrize("learner", QUICK, ids=lambda one: one.name)
@pytest.mark.parametrize("classes", [2, 3])
def test_contributions_sum_to_the_score(learner: Any, classes: int, tmp_path: Path) -> None:
    samples, labels = cohort(classes)
    member, design = learned(learner, samples, labels, tmp_path, classes)
    scores, parts = member.scores(design), member.contributions(design)
    expected = scores[:, 1] - scores[:, 0] if classes == 2 else scores
    assert parts.shape == (*expected.shape, 61)
    np.testing.assert_allclose(parts.sum(-1), expected, atol=1e-9)


@pytest.mark.parametrize("learner", QUICK, ids=lambda one: one.name)
def test_a_class_of_one_sample_and_an_unseen_one_are_no_error(learner: Any, tmp_path: Path) -> None:
    samples, labels = cohort(2, n=40)
    labels[0] = 2
    member, design = learned(learner, samples, labels, tmp_path, 4)
    scores = member.scores(design)
    assert np.isfinite(scores).all()
    assert (scores[:, 3] < scores.max(1)).all()


def test_choices_are_made_inside_the_fold(tmp_path: Path) -> None:
    """Genes that tell the classes apart by chance alone tell nothing of samples that were held out."""
    rng = np.random.default_rng(0)
    names = tuple(f"g{i}" for i in range(3000))
    x = rng.normal(size=(60, 3000)).astype(np.float32)
    samples = [Sample(subject_id=str(i), inputs={"row": Row(values=v, names=names)}) for i, v in enumerate(x)]
    labels = np.arange(60) % 2
    learner = SelectedLogistic(inner=4, counts=(20,), penalties=(0.1,))
    member, _ = learned(learner, samples[:40], labels[:40], tmp_path, 2)
    scores = member.scores(learner.design(None, samples))
    inside, outside = scores[:40].argmax(1) == labels[:40], scores[40:].argmax(1) == labels[40:]
    assert inside.mean() > 0.95
    assert outside.mean() < 0.8
    # Chosen inside, the honest temperature leaves the scores near the middle.
    assert np.abs(scores[40:, 1] - scores[40:, 0]).mean() < 0.7


def test_no_learner_keeps_a_sample(tmp_path: Path) -> None:
    samples, labels = cohort(2)
    for learner in QUICK:
        folder = tmp_path / learner.name
        folder.mkdir()
        learned(learner, samples, labels, folder, 2)
        with np.load(next(folder.glob("*.npz")), allow_pickle=False) as arrays:
            assert all(len(samples) not in array.shape for array in arrays.values())


def test_a_damaged_file_is_a_typed_error(tmp_path: Path) -> None:
    samples, labels = cohort(2)
    learner = QUICK[1]
    learned(learner, samples, labels, tmp_path, 2)
    description, numbers = sorted(tmp_path.iterdir())
    document = json.loads(description.read_text())
    for change in ({}, {"preparation": "other"}, {"columns": 3}):
        description.write_text(json.dumps({**document, **change} if change else {}))
        with pytest.raises(Unreadable):
            learner.open(None, tmp_path, f"{learner.name}.0.", {})
    description.write_text(json.dumps(document))
    numbers.write_bytes(numbers.read_bytes()[:100])
    with pytest.raises(Unreadable):
        learner.open(None, tmp_path, f"{learner.name}.0.", {})
    with pytest.raises(Unreadable):
        learner.open(None, tmp_path, "absent.", {})


def test_the_base_learner_has_nothing_to_try() -> None:
    with pytest.raises(NotImplementedError):
        _ = GeneLearner().choices
