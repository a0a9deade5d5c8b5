"""A forecast laid open: the parts of a trace, each answer the forecast from the same last reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Parts
from suwen.core.sample import Sample
from suwen.engines.panel.engine import engine
from suwen.systems.signals.glucose import task

pytest.importorskip("lightgbm")
pytest.importorskip("lightning")


@pytest.fixture(scope="module")
def model(waves: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small panel, trained and opened again."""
    run: Path = tmp_path_factory.mktemp("run")
    settings = engine.settings({"folds": 2, "epochs": 1, "rounds": 5, "width": 4})
    parts = Parts(train=tuple(waves[:4]), validation=(), groups=tuple(s.subject_id for s in waves[:4]))
    fitted = engine.fit(task, parts, settings, run, seed=0, progress=lambda _: None)
    manifest = {"engine_manifest": dict(fitted.engine_manifest), "calibration": {}}
    return engine.load(task, run / "model", manifest)


def test_the_latest_forecast_is_the_last_of_all(model: Any, waves: list[Sample]) -> None:
    some = waves[5:8]
    every, units = model.logits(some), model.units(some)
    ends = np.append(np.flatnonzero(np.diff(units.owner)), len(units) - 1)
    np.testing.assert_allclose(model.latest(some), every[ends], atol=1e-5)


def test_taking_everything_away_leaves_a_forecast_from_the_same_reading(
    model: Any, waves: list[Sample]
) -> None:
    players = model.open_up(waves[6], 0)
    count = len(players.variables)
    assert players.outputs == ("30 min", "60 min")
    assert players.unit == "mg/dL"
    assert set(players.variables) == {"glucose", "meal"}
    answers = players.answer(np.stack([np.ones(count, bool), np.zeros(count, bool)]))
    np.testing.assert_allclose(answers[0], model.latest([waves[6]])[0])
    assert np.isfinite(answers).all()
    last = waves[6].inputs["trace"].of("glucose")[1][-1]
    assert abs(answers[1, 0] - last) < 60


def test_answers_of_a_whole_trace_and_of_one_that_ended_there_agree(model: Any, waves: list[Sample]) -> None:
    """What a stream would have said at hour 50 is what the batch says of hour 50."""
    sample = waves[7]
    units, scores = model.units([sample]), model.logits([sample])
    at = int(np.searchsorted(units.hour, 50.0))
    cut = Sample(subject_id="x", inputs={"trace": sample.inputs["trace"].until(50.0)})
    np.testing.assert_allclose(model.latest([cut])[0], scores[at], atol=1e-5)
