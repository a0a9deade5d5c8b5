"""A sweep: searched on validation, remembered, and taken up where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Parts
from suwen.engines.image import member as training
from suwen.engines.image.settings import check
from suwen.engines.image.sweep import SPACE, sweep
from suwen.lifecycle.discovery import find
from suwen.lifecycle.train import train

TASK = "imaging.pneumonia"
SETTINGS = {"epochs": 1, "ensemble": 1, "folds": 0, "batch_size": 16}


@pytest.fixture(scope="module")
def parts(pictures_of: Callable[[str], Path]) -> Parts:
    samples = [s for s in find(TASK).collect(str(pictures_of(TASK))) if s.target]
    return Parts(
        train=tuple(samples[::2]),
        validation=tuple(samples[1::4]),
        groups=tuple(map(str, range(len(samples)))),
    )


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Settings that were really trained."""
    seen: list[dict[str, Any]] = []
    real = training.train_member

    def watched(first: Any, second: Any, settings: Any, *rest: Any, **named: Any) -> Any:
        seen.append(dict(settings))
        return real(first, second, settings, *rest, **named)

    monkeypatch.setattr(training, "train_member", watched)
    return seen


def _sweep(parts: Parts, run: Path, trials: int) -> dict[str, Any]:
    return sweep(find(TASK), parts, check(SETTINGS), run, trials=trials, seed=0, progress=lambda _: None)


def test_a_stopped_sweep_goes_on_and_ends_the_same(
    parts: Parts, tmp_path: Path, trials: list[dict[str, Any]]
) -> None:
    whole = _sweep(parts, tmp_path / "whole", 4)
    assert len(trials) == 4
    told = read_json(tmp_path / "whole" / "sweep.json")
    assert len(told) == 4
    best = min(told, key=lambda line: line["validation_loss"])
    assert {key: whole[key] for key in SPACE} == best["settings"]
    assert {key: whole[key] for key in SETTINGS} == SETTINGS
    assert check(whole) == whole

    run = tmp_path / "stopped"
    write_json(run / "sweep.json", told[:2])
    assert _sweep(parts, run, 4) == whole
    assert len(trials) == 6, "two finished trials were not trained again"
    assert read_json(run / "sweep.json") == told


def test_the_first_trial_is_the_default(parts: Parts, tmp_path: Path) -> None:
    _sweep(parts, tmp_path, 1)
    (first,) = read_json(tmp_path / "sweep.json")
    assert first["settings"]["learning_rate"] == 2e-3
    assert first["settings"]["augment_strength"] == 1.0


def test_a_run_with_a_sweep_trains_the_best_in_full(
    pictures_of: Callable[[str], Path], home: Path, tmp_path: Path
) -> None:
    settings = {
        **SETTINGS, "mlflow": False, "shortcut_probe": False, "quantise": False, "baseline": False
    }  # fmt: skip
    document = train(TASK, str(pictures_of(TASK)), tmp_path / "run", overrides=settings, sweep=2)
    best = min(read_json(tmp_path / "run" / "sweep.json"), key=lambda line: line["validation_loss"])
    assert {key: document["settings"][key] for key in SPACE} == best["settings"]
