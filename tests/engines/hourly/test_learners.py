"""Every learner of hours learns what can be learned, serves from files, and answers the past from the past alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.core.errors import Unreadable
from suwen.core.sample import Sample
from suwen.engines.hourly.boosted import HourlyTrees
from suwen.engines.hourly.linear import HourlyLogistic
from suwen.engines.hourly.reading import Reading
from suwen.engines.hourly.recurrent import HourlyNetwork
from suwen.engines.hourly.units import hourly_units
from suwen.engines.panel.criterion import auroc, log_likelihood
from suwen.engines.panel.task import PanelTask
from suwen.engines.panel.units import take
from suwen.systems.signals._sepsis_terms import STATIC, VITAL, terms

SMALL: dict[str, Any] = {"min_data_in_leaf": 20, "learning_rate": 0.1, "feature_fraction": 0.5}
LEARNERS: dict[str, Any] = {
    "logistic": HourlyLogistic(reading=Reading(static=STATIC)),
    "trees": HourlyTrees(
        reading=Reading(static=STATIC, full=True, vital=VITAL, terms=terms),
        rounds=30,
        bags=2,
        parameters=SMALL,
    ),
    "gru": HourlyNetwork(
        static=STATIC,
        recipe=(("epochs", 6), ("width", 16), ("learning_rate", 0.01), ("batch_size", 8), ("hide", 0.0)),
    ),
    "tcn": HourlyNetwork(
        cell="tcn", static=STATIC, recipe=(("epochs", 2), ("width", 8), ("batch_size", 16), ("bags", 2))
    ),
}
SETTINGS = {"threads": 1}
CONTEXT = {"classes": ["no sepsis", "sepsis"]}


def learn(name: str, task: PanelTask, samples: list[Sample], folder: Path) -> Any:
    learner = LEARNERS[name]
    folder.mkdir(exist_ok=True)
    units = hourly_units(samples, task.endpoint)
    learner.fit(
        task, learner.design(task, samples), units, folder, settings=SETTINGS, context=CONTEXT, seed=1,
        progress=lambda _: None,
    )  # fmt: skip
    return learner.open(task, folder, "", CONTEXT)


@pytest.fixture(scope="session", params=list(LEARNERS))
def learned(
    request: pytest.FixtureRequest,
    task: PanelTask,
    made: Callable[[int], list[Sample]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Any, Path]:
    """A learner, trained on stays 0 to 139, opened."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, learn(request.param, task, made(200)[:140], folder), folder


@pytest.fixture(scope="session")
def held(task: PanelTask, made: Callable[[int], list[Sample]]) -> tuple[list[Sample], Units]:
    samples = made(200)[140:]
    return samples, hourly_units(samples, task.endpoint)


def test_it_learns_what_comes_before_an_onset(
    learned: tuple[str, Any, Path], held: tuple[list[Sample], Units], task: PanelTask
) -> None:
    name, member, _ = learned
    samples, units = held
    scores = member.scores(LEARNERS[name].design(task, samples))
    assert scores.shape == (len(units), 2)
    assert auroc(scores, units) > (0.7 if name == "tcn" else 0.9)
    share = (units.target == 1).mean()
    silent = share * np.log(share) + (1 - share) * np.log(1 - share)
    assert log_likelihood(scores, units) > silent


def test_its_scores_are_log_odds_of_the_label(
    learned: tuple[str, Any, Path], held: tuple[list[Sample], Units], task: PanelTask
) -> None:
    name, member, _ = learned
    samples, units = held
    scores = member.scores(LEARNERS[name].design(task, samples))
    mean = float((1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))).mean())
    assert mean == pytest.approx(float((units.target == 1).mean()), rel=0.5)


def test_hours_to_come_change_nothing(
    learned: tuple[str, Any, Path],
    held: tuple[list[Sample], Units],
    task: PanelTask,
    until: Callable[[Sample, int], Sample],
) -> None:
    name, member, _ = learned
    learner, (samples, units) = LEARNERS[name], held
    batch = member.scores(learner.design(task, samples))
    for number in (0, 3):
        rows = np.flatnonzero(units.owner == number)
        for hours in (1, 7, len(rows)):
            then = member.scores(learner.design(task, [until(samples[number], hours)]))
            np.testing.assert_allclose(then, batch[rows[:hours]], atol=1e-5)


def test_a_subset_of_the_design_scores_as_the_samples_alone(
    learned: tuple[str, Any, Path], held: tuple[list[Sample], Units], task: PanelTask
) -> None:
    name, member, _ = learned
    learner, (samples, units) = LEARNERS[name], held
    chosen = np.array([5, 2])
    some = member.scores(learner.design(task, samples).take(chosen))
    alone = member.scores(learner.design(task, [samples[5], samples[2]]))
    assert len(some) == len(take(units, chosen))
    np.testing.assert_allclose(some, alone, atol=1e-6)


def test_files_are_flat_and_found_by_their_prefix(
    learned: tuple[str, Any, Path], held: tuple[list[Sample], Units], task: PanelTask, tmp_path: Path
) -> None:
    name, member, folder = learned
    for path in folder.iterdir():
        assert path.is_file()
        (tmp_path / f"x.0.{path.name}").write_bytes(path.read_bytes())
    again = LEARNERS[name].open(task, tmp_path, "x.0.", CONTEXT)
    design = LEARNERS[name].design(task, held[0][:4])
    np.testing.assert_array_equal(again.scores(design), member.scores(design))


def test_a_lost_file_is_said(learned: tuple[str, Any, Path], task: PanelTask, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        LEARNERS[learned[0]].open(task, tmp_path, "", CONTEXT)


@pytest.mark.parametrize("name", ["trees", "gru"])
def test_the_same_seed_gives_the_same_member(
    name: str,
    task: PanelTask,
    made: Callable[[int], list[Sample]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(LEARNERS["trees"], rounds=5)
    if name == "gru":
        quick = HourlyNetwork(static=STATIC, recipe=(("epochs", 1), ("width", 8), ("batch_size", 8)))
    monkeypatch.setitem(LEARNERS, name, quick)
    samples = made(40)
    first, second = (learn(name, task, samples, tmp_path / str(k)) for k in range(2))
    design = quick.design(task, samples)
    np.testing.assert_array_equal(first.scores(design), second.scores(design))


def test_contributions_of_trees_add_up(
    task: PanelTask, made: Callable[[int], list[Sample]], tmp_path: Path
) -> None:
    samples = made(60)
    member = learn("trees", task, samples, tmp_path / "trees")
    design = LEARNERS["trees"].design(task, samples[:5])
    parts, scores = member.contributions(design), member.scores(design)
    assert parts.shape == (len(design), len(design.names) + 1)
    np.testing.assert_allclose(parts.sum(1), scores[:, 1] - scores[:, 0], atol=1e-6)


def test_a_network_steps_to_where_the_whole_course_leads(
    task: PanelTask, made: Callable[[int], list[Sample]], tmp_path: Path
) -> None:
    samples = made(24)
    member = learn("gru", task, samples, tmp_path / "gru")
    design = LEARNERS["gru"].design(task, samples)
    features = member.encoding.features(design)
    whole = member.course(features, design.starts)
    state = member.begin(1)
    for row in range(int(design.starts[1])):
        score, state = member.step(features[row : row + 1], state)
        assert score[0, 0] == pytest.approx(whole[row], abs=1e-5)
