"""Every survival learner: it learns, serves from its files without torch or LightGBM, and refuses what is broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import BadInput, Unreadable
from suwen.core.sample import Sample
from suwen.engines.panel.criterion import c_index
from suwen.engines.survival.boosted import BoostedCoxLearner
from suwen.engines.survival.cox import CoxLearner
from suwen.engines.survival.deephit import DeepHitLearner
from suwen.engines.survival.deepsurv import DeepSurvLearner
from suwen.engines.survival.grid import time_grid
from suwen.formats.signals.row import Row

LEARNERS: tuple[Any, ...] = (
    CoxLearner(penalties=(10.0,)),
    CoxLearner(name="cox_splines", splines=True, rho=1.0, inner=3),
    BoostedCoxLearner(most_rounds=100, inner=2, bags=2),
    DeepSurvLearner(epochs=60, members=4),
    DeepHitLearner(epochs=20, members=3, batch=128),
)
WORTH = {"cox": 0.55, "cox_splines": 0.7, "boosted_cox": 0.68, "deepsurv": 0.68, "deephit": 0.66}
"""Concordance that each must reach on unseen subjects; the true risk reaches .8."""


def units(time: Any, event: Any) -> Units:
    target = np.stack([time, event.astype(float)], axis=1)
    return Units(owner=np.arange(len(time)), hour=np.zeros(len(time)), target=target)


def samples(x: Any, names: tuple[str, ...]) -> list[Sample]:
    return [Sample(subject_id=str(i), inputs={"row": Row(values=v, names=names)}) for i, v in enumerate(x)]


@pytest.fixture(scope="module")
def learned(
    simulate: Callable[..., Any], names: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    """Every learner trained once on 500 subjects."""
    for package in ("torch", "lightgbm", "onnx"):
        pytest.importorskip(package)
    x, time, event = simulate(500)
    context = {"grid": time_grid(time, event)}
    folders = {}
    for learner in LEARNERS:
        folder = tmp_path_factory.mktemp(learner.name)
        learner.fit(
            None, learner.design(None, samples(x, names)), units(time, event), folder,
            settings={}, context=context, seed=3, progress=lambda _: None,
        )  # fmt: skip
        for path in list(folder.iterdir()):
            path.rename(folder / f"{learner.name}.0.{path.name}")
        folders[learner.name] = folder
    return {"context": context, "folders": folders}


def opened(learner: Any, learned: Mapping[str, Any]) -> Any:
    return learner.open(None, learned["folders"][learner.name], f"{learner.name}.0.", learned["context"])


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.name)
def test_it_ranks_subjects_it_has_not_seen(
    learner: Any, learned: Mapping[str, Any], simulate: Callable[..., Any], names: tuple[str, ...]
) -> None:
    x, time, event = simulate(400, seed=9)
    scores = opened(learner, learned).scores(learner.design(None, samples(x, names)))
    assert scores.shape == (400, len(learned["context"]["grid"]))
    assert np.isfinite(scores).all()
    assert (np.diff(scores, axis=1) >= -1e-9).all()
    assert c_index(scores, units(time, event)) > WORTH[learner.name]
    one = opened(learner, learned).scores(learner.design(None, samples(x[:1], names)))
    np.testing.assert_allclose(one, scores[:1], rtol=1e-5, atol=1e-5)
    alive = np.exp(-np.exp(scores)).mean(0)
    middle = len(alive) // 2
    at = learned["context"]["grid"][middle]
    assert alive[middle] == pytest.approx((time > at).mean() + 0.1, abs=0.15)  # some left before


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.name)
def test_rows_without_any_value_are_answered(
    learner: Any, learned: Mapping[str, Any], names: tuple[str, ...]
) -> None:
    x = np.full((2, len(names)), np.nan, np.float32)
    assert np.isfinite(opened(learner, learned).scores(learner.design(None, samples(x, names)))).all()


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.name)
def test_a_column_too_few_is_refused(
    learner: Any, learned: Mapping[str, Any], names: tuple[str, ...]
) -> None:
    design = learner.design(None, samples(np.zeros((2, 3), np.float32), names[:3]))
    with pytest.raises(BadInput) as refused:
        opened(learner, learned).scores(design)
    assert refused.value.code == "missing-columns"


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.name)
def test_files_are_flat_and_no_pickles(learner: Any, learned: Mapping[str, Any]) -> None:
    files = list(learned["folders"][learner.name].iterdir())
    assert files
    assert {path.suffix for path in files} <= {".json", ".npz", ".onnx", ".txt"}


def test_a_file_that_is_not_what_was_written_is_refused(learned: Mapping[str, Any], tmp_path: Path) -> None:
    learner = LEARNERS[0]
    for path in learned["folders"][learner.name].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 40 if path.suffix == ".npz" else None])
    with pytest.raises(Unreadable):
        learner.open(None, tmp_path, f"{learner.name}.0.", learned["context"])


def test_the_same_seed_gives_the_same_networks(
    simulate: Callable[..., Any], names: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    x, time, event = simulate(150)
    context = {"grid": time_grid(time, event)}
    found = []
    for learner in (DeepSurvLearner(epochs=5, members=2), DeepHitLearner(epochs=3, members=2)):
        for turn in range(2):
            folder = tmp_path / f"{learner.name}{turn}"
            folder.mkdir()
            design = learner.design(None, samples(x, names))  # type: ignore[arg-type]
            learner.fit(
                None, design, units(time, event), folder, settings={"width": 8}, context=context,
                seed=5, progress=lambda _: None,
            )  # type: ignore[arg-type]  # fmt: skip
            found.append(learner.open(None, folder, "", context).scores(design))  # type: ignore[arg-type]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])


def test_no_event_to_learn_from_is_refused(
    simulate: Callable[..., Any], names: tuple[str, ...], tmp_path: Path
) -> None:
    x, time, event = simulate(60)
    learner = LEARNERS[0]
    with pytest.raises(BadInput) as refused:
        learner.fit(
            None, learner.design(None, samples(x, names)), units(time, event & False), tmp_path,
            settings={}, context={"grid": time_grid(time, event)}, seed=0, progress=lambda _: None,
        )  # fmt: skip
    assert refused.value.code == "too-few-events"


def test_serving_imports_neither_torch_nor_lightgbm(
    learned: Mapping[str, Any], names: tuple[str, ...]
) -> None:
    code = f"""
import sys
import numpy as np
from pathlib import Path
from suwen.engines.linear.table import Table
from suwen.systems.signals.cancer_survival import task
context = {{"grid": np.array({learned["context"]["grid"].tolist()})}}
folders = { ({name: str(path) for name, path in learned["folders"].items()})!r}
for learner in task.learners:
    member = learner.open(task, Path(folders[learner.name]), learner.name + ".0.", context)
    member.scores(Table(np.zeros((2, {len(names)}), np.float32), {names!r}))
heavy = sorted({{"torch", "lightgbm", "sklearn", "scipy", "lifelines", "h5py"}} & set(sys.modules))
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
