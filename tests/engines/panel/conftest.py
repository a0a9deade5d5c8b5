"""Small learners and tables with which a contest can be watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Units
from suwen.core.sample import Sample, Samples
from suwen.core.task import Endpoint, Field
from suwen.engines.panel.task import PanelTask
from suwen.formats.signals.row import Row

CODE = ("http://snomed.info/sct", "0", "A finding")


class Killed(BaseException):
    """Stands for a signal 9: nothing of the house may catch it."""


@dataclass(frozen=True)
class Column:
    """One column of the rows."""

    values: Any

    def take(self, samples: Any) -> Column:
        """Of these samples."""
        return Column(self.values[samples])


@dataclass(frozen=True, kw_only=True)
class Slope:
    """Learns the sign of one column; tells who it was trained on, and dies when told to."""

    name: str
    at: int
    family: str = "linear"
    packages: tuple[str, ...] = ()
    fits: list[Any] = field(default_factory=list)
    dies_at: list[int] = field(default_factory=list)

    def design(self, task: Any, samples: Sequence[Sample]) -> Column:
        """The column."""
        return Column(np.array([sample.inputs["row"].values[self.at] for sample in samples], np.float64))

    def fit(self, task: Any, design: Column, units: Units, folder: Path, *, seed: int, **_: Any) -> None:
        """A slope by the difference of means, and a note of the seed."""
        self.fits.append((len(design.values), len(units), seed))
        write_json(folder / "half.json", {})
        if len(self.fits) in self.dies_at:
            raise Killed
        gap = design.values[units.target == 1].mean() - design.values[units.target == 0].mean()
        write_json(folder / "slope.json", {"slope": float(gap), "seed": seed})

    def open(self, task: Any, folder: Path, prefix: str, context: Mapping[str, Any]) -> Line:
        """What was written."""
        return Line(read_json(folder / f"{prefix}slope.json")["slope"])


@dataclass(frozen=True)
class Line:
    """A slope in service."""

    slope: float

    def scores(self, design: Column) -> Any:
        """Logits (n, 2)."""
        return np.stack([np.zeros(len(design.values)), self.slope * design.values], 1)


class Nowhere:
    """A source that is not read."""

    def collect(self, task: Any, source: str) -> Samples:
        """Never asked."""
        raise AssertionError

    def read(self, task: Any, item: Any) -> Sequence[Sample]:
        """Never asked."""
        raise AssertionError


@pytest.fixture
def rows() -> Callable[[int], list[Sample]]:
    """Samples of three columns: strong, weak and no evidence; subjects come twice."""

    def make(n: int = 120) -> list[Sample]:
        rng = np.random.default_rng(4)
        truth = np.arange(n) % 3 == 0
        x = rng.normal(size=(n, 3)).astype(np.float32)
        x[:, 0] += 1.6 * truth
        x[:, 1] += 0.8 * truth
        return [
            Sample(
                subject_id=f"s{at // 2}",
                inputs={"row": Row(values=values, names=("strong", "weak", "none"))},
                target="ill" if ill else "well",
                source=f"row {at}",
            )
            for at, (values, ill) in enumerate(zip(x, truth, strict=True))
        ]

    return make


@pytest.fixture
def slopes() -> Callable[..., PanelTask]:
    """A task with three learners over one column each, or others."""

    def make(learners: Sequence[Any] | None = None, **named: Any) -> PanelTask:
        return PanelTask(
            name="signals.test",
            title="Test",
            intended_use="tests",
            not_for="anything else",
            inputs=(Field(name="row", kind="table", description="three columns"),),
            endpoint=Endpoint(labels={"well": ("0",), "ill": ("1",)}, positive="ill", code=CODE),
            source=Nowhere(),
            learners=tuple(
                learners or (Slope(name="none", at=2), Slope(name="weak", at=1), Slope(name="strong", at=0))
            ),
            **named,
        )

    return make


@pytest.fixture
def killed() -> type[BaseException]:
    """What a learner that is told to die raises."""
    return Killed


@pytest.fixture
def slope() -> type[Slope]:
    """The learner itself."""
    return Slope
