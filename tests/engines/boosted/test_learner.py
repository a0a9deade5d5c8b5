"""Boosted trees as a learner: chosen rounds, files without pickle, contributions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import Unreadable
from suwen.core.sample import Sample
from suwen.engines.boosted.learner import BoostedClasses
from suwen.formats.signals.row import Row

pytest.importorskip("lightgbm")


def cohort(classes: int, n: int = 240) -> tuple[list[Sample], Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5)).astype(np.float32)
    labels = (x[:, 0] + x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 0.8) * (classes > 2)
    x[rng.random(x.shape) < 0.05] = np.nan
    names = ("age", "bmi", "sbp", "sex", "smoker")
    return [
        Sample(subject_id=str(i), inputs={"row": Row(values=v, names=names)}) for i, v in enumerate(x)
    ], labels


def learned(
    learner: BoostedClasses, samples: Any, labels: Any, folder: Path, classes: int, **settings: Any
) -> Any:
    units = Units(owner=np.arange(len(labels)), hour=np.zeros(len(labels)), target=labels)
    context = {"classes": [str(k) for k in range(classes)]}
    design = learner.design(None, samples)  # type: ignore[arg-type]  # the table does not look at the task
    learner.fit(
        None, design, units, folder, settings=settings, context=context, seed=1, progress=lambda _: None
    )  # type: ignore[arg-type]
    for path in list(folder.iterdir()):
        path.rename(folder / f"lightgbm.0.{path.name}")
    return learner.open(None, folder, "lightgbm.0.", context), design  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_and_its_contributions_sum_to_the_score(classes: int, tmp_path: Path) -> None:
    samples, labels = cohort(classes)
    member, design = learned(
        BoostedClasses(most_rounds=120, inner=3), samples[:180], labels[:180], tmp_path, classes
    )
    held = BoostedClasses().design(None, samples[180:])  # type: ignore[arg-type]
    scores = member.scores(held)
    assert scores.shape == (60, classes)
    assert (scores.argmax(1) == labels[180:]).mean() > 0.7
    parts = member.contributions(held)
    expected = scores[:, 1] - scores[:, 0] if classes == 2 else scores
    np.testing.assert_allclose(parts.sum(-1), expected, atol=1e-6)
    assert len(design) == 180


def test_rounds_are_chosen_between_one_and_the_most(tmp_path: Path) -> None:
    samples, labels = cohort(2)
    said: list[str] = []
    learner = BoostedClasses(most_rounds=300, inner=3)
    units = Units(owner=np.arange(240), hour=np.zeros(240), target=labels)
    design = learner.design(None, samples)  # type: ignore[arg-type]
    learner.fit(
        None,
        design,
        units,
        tmp_path,
        settings={},
        context={"classes": ["0", "1"]},
        seed=0,
        progress=said.append,
    )  # type: ignore[arg-type]
    assert 10 < int(said[0].split()[1]) < 300


def test_settings_override_rounds_and_bags_and_unknown_labels_are_left_out(tmp_path: Path) -> None:
    samples, labels = cohort(2)
    labels[:100] = -1
    member, design = learned(BoostedClasses(), samples, labels, tmp_path, 2, rounds=5, bags=3, threads=1)
    assert len(member.trees) == 3
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", *[".onnx"] * 3, *[".txt"] * 3]
    single = [trees.raw(design.x)[:, 0] for trees in member.trees]
    assert not np.array_equal(single[0], single[1])
    np.testing.assert_allclose(member.scores(design)[:, 1], np.mean(single, axis=0))


def test_the_same_seed_gives_the_same_trees(tmp_path: Path) -> None:
    samples, labels = cohort(2)
    answers = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        member, design = learned(BoostedClasses(rounds=8), samples, labels, tmp_path / name, 2)
        answers.append(member.scores(design))
    np.testing.assert_array_equal(*answers)


def test_a_missing_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        BoostedClasses().open(None, tmp_path, "lightgbm.0.", {})  # type: ignore[arg-type]


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys; import suwen.engines.boosted.learner, suwen.engines.linear.genes, suwen.engines.score;"
        "import suwen.engines.linear.logistic;"
        "print([m for m in ('lightgbm', 'sklearn', 'scipy', 'onnx', 'torch', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
