"""Patients followed observation by observation: after each the answer of a batch over all that is known so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specimens import Source
from suwen.core.engine import Parts
from suwen.core.errors import SuwenError
from suwen.core.sample import Sample
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.panel.engine import engine, panel
from suwen.engines.panel.landmarks import Landmarked
from suwen.engines.panel.model import PanelModel
from suwen.engines.panel.stream import PanelStream
from suwen.engines.panel.task import PanelTask
from suwen.formats.signals.observations import Observations
from suwen.lifecycle.discovery import find

TASK = "signals.mortality"
EQUAL = 1e-5
TEMPERATURE = 1.4
SETTINGS = {"folds": 2, "epochs": 2, "rounds": 12, "width": 6, "bags": 1}
EVERY: Mapping[str, float] = {"logistic": 0.4, "lightgbm": 0.3, "gru": 0.3, "gru_d": 0.2, "lstm": 0.1}
"""All kinds of learners at once; published scores are not followed."""


@pytest.fixture(scope="module")
def task() -> PanelTask:
    """The task with trees that also split where there are few stays to learn from."""
    found = panel(find(TASK))
    few = {"min_data_in_leaf": 3, "num_leaves": 5}
    learners: list[Any] = []
    for learner in found.learners:
        if isinstance(learner, Landmarked) and isinstance(learner.learner, BoostedClasses):
            learners.append(replace(learner, learner=replace(learner.learner, parameters=few), early=None))
        else:
            learners.append(learner)
    return replace(found, learners=tuple(learners))


@pytest.fixture(scope="module")
def folder(
    task: PanelTask, source_of: Callable[[str], Source], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Every learner, trained a little on real stays."""
    samples = [s for s in task.collect(str(source_of(TASK).path)) if s.target and len(stay_of(s)) > 30]
    parts = Parts(
        train=tuple(samples[:100]),
        validation=tuple(samples[100:]),
        groups=tuple(s.subject_id for s in samples),
    )
    run = tmp_path_factory.mktemp("followed")
    engine.fit(task, parts, engine.settings(SETTINGS), run, seed=0, progress=lambda _: None)
    return run / "model"


@pytest.fixture(scope="module")
def made(task: PanelTask, folder: Path) -> Callable[..., PanelModel]:
    """The tiny trained model, with weights as a test wants them."""

    def build(parts: Mapping[str, float] = EVERY) -> PanelModel:
        model = engine.load(task, folder, {"calibration": {"temperature": TEMPERATURE}})
        assert isinstance(model, PanelModel)
        model.parts, model.added = dict(parts), np.array([0.0, -0.3])
        return model

    return build


@pytest.fixture(scope="module")
def stays(task: PanelTask, source_of: Callable[[str], Source]) -> list[Sample]:
    """A few real stays."""
    return [task.read(item)[0] for item in source_of(TASK).items[:6]]


def stay_of(sample: Sample) -> Observations:
    seen: Observations = sample.inputs["stay"]
    return seen


def first(sample: Sample, count: int) -> Sample:
    """What was known once so many observations had come in."""
    seen = stay_of(sample)
    cut = replace(
        seen,
        hours=seen.hours[:count],
        variable=seen.variable[:count],
        values=seen.values[:count],
        length_h=float(seen.hours[count - 1]),
    )
    return replace(sample, inputs={"stay": cut})


def batch(model: PanelModel, samples: list[Sample]) -> Any:
    """Probability of death of each, (n,)."""
    logits = model.logits(samples) / TEMPERATURE
    return 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))


def updates(sample: Sample, name: str) -> list[tuple[str, float, int, float]]:
    seen = stay_of(sample)
    return [
        (name, float(h), int(v), float(x))
        for h, v, x in zip(seen.hours, seen.variable, seen.values, strict=True)
    ]


def begun(stream: PanelStream, sample: Sample, name: str) -> None:
    stream.begin(name, stay_of(sample).static)


