"""A learner of whole stays and of periods before their end: who is trained on what, and who answers when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Units
from suwen.core.sample import Sample
from suwen.engines.panel.landmarks import Landmarked
from suwen.formats.signals.observations import Observations

EDGES = (12.0, 24.0, 48.0)


@dataclass(frozen=True)
class Until:
    """Up to when each stay is known, and how many observations that leaves."""

    known: Any

    def take(self, samples: Any) -> Until:
        """Of these samples."""
        return Until(self.known[samples])


@dataclass(frozen=True, kw_only=True)
class Noting:
    """Notes what it is trained on, and answers with its own number."""

    seen: list[Any] = field(default_factory=list)
    settings: list[Any] = field(default_factory=list)
    name: str = "noting"
    family: str = "boosted"
    packages: tuple[str, ...] = ("lightgbm",)

    def design(self, task: Any, samples: Sequence[Sample]) -> Until:
        """Length and count."""
        stays = [sample.inputs["stay"] for sample in samples]
        return Until(np.array([(one.length_h, len(one)) for one in stays]))

    def fit(
        self, task: Any, design: Until, units: Units, folder: Path, *, settings: Any, seed: int, **_: Any
    ) -> None:
        """Write a number."""
        self.seen.append(design.known)
        self.settings.append(dict(settings))
        write_json(folder / "number.json", len(self.seen))

    def open(self, task: Any, folder: Path, prefix: str, context: Mapping[str, Any]) -> Number:
        """Read it."""
        return Number(read_json(folder / f"{prefix}number.json"))


@dataclass(frozen=True)
class Number:
    """Answers with a number."""

    number: int

    def scores(self, design: Until) -> Any:
        """(n, 2)."""
        return np.tile([0.0, float(self.number)], (len(design.known), 1))


class _Task:
    inputs = (type("Field", (), {"name": "stay"}),)


def stays(n: int = 30, length: float = 48.0) -> list[Sample]:
    hours = np.linspace(0, 48, 97)
    return [
        Sample(
            subject_id=str(at),
            inputs={
                "stay": Observations(
                    hours=hours,
                    variable=np.zeros(97, np.int16),
                    values=np.ones(97, np.float32),
                    names=("HR",),
                    length_h=length,
                )
            },
        )
        for at in range(n)
    ]


def trained(folder: Path, seed: int = 3, **settings: Any) -> tuple[Landmarked, Noting]:
    inner = Noting()
    learner = Landmarked(learner=inner, edges=EDGES)
    samples = stays()
    units = Units(owner=np.arange(30), hour=np.zeros(30), target=np.arange(30) % 2)
    learner.fit(
        _Task(), learner.design(_Task(), samples), units, folder,
        settings=settings, context={}, seed=seed, progress=lambda _: None,
    )  # type: ignore[arg-type]  # the name of its input is all that is asked of the task  # fmt: skip
    return learner, inner


def test_one_model_of_whole_stays_and_one_of_each_period(tmp_path: Path) -> None:
    learner, inner = trained(tmp_path)
    assert (learner.name, learner.family, learner.packages) == ("noting", "boosted", ("lightgbm",))
    assert {path.name for path in tmp_path.iterdir()} == {
        "number.json", "period0.number.json", "period1.number.json", "period2.number.json"
    }  # fmt: skip
    whole, *periods = inner.seen
    assert (whole == [48.0, 97]).all()
    begins = (0.0, *EDGES[:-1])
    for known, begin, end in zip(periods, begins, EDGES, strict=True):
        assert (known[:, 0] >= begin).all()
        assert (known[:, 0] <= end).all()
        assert len(set(known[:, 0])) == 30, "a moment of its own for each stay"
        np.testing.assert_array_equal(known[:, 1], np.floor(known[:, 0] * 2) + 1)


def test_the_moments_are_decided_by_the_seed(tmp_path: Path) -> None:
    runs = []
    for at, seed in enumerate((3, 3, 4)):
        (tmp_path / str(at)).mkdir()
        runs.append(trained(tmp_path / str(at), seed)[1].seen[1])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_periods_may_have_a_quicker_learner(tmp_path: Path) -> None:
    whole, early = Noting(), Noting()
    learner = Landmarked(learner=whole, early=early, edges=EDGES)
    units = Units(owner=np.arange(30), hour=np.zeros(30), target=np.arange(30) % 2)
    learner.fit(
        _Task(), learner.design(_Task(), stays()), units, tmp_path,
        settings={}, context={}, seed=3, progress=lambda _: None,
    )  # type: ignore[arg-type]  # the name of its input is all that is asked of the task  # fmt: skip
    assert (len(whole.seen), len(early.seen)) == (1, len(EDGES))


@pytest.mark.parametrize(
    ("hour", "number"),
    [(0.0, 2), (11.9, 2), (12.0, 2), (12.1, 3), (24.0, 3), (47.9, 4), (48.0, 1), (50.0, 1)],
)
def test_the_time_of_asking_chooses_who_answers(hour: float, number: int, tmp_path: Path) -> None:
    learner, _ = trained(tmp_path)
    member = learner.open(_Task(), tmp_path, "", {})  # type: ignore[arg-type]
    cut = [
        Sample(subject_id=s.subject_id, inputs={"stay": s.inputs["stay"].until(hour)})
        for s in stays(2, length=max(hour, 48.0))
    ]
    design = learner.design(_Task(), [*cut, *stays(1)])  # type: ignore[arg-type]
    assert member.scores(design)[:, 1].tolist() == [number, number, 1]
    assert member.scores(design.take(np.array([2, 0])))[:, 1].tolist() == [1, number]
