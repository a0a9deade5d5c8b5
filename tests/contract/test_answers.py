"""What every task answers: why, from where, and in a form that its published schema describes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from suwen.core.schemas import VERBS, schema_of
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.predict import predict
from suwen.lifecycle.reason import explain_sample


def _films(made: Any) -> list[Path]:
    """One picture of each class."""
    return [sorted(made.source.glob(f"{n}-*.png"))[9] for n in range(len(find(made.task).endpoint.classes))]


@pytest.mark.parametrize("method", ["cam", "occlusion", "lime"])
def test_an_explanation_has_a_unit_and_a_faithfulness(
    name: str, method: str, deployed: Callable[..., Any]
) -> None:
    made = deployed(name)
    loaded = models.load(find(name))
    explained = 0
    for film, prediction in zip(_films(made), predict(name, _films(made)), strict=True):
        (sample,) = find(name).read(film)
        why = explain_sample(loaded, sample, prediction, method)
        if prediction.output is None:
            assert why is None
            assert prediction.abstained
            assert prediction.reason
            continue
        assert why is not None
        explained += 1
        assert why.method == method
        assert len(why.unit) > 3
        assert -1 <= why.faithfulness <= 1  # type: ignore[operator]
        assert {"deletion", "insertion", "random_weights_correlation"} <= set(why.checks)
        assert all(np.isfinite(value) for value in why.checks.values())
        assert np.isfinite(why.values).all()
        assert isinstance(why.passed, bool)
    assert explained


def test_provenance_is_complete(name: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    manifest = models.load(find(name)).manifest
    for prediction in predict(name, _films(made)):
        origin = prediction.provenance
        assert origin.model == f"{name}@{manifest['version']}" == made.document["model"]
        assert origin.weights_sha256 == manifest["weights_sha256"]
        assert len(origin.weights_sha256) == 64
        assert origin.data_fingerprint == made.document["data_fingerprint"]
        assert origin.code_version
        assert origin.created_at.endswith("+00:00")
        assert prediction.task == name


def test_an_answer_is_a_probability_or_a_reason(name: str, deployed: Callable[..., Any]) -> None:
    made = deployed(name)
    classes = find(name).endpoint.classes
    answered = 0
    for prediction in predict(name, sorted(made.source.glob("*.png"))[:30]):
        assert (prediction.output is None) == (prediction.abstained is not None)
        assert prediction.quality["ood_score"] <= prediction.quality["ood_threshold"] or prediction.abstained
        if prediction.output:
            answered += 1
            output = prediction.output
            assert tuple(output.probabilities) == classes
            assert sum(output.probabilities.values()) == pytest.approx(1, abs=1e-6)
            assert output.interval[0] <= output.probability <= output.interval[1]
            assert output.decision in classes
            assert set(output.conformal_set) <= set(classes)
    assert answered >= 20


def test_what_it_was_not_made_for_is_not_answered(
    name: str, deployed: Callable[..., Any], tmp_path: Path
) -> None:
    deployed(name)
    noise = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)
    for file, pixels in {"noise": noise, "blank": np.full((96, 96), 90, np.uint8)}.items():
        Image.fromarray(pixels).save(tmp_path / f"{file}.png")
        (prediction,) = predict(name, [tmp_path / f"{file}.png"])
        assert prediction.output is None
        assert prediction.abstained == "poor-quality"
        assert prediction.reason
        assert prediction.provenance.model.startswith(name)


def test_the_same_picture_gets_the_same_answer_whatever_its_wrapping(
    name: str, deployed: Callable[..., Any], tmp_path: Path
) -> None:
    made = deployed(name)
    film = _films(made)[0]
    pixels = np.asarray(Image.open(film))
    np.savez(tmp_path / "film.npz", image=pixels)
    np.savez(tmp_path / "films.npz", images=np.stack([pixels, pixels]))
    first, *others = predict(name, [film, tmp_path / "film.npz", tmp_path / "films.npz", film.read_bytes()])
    assert len(others) == 4
    for other in others:
        assert other.subject_id == first.subject_id
        assert other.abstained == first.abstained
        if first.output and other.output:
            assert other.output.probability == pytest.approx(first.output.probability, abs=1e-6)


def test_every_document_follows_its_schema(
    name: str,
    workshop: Callable[..., Any],
    suwen: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = workshop(name)
    for metric in find(name).floor:
        monkeypatch.setitem(find(name).floor, metric, 0.0)
    film = _films(made)[0]
    Image.fromarray(np.full((96, 96), 90, np.uint8)).save(tmp_path / "blank.png")
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("tasks", ("tasks",)),
        ("collect", ("collect", name, "--from", made.source, "--no-probe")),
        ("prepare", ("prepare", name, "--from", made.source, "--out", tmp_path / "prepared")),
        ("evaluate", ("evaluate", made.run, "--from", made.source, "--split", "validation")),
        ("deploy", ("deploy", made.run)),
        ("tasks", ("tasks",)),
        ("models", ("models", name)),
        ("predict", ("predict", name, film, tmp_path / "blank.png")),
        ("predict", ("predict", name, film, "--explain", "--patient", "p1")),
        ("explain", ("explain", name, film, tmp_path / "blank.png", "--out", tmp_path / "why")),
        ("evaluate", ("evaluate", made.run, "--from", made.source, "--split", "test")),
        ("deploy", ("deploy", made.run)),
        ("rollback", ("deploy", name, "--rollback")),
        ("error", ("predict", name, tmp_path / "nowhere")),
        ("error", ("evaluate", made.run, "--from", made.source, "--split", "none")),
        ("error", ("deploy", made.run, "--rollback")),
    ]
    for verb, words in steps:
        said = suwen(*words, "--json")
        assert said.code == (3 if verb == "error" else 0), said.err
        jsonschema.validate(said.document, schema_of(verb), jsonschema.Draft202012Validator)
        assert "NaN" not in said.out
    jsonschema.validate(made.document, schema_of("train"), jsonschema.Draft202012Validator)
    assert {path.name for path in (tmp_path / "why").iterdir()} == {"0-overlay.png", "explain.json"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_schema_is_one(verb: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(verb))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"nothing": 1}, schema_of(verb))