@pytest.mark.parametrize("parts", [*({name: 1.0} for name in EVERY), EVERY], ids=[*EVERY, "ensemble"])
def test_every_answer_is_that_of_a_batch_over_what_is_known(
    parts: Mapping[str, float], made: Callable[..., PanelModel], stays: list[Sample]
) -> None:
    model = made(parts)
    stream = model.stream()
    for at, sample in enumerate(stays[:3]):
        begun(stream, sample, f"p{at}")
        answers = [stream.update(*one) for one in updates(sample, f"p{at}")]
        counts = [1, 2, 3, *range(5, len(answers), 23), len(answers)]
        expected = batch(model, [first(sample, count) for count in counts])
        np.testing.assert_allclose([answers[count - 1] for count in counts], expected, atol=EQUAL, rtol=0)
        assert np.ptp(answers) > 1e-3, "an answer that never moves proves nothing"
        whole = batch(model, [sample])[0]
        assert abs(stream.at(f"p{at}", 48.0) - whole) <= EQUAL


def test_patients_together_are_as_each_alone(made: Callable[..., PanelModel], stays: list[Sample]) -> None:
    model = made()
    together, alone = model.stream(), model.stream()
    every: list[tuple[str, float, int, float]] = []
    for at, sample in enumerate(stays):
        begun(together, sample, f"p{at}")
        begun(alone, sample, f"p{at}")
        every += updates(sample, f"p{at}")[:120]
    order = sorted(range(len(every)), key=lambda at: every[at][1])  # as they come in over a day
    mixed = [every[at] for at in order]
    got: list[float] = []
    for start in range(0, len(mixed), 50):
        got += together.update_many(mixed[start : start + 50])
    back = np.empty(len(every))
    back[order] = got
    np.testing.assert_allclose(back, [alone.update(*one) for one in every], atol=EQUAL, rtol=0)


