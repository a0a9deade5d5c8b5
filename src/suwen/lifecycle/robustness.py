"""What a report says beyond its figures: drift against the training data, and what a missing sensor costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Units
from suwen.core.report import Report
from suwen.core.sample import Sample
from suwen.engines.panel.criterion import criterion
from suwen.engines.panel.task import PanelTask
from suwen.engines.panel.units import one_each
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.row import Row
from suwen.lifecycle.evaluation import drift
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.evaluation.stress import each, stress_table
from suwen.lifecycle.models import Loaded

MOST_COLUMNS = 500
"""A table of more, such as a gene array, has no drift table."""
MOST_SAMPLES = 1000
"""Samples that the missing-sensor test judges; the model answers once per sensor for all of them."""
MOST_SENSORS = 40


def reference_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """Summary of the training data for the manifest; empty where the inputs are no tables or series."""
    x, names = drift.vectors(samples)
    return drift.reference(x, names) if 0 < len(names) <= MOST_COLUMNS else {}


def with_robustness(report: Report, loaded: Loaded, samples: Sequence[Sample], seed: int) -> Report:
    """The report with both tables, where the task's inputs allow them."""
    if not isinstance(loaded.task, PanelTask):
        return report
    tables = list(report.curves.get("tables", []))  # type: ignore[call-overload]  # a list, where there is one
    reference = loaded.manifest.get("reference_bins")
    if reference:
        tables.append(drift.table(drift.psi(reference, *drift.vectors(samples))))
    stress = _stress(loaded, loaded.task, samples, seed)
    if stress is not None:
        tables.append(stress)
    return replace(report, curves={**report.curves, "tables": tables})


def _stress(loaded: Loaded, task: PanelTask, samples: Sequence[Sample], seed: int) -> dict[str, Any] | None:
    groups: Mapping[str, Sequence[str]] = task.sensors or each(task.names)
    if not groups or len(groups) > MOST_SENSORS:
        return None
    chosen = list(samples)
    if len(chosen) > MOST_SAMPLES:
        drawn = np.random.default_rng(seed).choice(len(chosen), MOST_SAMPLES, replace=False)
        chosen = [samples[at] for at in np.sort(drawn)]
    units = loaded.served.units(chosen) or one_each(chosen, task.endpoint, task.endpoint.classes)
    judge, line = criterion(task.decisive), line_of(task.decisive)

    def measure(scores: NDArray[Any]) -> NDArray[np.float64]:
        return _replicates(judge, scores, units, seed)

    return stress_table(
        lambda names: loaded.served.logits([without(sample, names) for sample in chosen]),
        measure,
        groups,
        metric=line.title if line else task.decisive.replace("_", " "),
    )


RESAMPLES = 100
"""Bootstrap resamples of the stress table, by sample."""
MOST_UNITS = 20_000
"""Where there are more units, the stress table has no intervals."""


def _replicates(judge: Any, scores: NDArray[Any], units: Units, seed: int) -> NDArray[np.float64]:
    """The figure, and its bootstrap over samples."""
    found = [judge(scores, units)]
    n = int(units.owner.max()) + 1
    if len(units) <= MOST_UNITS:
        rng = np.random.default_rng(seed)
        starts = np.searchsorted(units.owner, np.arange(n + 1))
        for _ in range(RESAMPLES):
            rows = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in rng.integers(n, size=n)])
            drawn = Units(owner=units.owner[rows], hour=units.hour[rows], target=units.target[rows])
            found.append(judge(scores[rows], drawn))
    return np.array(found, np.float64)


def without(sample: Sample, names: Sequence[str]) -> Sample:
    """The sample as if these variables had never been observed."""
    inputs: dict[str, Any] = {}
    for field, value in sample.inputs.items():
        if isinstance(value, Observations):
            inputs[field] = value.without(names)
        elif isinstance(value, Row):
            values = value.values.copy()
            values[[at for at, name in enumerate(value.names) if name in names]] = np.nan
            inputs[field] = replace(value, values=values)
        else:
            inputs[field] = value
    return replace(sample, inputs=inputs)
