"""A search of the settings: first as they are, then others; a search that was killed goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Parts
from suwen.engines.panel.engine import engine
from suwen.engines.panel.settings import check

GIVEN = check({"folds": 3, "rounds": 200})


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Knows more the nearer its rounds are to 700."""

    slope: Any
    tried: list[Any] = field(default_factory=list)
    dies_at: int = 0
    killed: type[BaseException] = BaseException
    name: str = "tuned"
    family: str = "boosted"
    packages: tuple[str, ...] = ()

    def design(self, task: Any, samples: Any) -> Any:
        """One column, spoilt by an amount that its rounds decide."""
        return self.slope.design(task, samples)

    def fit(self, task: Any, design: Any, units: Any, folder: Path, *, settings: Any, **_: Any) -> None:
        """Note the settings."""
        self.tried.append(dict(settings))
        if len(self.tried) == self.dies_at:
            raise self.killed
        write_json(folder / "rounds.json", settings["rounds"])

    def open(self, task: Any, folder: Path, prefix: str, context: Mapping[str, Any]) -> Any:
        """With noise in its answers."""
        rounds = read_json(folder / f"{prefix}rounds.json")
        return Noisy(abs(np.log(rounds / 700)))


@dataclass(frozen=True)
class Noisy:
    """The column and noise."""

    amount: float

    def scores(self, design: Any) -> Any:
        """Logits (n, 2)."""
        noise = np.random.default_rng(0).normal(size=len(design.values))
        return np.stack([np.zeros(len(noise)), design.values + 4 * self.amount * noise], 1)


def search(task: Any, samples: Any, run: Path, trials: int = 5) -> dict[str, Any]:
    groups = tuple(sample.subject_id for sample in samples)
    parts = Parts(train=tuple(samples[:80]), validation=tuple(samples[80:]), groups=groups)
    return engine.sweep(task, parts, GIVEN, run, trials=trials, seed=3, progress=lambda _: None)


def test_the_best_of_what_was_tried_is_returned(
    rows: Callable[..., Any], slopes: Callable[..., Any], slope: Any, tmp_path: Path
) -> None:
    tuned = Tuned(slope=slope(name="strong", at=0))
    best = search(slopes((tuned,)), rows(), tmp_path)
    trials = read_json(tmp_path / "sweep.json")
    assert len(trials) == 5
    assert trials[0]["settings"] == {}, "the first takes the settings as they are"
    assert tuned.tried[0] == GIVEN
    assert len(tuned.tried) == 5 * 2, "two folds each"
    assert all(set(trial["settings"]) == {"rounds"} for trial in trials[1:]), "only what trees read"
    chosen = max(trials, key=lambda trial: trial["figure"])
    assert best == {**GIVEN, **chosen["settings"]}
    assert chosen["figure"] >= trials[0]["figure"]
    assert {path.name for path in tmp_path.iterdir()} == {"sweep.json"}


def test_a_search_that_was_killed_goes_on_where_it_was(
    rows: Callable[..., Any],
    slopes: Callable[..., Any],
    slope: Any,
    killed: type[BaseException],
    tmp_path: Path,
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = search(slopes((Tuned(slope=slope(name="strong", at=0)),)), rows(), tmp_path / "whole")
    tuned = Tuned(slope=slope(name="strong", at=0), dies_at=6, killed=killed)
    with pytest.raises(killed):
        search(slopes((tuned,)), rows(), tmp_path / "cut")
    assert len(read_json(tmp_path / "cut" / "sweep.json")) == 2
    again = Tuned(slope=tuned.slope)
    assert search(slopes((again,)), rows(), tmp_path / "cut") == whole
    assert len(again.tried) == 5, "one fold of the third trial, and two trials more"
    assert read_json(tmp_path / "cut" / "sweep.json") == read_json(tmp_path / "whole" / "sweep.json")


def test_where_nothing_is_to_be_searched_the_settings_stay(
    rows: Callable[..., Any], slopes: Callable[..., Any], tmp_path: Path
) -> None:
    assert search(slopes(), rows(), tmp_path, trials=2) == GIVEN