def test_room_grows_and_is_given_back(
    made: Callable[..., PanelModel], stays: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    from suwen.engines.panel import stream as module

    model = made()
    wanted = [model.stream().update_many(updates(sample, "p")[:40])[-1] for sample in stays]
    monkeypatch.setattr(module, "PLACES", 2)
    small = PanelStream(model)
    size = small.bytes_per_patient()
    for at, sample in enumerate(stays):
        small.update_many(updates(sample, f"p{at}")[:39])
    for at, sample in enumerate(stays):
        assert small.update(*updates(sample, f"p{at}")[39]) == pytest.approx(wanted[at], abs=EQUAL)
    assert small.bytes_per_patient() == size
    assert small.room == 8
    for at in range(len(stays)):
        small.forget(f"p{at}")
    for at, sample in enumerate(reversed(stays)):
        fresh = small.update_many(updates(sample, f"q{at}")[:40])[-1]
        assert fresh == pytest.approx(wanted[len(stays) - 1 - at], abs=EQUAL), (
            "nothing is left of who was there"
        )
    assert small.room == 8, "places are taken again"


def test_begun_anew_nothing_of_before_counts(made: Callable[..., PanelModel], stays: list[Sample]) -> None:
    stream = made().stream()
    begun(stream, stays[0], "p")
    expected = stream.update_many(updates(stays[0], "p")[:60])
    stream.update_many(updates(stays[0], "p")[60:90])
    begun(stream, stays[0], "p")
    assert stream.update_many(updates(stays[0], "p")[:60]) == expected


def test_descriptors_are_read(made: Callable[..., PanelModel], stays: list[Sample]) -> None:
    answers = []
    for age in (30.0, 88.0, float("nan")):
        stream = made().stream()
        stream.begin("p", {**stay_of(stays[0]).static, "Age": age})
        answers.append(stream.update_many(updates(stays[0], "p")[:60])[-1])
    assert len(set(answers)) == 3


def test_time_passes_without_an_observation(made: Callable[..., PanelModel], stays: list[Sample]) -> None:
    model = made()
    stream = model.stream()
    begun(stream, stays[1], "p")
    known = [one for one in updates(stays[1], "p") if one[1] <= 10]
    stream.update_many(known)
    for hour in (10.5, 14.0, 30.25, 47.9, 48.0):
        cut = replace(stay_of(first(stays[1], len(known))), length_h=hour)
        expected = batch(model, [replace(stays[1], inputs={"stay": cut})])[0]
        assert stream.at("p", hour) == pytest.approx(expected, abs=EQUAL), hour


def test_what_comes_after_the_window_changes_nothing_that_was_seen_in_it(
    made: Callable[..., PanelModel], stays: list[Sample]
) -> None:
    model = made()
    stream = model.stream()
    begun(stream, stays[2], "p")
    stream.update_many(updates(stays[2], "p"))
    last = stream.at("p", 48.0)
    assert stream.update("p", 60.0, model.task.names.index("HR"), 180.0) == pytest.approx(last, abs=EQUAL)


@pytest.mark.parametrize(
    ("update", "code"),
    [
        (("p", 4.9, 3, 80.0), "unsorted"),
        (("q", -0.1, 3, 80.0), "unsorted"),
        (("p", 6.0, 3, float("nan")), "not-finite"),
        (("p", 6.0, 3, float("inf")), "not-finite"),
        (("p", float("nan"), 3, 80.0), "not-finite"),
        (("p", 6.0, -1, 80.0), "unknown-variable"),
        (("p", 6.0, 999, 80.0), "unknown-variable"),
    ],
)
def test_a_bad_update_is_refused_and_nothing_of_its_batch_is_taken_in(
    update: tuple[str, float, int, float], code: str, made: Callable[..., PanelModel]
) -> None:
    stream = made().stream()
    stream.update("p", 5.0, 3, 80.0)
    before = stream.at("p", 5.0)
    with pytest.raises(SuwenError) as refused:
        stream.update_many([("p", 6.0, 4, 1.0), update])
    assert refused.value.code == code
    assert refused.value.fix
    assert stream.at("p", 5.0) == before, "the good half was not taken in either"
    assert set(stream.places) == {"p"}


def test_the_order_is_kept_within_one_batch_too(made: Callable[..., PanelModel]) -> None:
    stream = made().stream()
    with pytest.raises(SuwenError) as refused:
        stream.update_many([("p", 6.0, 3, 80.0), ("q", 1.0, 3, 80.0), ("p", 5.0, 3, 80.0)])
    assert refused.value.code == "unsorted"
    assert stream.places == {}
    assert len(stream.update_many([("p", 6.0, 3, 80.0), ("p", 6.0, 3, 82.0)])) == 2, "one moment may have two"


def test_a_patient_who_is_not_followed_has_no_risk(made: Callable[..., PanelModel]) -> None:
    with pytest.raises(SuwenError) as refused:
        made().stream().at("nobody", 3.0)
    assert refused.value.code == "not-found"


@pytest.mark.parametrize("parts", [EVERY, {"saps_i": 1.0}], ids=["learners", "replayed"])
def test_a_patient_of_whom_nothing_was_observed_yet(
    parts: Mapping[str, float], made: Callable[..., PanelModel], stays: list[Sample]
) -> None:
    model = made(parts)
    stream = model.stream()
    begun(stream, stays[0], "p")
    nothing = replace(
        stay_of(stays[0]),
        hours=np.zeros(0),
        variable=np.zeros(0, np.int16),
        values=np.zeros(0, np.float32),
        length_h=2.0,
    )
    expected = batch(model, [replace(stays[0], inputs={"stay": nothing})])[0]
    assert stream.at("p", 2.0) == pytest.approx(expected, abs=EQUAL)


def test_a_learner_without_a_state_is_asked_again_about_the_whole(
    made: Callable[..., PanelModel], stays: list[Sample]
) -> None:
    model = made({"saps_i": 0.7, "logistic": 0.3})
    stream = model.stream()
    begun(stream, stays[0], "p")
    answers = stream.update_many(updates(stays[0], "p")[:30])
    expected = batch(model, [first(stays[0], count) for count in (1, 10, 30)])
    np.testing.assert_allclose([answers[0], answers[9], answers[29]], expected, atol=EQUAL, rtol=0)
