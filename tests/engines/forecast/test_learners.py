"""Learners on made-up and real traces: files, order, what they beat, and a stream's single row."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import BadInput, Unreadable
from suwen.core.sample import Sample
from suwen.engines.forecast.boosted import Boosted
from suwen.engines.forecast.naive import LINEAR, PERSISTENCE
from suwen.engines.forecast.recurrent import Recurrent
from suwen.engines.forecast.ridge import Ridge, solve
from suwen.engines.forecast.units import forecast_units
from suwen.engines.panel.units import take
from suwen.systems.signals.glucose import task

EVENTS = ("meal",)
SETTINGS: dict[str, Any] = {"rounds": 30, "epochs": 2, "width": 8, "threads": 1}
LEARNED = (Ridge(events=EVENTS), Boosted(events=EVENTS), Recurrent(events=EVENTS))
needs_training = {"lightgbm": "lightgbm", "gru": "lightning"}


def learn(learner: Any, samples: Any, folder: Path, **settings: Any) -> Any:
    """Fit into ``folder`` and open as the panel packs it: flat, every name with a prefix."""
    if learner.name in needs_training:
        pytest.importorskip(needs_training[learner.name])
    design = learner.design(task, samples)
    units = forecast_units(samples, task.endpoint)
    learner.fit(
        task, design, units, folder,
        settings=SETTINGS | settings, context={}, seed=1, progress=lambda _: None,
    )  # fmt: skip
    for path in list(folder.iterdir()):
        assert path.is_file()
        path.rename(folder / f"{learner.name}.0.{path.name}")
    return learner.open(task, folder, f"{learner.name}.0.", {})


def rmse(scores: Any, units: Units) -> Any:
    return np.sqrt(np.nanmean((scores - units.target) ** 2, axis=0))


def test_persistence_and_the_straight_line(make: Callable[..., Sample], tmp_path: Path) -> None:
    samples = [make([100, 110, 116], [0, 0.25, 0.45])]
    still = learn(PERSISTENCE, samples, tmp_path)
    np.testing.assert_array_equal(still.scores(PERSISTENCE.design(task, samples)), [[110, 110], [116, 116]])
    line = learn(LINEAR, samples, tmp_path)
    np.testing.assert_allclose(line.scores(LINEAR.design(task, samples)), [[130, 150], [131, 146]], rtol=1e-6)
    assert list(tmp_path.iterdir()) == []  # rules leave no files


def test_solve_is_least_squares_with_a_penalty() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = x @ [1.0, -2.0, 0.5] + 7
    coefficients, intercept = solve(x, y, 0.0)
    np.testing.assert_allclose(coefficients, [1, -2, 0.5], atol=1e-9)
    assert intercept == pytest.approx(7)
    sklearn = pytest.importorskip("sklearn.linear_model").Ridge(alpha=30.0).fit(x, y)
    coefficients, intercept = solve(x, y, 30.0)
    np.testing.assert_allclose(coefficients, sklearn.coef_, rtol=1e-9)
    assert intercept == pytest.approx(float(sklearn.intercept_))


@pytest.mark.parametrize("learner", LEARNED, ids=lambda one: one.name)
def test_it_beats_persistence_on_unseen_patients(learner: Any, waves: list[Sample], tmp_path: Path) -> None:
    member = learn(learner, waves[:8], tmp_path, epochs=6, learning_rate=0.01)
    held = waves[8:]
    units = forecast_units(held, task.endpoint)
    scores = member.scores(learner.design(task, held))
    assert scores.shape == units.target.shape
    assert scores.dtype == np.float64
    still = PERSISTENCE.open(task, tmp_path, "", {}).scores(PERSISTENCE.design(task, held))
    assert (rmse(scores, units) < 0.8 * rmse(still, units)).all()


@pytest.mark.parametrize("learner", (PERSISTENCE, LINEAR, *LEARNED), ids=lambda one: one.name)
def test_the_latest_row_is_the_last_of_all_rows(learner: Any, waves: list[Sample], tmp_path: Path) -> None:
    member = learn(learner, waves[:3], tmp_path, rounds=5, epochs=1)
    samples = waves[3:6]
    every, latest = learner.design(task, samples), learner.latest(task, samples)
    assert latest.owner.tolist() == [0, 1, 2]
    ends = np.append(np.flatnonzero(np.diff(every.owner)), len(every) - 1)
    np.testing.assert_allclose(member.scores(latest), member.scores(every)[ends], atol=1e-5)


def test_a_design_is_taken_as_its_units_are(waves: list[Sample]) -> None:
    learner = Recurrent(events=EVENTS)
    design, units = learner.design(task, waves[:4]), forecast_units(waves[:4], task.endpoint)
    order = np.array([3, 1])
    taken, some = design.take(order), take(units, order)
    assert taken.owner.tolist() == some.owner.tolist()
    direct = learner.design(task, [waves[3], waves[1]])
    for name, array in direct.arrays.items():
        np.testing.assert_array_equal(taken.arrays[name], array)
    assert len(design.take(np.zeros(0, np.int64))) == 0


@pytest.mark.parametrize("learner", LEARNED, ids=lambda one: one.name)
def test_equal_seeds_learn_the_same(learner: Any, waves: list[Sample], tmp_path: Path) -> None:
    answers = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        member = learn(learner, waves[:3], tmp_path / name, rounds=5, epochs=1)
        answers.append(member.scores(learner.design(task, waves[3:4])))
    np.testing.assert_array_equal(*answers)


def test_a_trace_without_doses_or_a_clock_is_answered_for(
    make: Callable[..., Sample], waves: list[Sample], tmp_path: Path
) -> None:
    bare = [make(waves[5].inputs["trace"].of("glucose")[1], start=None)]
    for learner in LEARNED:
        folder = tmp_path / learner.name
        folder.mkdir()
        scores = learn(learner, waves[:3], folder, rounds=5, epochs=1).scores(learner.design(task, bare))
        assert np.isfinite(scores).all()


def test_bags_are_averaged_and_an_interruption_is_taken_up(waves: list[Sample], tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    learner = Recurrent()
    whole, resumed = tmp_path / "a", tmp_path / "b"
    for folder in (whole, resumed):
        folder.mkdir()
    member = learn(learner, waves[:2], whole, epochs=1, bags=2)
    said: list[str] = []

    def stop(line: str) -> None:
        said.append(line)
        if line.startswith("gru 2/2"):
            raise KeyboardInterrupt

    design, units = learner.design(task, waves[:2]), forecast_units(waves[:2], task.endpoint)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        learner.fit(
            task, design, units, resumed,
            settings=SETTINGS | {"epochs": 1, "bags": 2}, context={}, seed=1, progress=stop,
        )  # fmt: skip
    again = learn(learner, waves[:2], resumed, epochs=1, bags=2)
    some = learner.design(task, waves[2:3])
    np.testing.assert_allclose(again.scores(some), member.scores(some), atol=1e-5)
    assert any(line.startswith("gru 1/2") for line in said)


@pytest.mark.parametrize(
    ("learner", "file"),
    [(LEARNED[0], "ridge.json"), (LEARNED[1], "boosted.json"), (LEARNED[2], "recurrent.json")],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_spoiled_file_is_an_error_of_ours(learner: Any, file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(json.dumps({"nothing": 1}))
    with pytest.raises(Unreadable):
        learner.open(task, tmp_path, "", {})


def test_traces_without_a_future_cannot_be_learned_from(make: Callable[..., Sample], tmp_path: Path) -> None:
    samples = [make([100, 110, 120])]  # half an hour: nothing is an hour ahead
    learner = Ridge()
    with pytest.raises(BadInput) as raised:
        learner.fit(
            task, learner.design(task, samples), forecast_units(samples, task.endpoint), tmp_path,
            settings={}, context={}, seed=0, progress=lambda _: None,
        )  # fmt: skip
    assert raised.value.code == "no-future"


def test_serving_imports_nothing_that_trains(waves: list[Sample], tmp_path: Path) -> None:
    for learner in LEARNED:
        folder = tmp_path / learner.name
        folder.mkdir()
        learn(learner, waves[:2], folder, rounds=3, epochs=1)
    program = (
        "import sys; from pathlib import Path; from suwen.systems.signals.glucose import task\n"
        f"for one in task.learners[2:]: one.open(task, Path(r'{tmp_path}') / one.name, one.name + '.0.', {{}})\n"
        "print(sorted({'torch', 'lightgbm', 'sklearn', 'scipy', 'lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_autoregression_forecasts_real_patients_a_fifth_better_than_persistence(
    real: tuple[Sample, ...], tmp_path: Path
) -> None:
    """Learned on six real patients, judged on the four others: the issue's bar, by the simplest learner."""
    patients = sorted({sample.subject_id for sample in real})
    learn_from = [s for s in real if s.subject_id in patients[:6]]
    held = [s for s in real if s.subject_id in patients[6:]]
    learner = task.learners[2]
    member = learn(learner, learn_from, tmp_path)
    units = forecast_units(held, task.endpoint)
    still = PERSISTENCE.open(task, tmp_path, "", {}).scores(PERSISTENCE.design(task, held))
    line = LINEAR.open(task, tmp_path, "", {}).scores(LINEAR.design(task, held))
    own = rmse(member.scores(learner.design(task, held)), units)
    assert own[0] < 0.8 * rmse(still, units)[0]
    assert own[0] < rmse(line, units)[0]
