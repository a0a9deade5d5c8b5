"""Training as a whole: folds that keep subjects whole, out-of-fold scores, and refusals before the work."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Fitted, Parts
from suwen.core.errors import BadInput, MissingExtra, Refused
from suwen.core.sample import Sample
from suwen.engines.folds import grouped_folds
from suwen.engines.image import fit as fitting
from suwen.engines.image import quantise
from suwen.engines.image.engine import engine
from suwen.engines.image.settings import check
from suwen.lifecycle.discovery import find
from suwen.lifecycle.train import train

TASK = find("imaging.pneumonia")
LITTLE = {
    "epochs": 1, "batch_size": 16, "ensemble": 1, "folds": 0, "quantise": False, "baseline": False
}  # fmt: skip


@pytest.fixture(scope="module")
def samples(pictures_of: Callable[[str], Path]) -> list[Sample]:
    return [s for s in TASK.collect(str(pictures_of(TASK.name))) if s.target]


def _parts(samples: list[Sample]) -> Parts:
    kept = {s.subject_id for s in samples}
    chosen = set(sorted(kept)[::4])
    train = tuple(s for s in samples if s.subject_id not in chosen)
    validation = tuple(s for s in samples if s.subject_id in chosen)
    return Parts(
        train=train, validation=validation, groups=tuple(s.subject_id for s in (*train, *validation))
    )


def _fit(parts: Parts, run: Path, **settings: Any) -> Fitted:
    values = check({**LITTLE, **settings})
    return engine.fit(TASK, parts, values, run, seed=0, progress=lambda _: None)


def test_without_folds_validation_is_scored_by_what_will_serve(samples: list[Sample], tmp_path: Path) -> None:
    parts = _parts(samples)
    fitted = _fit(parts, tmp_path, ensemble=2, baseline=True)
    assert fitted.samples == parts.validation
    assert fitted.logits.shape == (len(parts.validation), 2)
    assert fitted.members.shape == (len(parts.validation), 2, 2)
    np.testing.assert_allclose(fitted.members.mean(1), fitted.logits, atol=1e-6)
    assert fitted.baselines["hog_logistic"].shape == (len(parts.validation), 2)
    assert [(line["member"], line["epoch"]) for line in fitted.history] == [(0.0, 0.0), (1.0, 0.0)]
    assert fitted.engine_manifest["parameters"] < 2_000_000
    assert all(seconds >= 0 for seconds in fitted.cpu_seconds.values())


def test_with_folds_every_sample_is_scored_by_a_member_that_never_saw_it(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _parts(samples)
    seen: list[tuple[int, int]] = []
    real = fitting._member

    def watched(train: Any, validation: Any, *rest: Any, **named: Any) -> Any:
        seen.append((len(train[1]), len(validation[1])))
        assert set(np.unique(train[1])) == {0, 1}
        own = {image.tobytes() for image in train[0]}
        assert not [image for image in validation[0] if image.tobytes() in own]
        return real(train, validation, *rest, **named)

    monkeypatch.setattr(fitting, "_member", watched)
    fitted = _fit(parts, tmp_path, folds=3)
    assert len(seen) == 3
    assert sum(out for _, out in seen) == len(samples)
    assert fitted.samples == parts.train + parts.validation
    assert fitted.logits.shape == (len(samples), 2)
    assert fitted.engine_manifest["out_of_fold"] is True
    assert np.abs(fitted.members.mean(1) - fitted.logits).max() > 1e-3, "not the ensemble's own answer"


@pytest.mark.parametrize("k", [2, 5])
def test_folds_never_part_a_group(samples: list[Sample], k: int) -> None:
    parts = _parts(samples)
    labels = np.array([s.target == "pneumonia" for s in (*parts.train, *parts.validation)], np.int64)
    number = grouped_folds(labels, parts.groups, k, 0)
    assert set(number) == set(range(k))
    for group in set(parts.groups):
        assert len({f for f, g in zip(number, parts.groups, strict=True) if g == group}) == 1
    for fold in range(k):
        assert abs(labels[number == fold].mean() - labels.mean()) < 0.1
    assert np.array_equal(number, grouped_folds(labels, parts.groups, k, 0))


def test_too_little_is_refused_before_anything_is_trained(samples: list[Sample], tmp_path: Path) -> None:
    few = [*samples[:4], *[s for s in samples if s.target == "pneumonia"][:20]]
    for settings in ({}, {"folds": 2}):
        with pytest.raises(BadInput) as refused:
            _fit(_parts(few), tmp_path / "run", **settings)
        assert refused.value.code == "too-few-samples"
    with pytest.raises(BadInput) as refused:
        one = replace(_parts(samples), groups=("same",) * len(samples))
        _fit(one, tmp_path / "run", folds=2)
    assert refused.value.code == "too-few-subjects"
    assert not (tmp_path / "run").exists()


def test_an_unlabelled_sample_is_never_learned(samples: list[Sample], tmp_path: Path) -> None:
    parts = _parts(samples)
    blank = replace(parts.train[0], target=None)
    with pytest.raises(Refused) as refused:
        _fit(replace(parts, train=(blank, *parts.train[1:])), tmp_path)
    assert refused.value.code == "missing-label"


def test_a_graph_that_differs_is_not_kept(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "EXPORT_TOLERANCE", -1.0)
    with pytest.raises(Refused) as refused:
        _fit(_parts(samples), tmp_path)
    assert refused.value.code == "export-differs"


def test_int8_serves_where_it_was_promoted(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "WORTHWHILE_BYTES", 1)
    monkeypatch.setattr(quantise, "LARGEST_AUROC_DROP", 1.0)
    fitted = _fit(_parts(samples), tmp_path, quantise=True)
    facts = fitted.engine_manifest
    assert (facts["precision"], facts["weights"]) == ("int8", "model.int8.onnx")
    assert facts["quantisation"]["promoted"] is True


@pytest.mark.parametrize(
    "settings",
    [
        {"class_weights": True}, {"normalise": "data"}, {"patience": 1, "epochs": 3},
        {"network": "seed_cnn", "width": 8}, {"size": 32, "augment": "none"},
    ],
)  # fmt: skip
def test_the_other_settings_train_too(
    settings: dict[str, Any], samples: list[Sample], tmp_path: Path
) -> None:
    fitted = _fit(_parts(samples), tmp_path, **settings)
    assert np.isfinite(fitted.logits).all()
    assert fitted.engine_manifest["export_max_abs_diff"] <= 1e-4
    assert {key: fitted.engine_manifest["settings"][key] for key in settings} == settings


def test_without_the_extra_training_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = importlib.util.find_spec
    module = sys.modules["suwen.engines.image.engine"]  # the package shows the engine under that name
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "torch" else real(name))
    with pytest.raises(MissingExtra) as caught:
        train("imaging.pneumonia", str(tmp_path / "nowhere"), tmp_path / "run")
    assert "pip install 'suwen[train]'" in str(caught.value)
    assert not (tmp_path / "run").exists()
