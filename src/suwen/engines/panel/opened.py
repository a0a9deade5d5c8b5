"""A sample laid open for explanation: the deployed model, asked about what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import Forecast, TimeToEvent
from suwen.core.engine import Players
from suwen.core.sample import Sample
from suwen.engines.panel.exact import contributions, has_trees
from suwen.engines.panel.parts import edited, latest, of_observations, of_row
from suwen.engines.panel.units import rows
from suwen.formats.signals.row import Row

if TYPE_CHECKING:
    from suwen.engines.panel.model import PanelModel

Floats = NDArray[np.float64]
FEW_COLUMNS = 400
"""A table of more columns is first screened in chunks, so that a gene array costs one pass."""


def open_up(model: PanelModel, sample: Sample, explained: int) -> Players:
    """The players of a sample, and the model's answer to any of them being absent."""
    field = model.task.inputs[0].name
    temperature = float(model.manifest["calibration"].get("temperature", 1.0))
    outputs, unit, headline = _outputs(model, explained)

    def of(samples: Sequence[Sample]) -> Floats:
        return _answers(model, samples, explained, temperature)

    value = sample.inputs[field]
    if isinstance(value, Row):
        usual = np.asarray(model.context["usual"], np.float32)
        parts = of_row(sample, field, usual, _effects(of, sample, field, usual, headline))
    elif isinstance(model.task.endpoint, Forecast):
        from suwen.engines.forecast.units import anchors, periods

        edges, kept = periods(sample, model.task.endpoint), anchors(sample, model.task.endpoint)
        parts = of_observations(sample, field, tuple(value.static), edges=edges, kept=kept)
    else:
        parts = of_observations(sample, field, tuple(value.static))

    def risks(changes: Sequence[Mapping[str, float]]) -> Floats:
        answer = of([edited(sample, field, change) for change in changes])[:, headline]
        return np.asarray(_risk(model, answer), np.float64)

    return Players(
        variables=parts.variables,
        periods=parts.periods,
        shown=parts.shown,
        answer=lambda present: of(parts.without(present)),
        outputs=outputs,
        unit=unit,
        headline=headline,
        said=of([sample])[0],
        own={"contributions": lambda: contributions(model, sample, explained, temperature)}
        if has_trees(model)
        else {},
        edited=risks,
        latest=latest(sample, field),
    )


def _outputs(model: PanelModel, explained: int) -> tuple[tuple[str, ...], str, int]:
    endpoint = model.task.endpoint
    if isinstance(endpoint, Forecast):
        return tuple(f"{minutes} min" for minutes in endpoint.horizons_min), endpoint.unit, 0
    if isinstance(endpoint, TimeToEvent):
        grid = model.context["grid"]
        times = tuple(f"{time:g}" for time in grid)
        return times, "probability of the event by then", int(len(grid) // 2)
    return (f"log-odds of {endpoint.classes[explained]}",), "log-odds", 0


def _answers(model: PanelModel, samples: Sequence[Sample], explained: int, temperature: float) -> Floats:
    """Outputs (m, K): calibrated log-odds at the last unit, forecasts of the last origin, or event curves."""
    kind = model.task.endpoint.kind
    if kind == "forecast":
        return model.latest(samples)
    scores = model.logits(samples)
    if kind == "alarm":
        units = model.units(samples)
        assert units is not None  # noqa: S101 (this kind has units)
        last = np.array([rows(units, np.array([at]))[-1] for at in range(len(samples))])
        scores = scores[last]
    if kind == "survival":
        from suwen.engines.survival.curves import recalibrated, survival

        out: Floats = 1 - survival(recalibrated(scores, model.manifest["calibration"]))
        return out
    others = np.delete(scores / temperature, explained, axis=1)
    peak = others.max(1)
    rest = peak + np.log(np.exp(others - peak[:, None]).sum(1))
    odds: Floats = (scores[:, explained] / temperature - rest)[:, None]
    return odds


def _risk(model: PanelModel, headline: Floats) -> Floats:
    """The headline as a risk: a probability for log-odds, else as it is."""
    if model.task.endpoint.kind in {"classes", "alarm"}:
        return 1 / (1 + np.exp(-headline))
    return headline


def _effects(of: Any, sample: Sample, field: str, usual: NDArray[np.float32], headline: int) -> Floats:
    """How much the headline moves when one column alone (or one chunk of many) has its usual value."""
    row: Row = sample.inputs[field]
    d = len(row.values)
    size = max(1, -(-d // FEW_COLUMNS))
    groups = [np.arange(start, min(start + size, d)) for start in range(0, d, size)]
    tried = [sample]
    for group in groups:
        change = {row.names[at]: float(usual[at]) for at in group}
        tried.append(edited(sample, field, change))
    answers = of(tried)[:, headline]
    out = np.zeros(d)
    for group, moved in zip(groups, answers[1:] - answers[0], strict=True):
        away = np.abs(np.nan_to_num(row.values[group] - usual[group]))
        out[group] = moved if len(group) == 1 else moved * away / max(float(away.max()), 1e-9)
    return out
