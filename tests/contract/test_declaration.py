"""What every task says of itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from suwen.core.errors import BadInput, Conflict, NotFound
from suwen.core.task import Endpoint, Forecast
from suwen.lifecycle import discovery
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.judges import judge_of
from suwen.lifecycle.settings import resolve


def test_its_name_is_that_of_its_file_or_entry_point(name: str) -> None:
    task = discovery.find(name)
    assert task.name == name
    assert task.system == name.partition(".")[0]
    module, attribute = discovery._index()[name]
    assert getattr(importlib.import_module(module), attribute) is task
    if module.startswith("suwen."):
        assert module == f"suwen.systems.{name}"


def test_it_says_what_it_is_for_and_what_not(name: str) -> None:
    task = discovery.find(name)
    for text in (task.title, task.intended_use, task.not_for):
        assert len(text) > 10
    assert task.inputs
    for field in task.inputs:
        assert field.name
        assert field.kind
        assert field.description
    with pytest.raises(FrozenInstanceError):
        task.title = "other"  # type: ignore[misc]


def test_its_endpoint_is_coded(name: str) -> None:
    endpoint = discovery.find(name).endpoint
    system, code, display = endpoint.code
    assert system.startswith(("http://", "urn:"))
    assert code
    assert display
    judge = judge_of(discovery.find(name))
    for verb in ("check", "rule", "decision", "report", "decide", "document"):
        assert callable(getattr(judge, verb))
    assert judge.document(discovery.find(name), None) == {}, "nothing is said where nothing is answered"


def test_its_classes_are_told_apart(name: str) -> None:
    endpoint = discovery.find(name).endpoint
    if not isinstance(endpoint, Endpoint):
        assert endpoint.positive in endpoint.classes
        return
    if endpoint.is_open:
        assert endpoint.resolve(" T cell ") == "T cell", "the classes are those of the data"
        return
    assert len(endpoint.classes) >= 2
    assert endpoint.positive in endpoint.classes
    spellings = [s.lower() for names in endpoint.labels.values() for s in names]
    assert len(spellings) == len(set(spellings)), "one spelling means two classes"
    for known in endpoint.classes:
        assert endpoint.resolve(known.upper()) == known
    with pytest.raises(BadInput, match="not one this task knows") as refused:
        endpoint.resolve("sicherlich")
    assert refused.value.code == "unknown-label"


@pytest.mark.parametrize("blank", ["", " ", "nan", "NA", "unknown", "-1", "?", None])
def test_a_blank_label_is_no_class(name: str, blank: str | None) -> None:
    endpoint = discovery.find(name).endpoint
    if isinstance(endpoint, Endpoint):
        assert endpoint.resolve(blank) is None


def test_a_forecast_looks_ahead_between_its_alarms(name: str) -> None:
    endpoint = discovery.find(name).endpoint
    if isinstance(endpoint, Forecast):
        assert list(endpoint.horizons_min) == sorted(set(endpoint.horizons_min))
        assert endpoint.horizons_min[0] > 0
        assert endpoint.low < endpoint.high
        assert endpoint.unit
        assert endpoint.quantity in {one.name for one in discovery.find(name).variables}


def test_its_variables_have_a_unit_and_a_range(name: str) -> None:
    variables = getattr(discovery.find(name), "variables", ())
    names = [one.name for one in variables]
    assert len(names) == len(set(names))
    for one in variables:
        assert one.title
        assert one.unit
        low, high = one.plausible
        assert low < high
        for bound in one.reference:
            assert bound is None or low <= bound <= high
        for word, value in one.coded.items():
            assert word == word.lower()
            assert one.possible(value)
        for unit, (factor, _) in one.convertible.items():
            assert unit != one.unit
            assert factor > 0


def test_its_floor_and_metrics_are_figures_a_report_has(name: str, trained: Callable[[str], Any]) -> None:
    task = discovery.find(name)
    figures = set(trained(name).document["validation"]["metrics"])
    assert set(task.metrics) <= figures
    assert set(task.floor) <= figures
    for metric in figures:
        line = line_of(metric)
        assert line is not None, f"nobody described {metric}"
        assert line.title
        assert line.meaning


def test_its_engine_knows_its_settings(name: str) -> None:
    task = discovery.find(name)
    engine = discovery.engine_for(task)
    assert engine.name == task.engine
    resolved = resolve(task, engine, {})
    assert set(engine.setting_names()) < set(resolved)
    assert {key: resolved[key] for key in task.settings} == dict(task.settings)


def test_the_list_holds_it(name: str, home: Any, suwen: Callable[..., Any]) -> None:
    (told,) = [one for one in suwen("tasks", "--json").document["tasks"] if one["name"] == name]
    assert told["endpoint"]["positive"] == discovery.find(name).endpoint.positive
    assert told["floor"] == dict(discovery.find(name).floor)
    assert name in suwen("tasks").out


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    facts = tmp_path / "thief-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n", "utf-8")
    (facts / "entry_points.txt").write_text("[suwen.tasks]\nimaging.breast = thief:task\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    discovery._index.cache_clear()
    with pytest.raises(Conflict, match=r"imaging\.breast"):
        discovery.find("imaging.breast")
    discovery._index.cache_clear()


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"imaging\.pneumonia") as refused:
        discovery.find("imaging.pnuemonia")
    assert refused.value.code == "unknown-task"
