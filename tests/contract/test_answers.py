"""What every task answers: why, from where, and in a form that its published schema describes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from specimens import Specimen
from suwen.core.documents import plain
from suwen.core.engine import Players
from suwen.core.prediction import Course, Outlook, Prediction, Scores, Survival
from suwen.core.schemas import VERBS, schema_of
from suwen.core.solution import Solution
from suwen.core.tally import Tally
from suwen.core.task import Task
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.judges import judge_of
from suwen.lifecycle.predict import predict
from suwen.lifecycle.reason import explain_sample, explained
from suwen.lifecycle.settle import settle

ADDITIVITY = 1e-3


def _few(made: Any) -> list[Path]:
    """Some inputs, of each class where the source says which."""
    return list(made.items[:3])


def test_an_explanation_has_a_unit_and_a_check(name: str, method: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    loaded = models.load(find(name))
    answered = 0
    for item, prediction in zip(_few(made), predict(name, _few(made)), strict=True):
        (sample,) = find(name).read(item)
        why = explain_sample(loaded, sample, prediction, method)
        if prediction.output is None:
            assert why is None
            assert prediction.abstained
            assert prediction.reason
            continue
        assert why is not None
        answered += 1
        assert why.method == method
        assert len(why.unit) > 3
        assert all(np.isfinite(value) for value in why.checks.values())
        assert isinstance(why.passed, bool)
        if isinstance(why.values, Mapping):
            _check_rows(why)
        else:
            _check_map(why)
    assert answered


def _check_map(why: Any) -> None:
    """A heat map: how faithful it is, against maps of random weights."""
    assert -1 <= why.faithfulness <= 1
    assert {"deletion", "insertion", "random_weights_correlation"} <= set(why.checks)
    assert np.isfinite(why.values).all()


def _check_rows(why: Any, *, told: bool = True) -> None:
    """Parts with values: they add up to the answer, or are not shown; ``told``: with what was observed."""
    found = why.values
    assert 0 <= found["headline"] < len(found["outputs"])
    assert bool(found["rows"]) == why.passed, "values that do not add up, or do not fit, are not shown"
    for row in found["rows"]:
        assert row["variable"]
        assert row["shown"] or not told
        assert np.isfinite(row["value"])
        assert (row["from_h"] is None) == (row["to_h"] is None)
        assert len(row["by_output"]) == len(found["outputs"])
        assert row["by_output"][found["headline"]] == row["value"]
    strengths = [abs(row["value"]) for row in found["rows"]]
    assert strengths == sorted(strengths, reverse=True)
    if why.passed:
        total = found["base"] + sum(row["value"] for row in found["rows"])
        assert abs(total - found["output"]) <= ADDITIVITY
        assert why.checks["additivity_gap"] <= ADDITIVITY


def test_what_a_model_brings_itself_adds_up_too(name: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    loaded = models.load(find(name))
    (sample,) = find(name).read(made.items[0])
    (prediction,) = predict(name, [made.items[0]])
    if prediction.output is None or any(field.kind == "image" for field in find(name).inputs):
        return
    opened = loaded.served.open_up(sample, explained(loaded.task, prediction.output))
    assert isinstance(opened, Players)
    for method in opened.own:
        why = explain_sample(loaded, sample, prediction, method)
        assert why is not None
        assert why.passed
        _check_rows(why, told=False)


def test_an_explanation_is_the_same_each_time(
    name: str, specimen: Specimen, deployed: Callable[..., Any]
) -> None:
    made = deployed(name)
    loaded = models.load(find(name))
    (sample,) = find(name).read(made.items[0])
    (prediction,) = predict(name, [made.items[0]])
    if prediction.output is None:
        assert prediction.reason
        return
    first, second = (explain_sample(loaded, sample, prediction, specimen.methods[0]) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.checks == second.checks
    assert plain(first.values) == plain(second.values)


def test_provenance_is_complete(name: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    manifest = models.load(find(name)).manifest
    for prediction in predict(name, _few(made)):
        origin = prediction.provenance
        assert origin.model == f"{name}@{manifest['version']}" == made.document["model"]
        assert origin.weights_sha256 == manifest["weights_sha256"]
        assert len(origin.weights_sha256) == 64
        assert origin.data_fingerprint == made.document["data_fingerprint"]
        assert origin.code_version
        assert origin.created_at.endswith("+00:00")
        assert prediction.task == name
        assert set(prediction.inputs_sha256) == {field.name for field in find(name).inputs}
        assert all(len(key) == 64 for key in prediction.inputs_sha256.values())


def test_an_answer_is_an_output_or_a_reason(name: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    loaded = models.load(find(name))
    task = settle(find(name), loaded.manifest["classes"])
    answered = 0
    items = made.items if len(made.items) > 8 else sorted(made.source.glob("*.png"))[:30]
    predictions = predict(name, items[:30])
    for prediction in predictions:
        assert (prediction.output is None) == (prediction.abstained is not None) == bool(prediction.reason)
        quality = prediction.quality
        assert all(math.isfinite(value) for value in quality.values())
        if "ood_score" in quality:
            assert quality["ood_score"] <= quality["ood_threshold"] or prediction.abstained
        if prediction.output:
            answered += 1
            _check_output(task, prediction)
            document = judge_of(task).document(task, prediction.output)
            assert document["said"]
    assert answered >= 2 * len(predictions) // 3


def _check_output(task: Task, prediction: Prediction) -> None:
    output, kind = prediction.output, task.endpoint.kind
    if isinstance(output, Scores):
        assert kind == "classes"
        classes = task.endpoint.classes
        assert tuple(output.probabilities) == classes
        assert sum(output.probabilities.values()) == pytest.approx(1, abs=1e-6)
        assert output.interval[0] <= output.probability <= output.interval[1]
        assert output.decision in classes
        assert set(output.conformal_set) <= set(classes)
    elif isinstance(output, Course):
        assert kind == "alarm"
        assert len(output.hours) == len(output.probabilities) == len(output.intervals) > 0
        assert list(output.hours) == sorted(set(output.hours))
        for p, (low, high) in zip(output.probabilities, output.intervals, strict=True):
            assert 0 <= low <= p <= high <= 1
        assert set(output.alarms) <= set(output.hours)
        assert all(
            b - a >= output.refractory_h for a, b in zip(output.alarms, output.alarms[1:], strict=False)
        )
    elif isinstance(output, Outlook):
        assert kind == "forecast"
        assert len(output.horizons_min) == len(output.values) == len(output.intervals)
        for value, (low, high) in zip(output.values, output.intervals, strict=True):
            assert low <= value <= high
        assert math.isfinite(output.last)
        assert output.unit
    elif isinstance(output, Survival):
        assert kind == "survival"
        assert len(output.times) == len(output.probabilities)
        assert all(0 <= p <= 1 for p in output.probabilities)
        assert list(output.probabilities) == sorted(output.probabilities, reverse=True)
        assert list(output.times) == sorted(output.times)
        assert output.median is None or output.times[0] * 0 <= output.median <= output.times[-1]
    elif isinstance(output, Solution):
        assert kind == "computed"
        assert output.said
        assert output.found or not output.holds, "what was not found cannot hold"
        assert set(output.units) >= {key for key in output.figures if key.endswith("_mm")}
        assert {"found", "certified", "cpu_seconds"} <= set(output.figures) or not output.found
    else:
        assert isinstance(output, Tally)
        assert kind == "points"
        assert all(a <= b for a, b in zip(output.least, output.most, strict=True))
        assert len(output.hours) == len(output.least)


def test_what_it_was_not_made_for_is_not_answered(
    name: str, specimen: Specimen, deployed: Callable[..., Any], tmp_path: Path
) -> None:
    deployed(name)
    (tmp_path / "in").mkdir()
    for path, code in specimen.unanswerable(tmp_path / "in").items():
        (prediction,) = predict(name, [path])
        assert prediction.output is None
        assert prediction.abstained == code, path.name
        assert prediction.reason
        assert prediction.provenance.model.startswith(name)


def test_the_same_input_gets_the_same_answer_whatever_its_wrapping(
    name: str, specimen: Specimen, deployed: Callable[..., Any], tmp_path: Path
) -> None:
    made = deployed(name)
    (tmp_path / "in").mkdir()
    item = made.items[0]
    (first,) = predict(name, [item])
    for wrapped in specimen.wrappings(item, tmp_path / "in"):
        others = predict(name, [wrapped])
        assert others
        for other in others:
            what = wrapped if isinstance(wrapped, Path) else "bytes"
            assert other.abstained == first.abstained, what
            if specimen.named_by_content:
                assert other.subject_id == first.subject_id
            _same(plain(first.output), plain(other.output), str(what))


def _same(one: Any, other: Any, what: str) -> None:
    """Equal, numbers to a millionth."""
    if isinstance(one, Mapping):
        assert set(one) == set(other), what
        for key in one:
            _same(one[key], other[key], f"{what}: {key}")
    elif isinstance(one, list):
        assert len(one) == len(other), what
        for a, b in zip(one, other, strict=True):
            _same(a, b, what)
    elif isinstance(one, float):
        assert other == pytest.approx(one, abs=1e-6, rel=1e-6), what
    else:
        assert one == other, what


def test_every_document_follows_its_schema(
    name: str,
    specimen: Specimen,
    workshop: Callable[..., Any],
    suwen: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = workshop(name)
    for metric in list(find(name).floor):
        monkeypatch.delitem(find(name).floor, metric)
    item = made.items[0]
    (tmp_path / "in").mkdir()
    refused = list(specimen.unanswerable(tmp_path / "in"))[-1:]
    method = specimen.methods[0]
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("tasks", ("tasks",)),
        ("collect", ("collect", name, "--from", made.source, "--no-probe")),
        ("prepare", ("prepare", name, "--from", made.source, "--out", tmp_path / "prepared")),
        ("evaluate", ("evaluate", made.run, "--from", made.source, "--split", "validation")),
        ("deploy", ("deploy", made.run)),
        ("tasks", ("tasks",)),
        ("models", ("models", name)),
        ("predict", ("predict", name, item, *refused)),
        ("predict", ("predict", name, item, "--explain", "--method", method, "--patient", "p1")),
        ("explain", ("explain", name, item, *refused, "--method", method, "--out", tmp_path / "why")),
        ("rollback", ("deploy", name, "--rollback")),
        ("error", ("predict", name, tmp_path / "nowhere")),
        ("error", ("evaluate", made.run, "--from", made.source, "--split", "none")),
        ("error", ("deploy", made.run, "--rollback")),
    ]
    if "test" in made.document["counts"]:
        again = [
            ("evaluate", ("evaluate", made.run, "--from", made.source, "--split", "test")),
            ("deploy", ("deploy", made.run)),
        ]
        steps[-4:-4] = again
    elif models.shipped(name) is None:
        steps[-4] = ("error", steps[-4][1])  # there is nothing before the first model to go back to
    for verb, words in steps:
        said = suwen(*words, "--json")
        assert said.code == (3 if verb == "error" else 0), (words, said.err)
        jsonschema.validate(said.document, schema_of(verb), jsonschema.Draft202012Validator)
        assert "NaN" not in said.out
        assert "Infinity" not in said.out
    jsonschema.validate(made.document, schema_of("train"), jsonschema.Draft202012Validator)
    left = {path.relative_to(tmp_path / "why").as_posix() for path in (tmp_path / "why").rglob("*.*")}
    assert left == specimen.explained_files(len(refused))


@pytest.mark.parametrize("verb", VERBS)
def test_every_schema_is_one(verb: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(verb))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"nothing": 1}, schema_of(verb))
