"""One observation at a time gives what the whole stay gives."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.engines.rules.stream import RulesStream
from suwen.formats.signals.observations import Observations
from suwen.lifecycle.discovery import find

TASK = find("signals.deterioration")
NAMES = tuple(variable.name for variable in TASK.variables)  # type: ignore[attr-defined]
RANGES = {"RespRate": (5, 35), "SpO2": (80, 100), "SysBP": (70, 240), "HR": (35, 150), "Temp": (34, 40)} | {
    "GCS": (3, 15), "Consciousness": (0, 4), "Oxygen": (0, 1), "O2Flow": (0, 10), "FiO2": (0.21, 1),
    "SpO2Scale": (1, 2),
}  # fmt: skip


def stream() -> RulesStream:
    return RulesStream(TASK.scores, 12.0, TASK.variables)  # type: ignore[attr-defined]


def stay(seed: int, count: int = 60) -> Observations:
    rng = random.Random(seed)
    hours = sorted(round(rng.uniform(0, 48), rng.choice((0, 2))) for _ in range(count))
    chosen = [rng.randrange(len(NAMES)) for _ in hours]
    values = [rng.uniform(*RANGES[NAMES[index]]) for index in chosen]
    return Observations(
        hours=np.array(hours),
        variable=np.array(chosen, np.int16),
        values=np.array(values, np.float32),
        names=NAMES,
        length_h=hours[-1] if hours else 0.0,
    )


@pytest.mark.parametrize("seed", range(20))
def test_streaming_equals_the_whole_stay(seed: int) -> None:
    seen, live = stay(seed), stream()
    batch = stream().replay(seen)
    risks, levels = {}, {}
    for hour, variable, value in zip(seen.hours, seen.variable, seen.values, strict=True):
        risks[float(hour)] = live.update("p", float(hour), int(variable), float(value))
        levels[float(hour)] = live.level("p")
    assert list(risks) == list(batch.hours)
    assert list(risks.values()) == [sheet.least for sheet in batch.courses[0]]
    assert tuple(levels.values()) == batch.levels
    assert live.sheets("p", batch.hours[-1]) == batch.last


def test_patients_do_not_touch_each_other() -> None:
    one, two, both = stay(1), stay(2), stream()
    updates = sorted(
        [
            ("one", float(h), int(i), float(v))
            for h, i, v in zip(one.hours, one.variable, one.values, strict=True)
        ]
        + [
            ("two", float(h), int(i), float(v))
            for h, i, v in zip(two.hours, two.variable, two.values, strict=True)
        ],
        key=lambda update: update[1],
    )
    both.update_many(updates)
    for name, seen in (("one", one), ("two", two)):
        assert both.sheets(name, 48.0) == stream_of(seen).sheets("p", 48.0)


def stream_of(seen: Observations) -> RulesStream:
    found = stream()
    found.update_many(
        [
            ("p", float(h), int(i), float(v))
            for h, i, v in zip(seen.hours, seen.variable, seen.values, strict=True)
        ]
    )
    return found


def test_the_past_is_refused() -> None:
    live = stream()
    live.update("p", 2.0, NAMES.index("HR"), 80)
    live.update("p", 2.0, NAMES.index("HR"), 81)
    with pytest.raises(BadInput) as refused:
        live.update("p", 1.9, NAMES.index("HR"), 80)
    assert refused.value.code == "unsorted"
    with pytest.raises(BadInput):
        live.update("p", float("nan"), NAMES.index("HR"), 80)
    live.forget("p")
    assert live.update("p", 1.9, NAMES.index("HR"), 80) == 0
    assert live.level("nobody") == 0
    assert live.reasons("nobody") == []


def test_reasons_are_the_points_largest_first() -> None:
    live = stream()
    live.update("p", 0, NAMES.index("HR"), 115)
    live.update("p", 0, NAMES.index("RespRate"), 28)
    live.update("p", 0, NAMES.index("Temp"), 37)
    assert live.reasons("p") == [("Respiration rate: 28 /min", 3.0), ("Pulse: 115 /min", 2.0)]
    assert live.level("p") == 2  # 5 points: medium, one above low-medium


def test_a_stay_laid_open_explains_its_points(tmp_path: Path) -> None:
    from suwen.engines.rules.engine import engine, write
    from suwen.engines.rules.model import RulesModel
    from suwen.explain.counterfactual import edits, lower
    from suwen.explain.players import explain_players

    facts = write(TASK, engine.settings({}), tmp_path)  # type: ignore[arg-type]
    model = RulesModel(TASK, tmp_path, {"engine_manifest": facts})  # type: ignore[arg-type]
    values = {"HR": 115, "RespRate": 28, "Temp": 37, "Consciousness": 0, "SysBP": 150}
    seen = Observations(
        hours=np.zeros(len(values)),
        variable=np.array([NAMES.index(name) for name in values], np.int16),
        values=np.array(list(values.values()), np.float32),
        names=NAMES,
    )
    opened = model.open_up(Sample(subject_id="p", inputs={"observations": seen}), 1)
    why = explain_players(opened, "shapley")
    assert why.passed
    assert why.values["output"] == 5
    points = {row["variable"]: row["value"] for row in why.values["rows"]}
    assert points == pytest.approx({"RespRate": 3, "HR": 2, "Temp": 0, "Consciousness": 0, "SysBP": 0})
    found = lower(
        lambda changes: opened.edited([{e.name: e.after for e in one} for one in changes]),  # type: ignore[misc]
        edits(opened.latest, TASK.variables),  # type: ignore[attr-defined]
    )
    assert found.risk == 5
    assert [(change.edits[0].name, change.risk) for change in found.changes if len(change.edits) == 1] == [
        ("RespRate", 2.0),
        ("HR", 3.0),
    ]


def test_an_empty_stay_has_no_moments() -> None:
    assert stream().replay(stay(0, 0)).hours == ()
