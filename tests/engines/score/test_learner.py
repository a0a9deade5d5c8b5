"""Published scores as learners: shown as published, or points turned into probabilities."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import BadInput, Unreadable
from suwen.core.sample import Sample
from suwen.engines.score import ScoreLearner
from suwen.engines.score.univariate import fit_points


def samples(values: Any) -> list[Sample]:
    return [Sample(subject_id=str(i), inputs={"v": float(v)}) for i, v in enumerate(values)]


def value(sample: Sample) -> float:
    return float(sample.inputs["v"])


def learned(
    learner: ScoreLearner, values: Any, labels: Any, folder: Path, classes: tuple[str, ...], positive: str
) -> Any:
    task: Any = SimpleNamespace(endpoint=SimpleNamespace(positive=positive))
    units = Units(owner=np.arange(len(labels)), hour=np.zeros(len(labels)), target=np.asarray(labels))
    context = {"classes": list(classes)}
    design = learner.design(task, samples(values))
    learner.fit(task, design, units, folder, settings={}, context=context, seed=0, progress=lambda _: None)
    (folder / "score.json").rename(folder / "s.0.score.json")
    return learner.open(task, folder, "s.0.", context), design


def softmax(logits: Any) -> Any:
    grown = np.exp(logits - logits.max(1, keepdims=True))
    return grown / grown.sum(1, keepdims=True)


@pytest.mark.parametrize("positive", ["died", "survived"])
def test_a_published_probability_is_shown_as_published(positive: str, tmp_path: Path) -> None:
    learner = ScoreLearner(name="s", score=value, published=True)
    p = [0.1, 0.25, np.nan, 0.9]
    member, design = learned(learner, p, [0, 1, 0, 1], tmp_path, ("survived", "died"), positive)
    at = ("survived", "died").index(positive)
    np.testing.assert_allclose(softmax(member.scores(design))[:, at], [0.1, 0.25, 0.25, 0.9], atol=1e-9)
    certain = learner.design(None, samples([0.0, 1.0]))  # type: ignore[arg-type]
    assert np.isfinite(member.scores(certain)).all()


def test_points_become_the_logistic_regression_on_them() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    points = rng.integers(0, 25, 3000).astype(float)
    labels = (rng.random(3000) < 1 / (1 + np.exp(3 - 0.2 * points))).astype(int)
    x = (points - points.mean()) / points.std()
    beta = fit_points(x, labels, 2)
    reference = linear.LogisticRegression(C=np.inf, tol=1e-10).fit(x[:, None], labels)
    assert beta[1, 1] - beta[1, 0] == pytest.approx(reference.coef_[0, 0], rel=0.03)
    assert beta[0, 1] - beta[0, 0] == pytest.approx(reference.intercept_[0], rel=0.03)


def test_points_keep_their_ranking_and_the_missing_take_the_median(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    points = rng.integers(0, 20, 400).astype(float)
    labels = (rng.random(400) < points / 25).astype(int)
    points[::10] = np.nan
    member, design = learned(
        ScoreLearner(name="s", score=value), points, labels, tmp_path, ("no", "yes"), "yes"
    )
    p = softmax(member.scores(design))[:, 1]
    known = np.isfinite(points)
    order = np.argsort(points[known], kind="stable")
    assert (np.diff(p[known][order]) >= 0).all()
    assert abs(p.mean() - labels.mean()) < 0.02
    typical = learned_median(points)
    np.testing.assert_allclose(
        p[~known],
        softmax(member.scores(ScoreLearner(name="s", score=value).design(None, samples([typical]))))[0, 1],  # type: ignore[arg-type]
    )


def learned_median(points: Any) -> float:
    return float(np.nanmedian(points))


def test_several_classes_and_points_that_part_them_wholly(tmp_path: Path) -> None:
    points = np.repeat([1.0, 5.0, 9.0], 20)
    labels = np.repeat([0, 1, 2], 20)
    member, design = learned(
        ScoreLearner(name="s", score=value), points, labels, tmp_path, ("a", "b", "c", "never"), "a"
    )
    p = softmax(member.scores(design))
    assert np.isfinite(p).all()
    assert (p.argmax(1) == labels).all()
    assert p[:, 3].max() < 0.05


def test_a_score_that_nobody_has_says_the_share_of_the_class(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    nothing, labels = [np.nan] * 8, [0, 0, 0, 0, 0, 0, 1, 1]
    for name, published in (("a", True), ("b", False)):
        learner = ScoreLearner(name="s", score=value, published=published)
        member, design = learned(learner, nothing, labels, tmp_path / name, ("no", "yes"), "yes")
        assert softmax(member.scores(design))[0, 1] == pytest.approx(0.25, abs=0.05)


def test_what_is_no_probability_of_two_classes_is_refused(tmp_path: Path) -> None:
    learner = ScoreLearner(name="s", score=value, published=True)
    with pytest.raises(BadInput) as caught:
        learned(learner, [12.0, 3.0], [0, 1], tmp_path, ("no", "yes"), "yes")
    assert caught.value.code == "not-a-probability"
    with pytest.raises(BadInput) as caught:
        learned(learner, [0.1, 0.2], [0, 1], tmp_path, ("a", "b", "c"), "a")
    assert caught.value.code == "too-many-classes"


def test_a_damaged_file_is_a_typed_error(tmp_path: Path) -> None:
    learner = ScoreLearner(name="s", score=value)
    for content in ("{}", "[]", "not json"):
        (tmp_path / "s.0.score.json").write_text(content)
        with pytest.raises(Unreadable):
            learner.open(None, tmp_path, "s.0.", {})  # type: ignore[arg-type]
    with pytest.raises(Unreadable):
        learner.open(None, tmp_path, "absent.", {})  # type: ignore[arg-type]
