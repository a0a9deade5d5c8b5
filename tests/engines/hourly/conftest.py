"""Made-up stays with an onset that can be learned, and real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suwen.core.sample import Sample
from suwen.core.target import HourlyLabels
from suwen.engines.panel.task import PanelTask
from suwen.formats.signals.observations import Observations
from suwen.systems.signals.sepsis import task as sepsis


def stay(number: int, hours: int, onset: int | None, rng: np.random.Generator) -> Sample:
    """A stay whose heart rate and temperature rise from six hours before its label on."""
    at, variable, value = [], [], []
    for hour in range(hours):
        late = onset is not None and hour >= onset - 6
        for name, usual, spread, rise in (("HR", 80, 6, 30), ("Temp", 36.8, 0.3, 1.8), ("SBP", 120, 9, -25)):
            if rng.random() < 0.8:
                at.append(float(hour))
                variable.append(sepsis.names.index(name))
                value.append(usual + spread * rng.standard_normal() + rise * late)
        if rng.random() < 0.1:
            at.append(float(hour))
            variable.append(sepsis.names.index("WBC"))
            value.append(9 + rng.standard_normal() + 6 * late)
    labels = np.zeros(hours, np.int8)
    if onset is not None:
        labels[onset:] = 1
    seen = Observations(
        hours=np.array(at),
        variable=np.array(variable, np.int16),
        values=np.array(value, np.float32),
        names=sepsis.names,
        static={"Age": 40.0 + number % 50, "Gender": number % 2, "Unit1": np.nan, "Unit2": np.nan,
                "HospAdmTime": -3.0, "ICULOS": 1.0},
        length_h=float(hours),
    )  # fmt: skip
    return Sample(
        subject_id=f"p{number}",
        inputs={"stay": seen},
        target=HourlyLabels(values=labels, names=("no sepsis", "sepsis")),
        source=f"p{number}",
        attributes={
            "sex": "female" if number % 2 else "male",
            "age_band": "18 to 44" if number % 3 else "45 to 64",
        },
    )


@pytest.fixture(scope="session")
def task() -> PanelTask:
    return sepsis


@pytest.fixture(scope="session")
def made() -> Callable[[int], list[Sample]]:
    """So many stays, a quarter of them with an onset."""

    def make(count: int) -> list[Sample]:
        rng = np.random.default_rng(5)
        return [
            stay(k, int(rng.integers(8, 60)), None, rng)
            if k % 4
            else stay(k, 40, int(rng.integers(10, 34)), rng)
            for k in range(count)
        ]

    return make


@pytest.fixture(scope="session")
def real(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], None]
) -> list[Sample]:
    """The first 60 real stays that the archive gives."""
    import tarfile

    archive = data_dir / "signals" / "cinc2019" / "training_setB.tar.xz"
    if not archive.exists():
        absent("cinc2019/training_setB.tar.xz is not among the shared data")
    folder = tmp_path_factory.mktemp("sepsis") / "training_setB"
    folder.mkdir()
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.name.endswith(".psv"):
                source = packed.extractfile(member)
                assert source is not None
                (folder / Path(member.name).name).write_bytes(source.read())
                if len(list(folder.iterdir())) == 60:
                    break
    return list(sepsis.collect(str(folder)))


@pytest.fixture(scope="session")
def until() -> Callable[[Sample, int], Sample]:
    """A stay as it was known after so many hours: later observations and labels are not there."""

    def cut(sample: Sample, hours: int) -> Sample:
        seen = sample.inputs["stay"]
        keep = seen.hours < hours
        return replace(
            sample,
            target=None,
            inputs={
                "stay": replace(
                    seen, hours=seen.hours[keep], variable=seen.variable[keep], values=seen.values[keep],
                    length_h=float(hours),
                )
            },
        )  # fmt: skip

    return cut
