"""Traces of continuous glucose: some made up, a few real."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.core.target import FutureValues
from suwen.formats.signals.observations import Observations
from suwen.systems.signals.glucose import task

NAMES = task.names


def make(
    values: Sequence[float],
    hours: Sequence[float] | None = None,
    *,
    events: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    start: str | None = "2021-05-04T08:00:00",
    subject: str = "p",
    length_h: float | None = None,
) -> Sample:
    """A trace every 15 minutes (or at ``hours``), with events as name to (hour, amount)."""
    at = np.arange(len(values)) * 0.25 if hours is None else np.asarray(hours, float)
    rows = [(h, NAMES.index("glucose"), v) for h, v in zip(at, values, strict=True)]
    for name, given in (events or {}).items():
        rows += [(h, NAMES.index(name), v) for h, v in given]
    rows.sort(key=lambda row: row[0])
    observations = Observations(
        hours=np.array([r[0] for r in rows], np.float64),
        variable=np.array([r[1] for r in rows], np.int16),
        values=np.array([r[2] for r in rows], np.float32),
        names=NAMES,
        start=start,
        length_h=float(max((r[0] for r in rows), default=0.0)) if length_h is None else length_h,
    )
    return Sample(subject_id=subject, inputs={"trace": observations}, target=FutureValues())


def wave(seed: int, days: float = 4.0) -> Sample:
    """A made-up patient: meals that raise glucose for two hours, a slow daily wave, a little noise."""
    rng = np.random.default_rng(seed)
    n = round(96 * days)
    hours = np.arange(n) * 0.25
    level = 120 + 15 * np.sin(2 * np.pi * hours / 24 + rng.uniform(0, 6))
    meals = [
        (24 * day + hour + rng.uniform(-0.5, 0.5), 1.0) for day in range(round(days)) for hour in (0.6, 5, 11)
    ]
    meals = [(round(h * 4) / 4, a) for h, a in meals if 0 <= h < hours[-1]]
    for when, _ in meals:
        age = np.maximum(hours - when, 0)
        level = level + rng.uniform(50, 110) * age * np.exp(1 - age)
    return make(level + rng.normal(0, 1.5, n), events={"meal": meals}, subject=f"w{seed}")


@pytest.fixture(name="make", scope="session")
def make_fixture() -> Callable[..., Sample]:
    return make


@pytest.fixture(scope="session")
def waves() -> list[Sample]:
    """Twelve made-up patients."""
    return [wave(seed) for seed in range(12)]


@pytest.fixture(scope="session")
def real(data_dir: Path) -> tuple[Any, ...]:
    """Real traces: every patient with type 1 diabetes of the development part."""
    folder = data_dir / "signals" / "cgm" / "T1DM"
    if not folder.is_dir():
        pytest.skip(f"there is no continuous glucose at {folder}")
    return task.collect(str(folder)).samples
