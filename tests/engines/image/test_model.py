"""A deployed model: gates first, then one batch; open to explanation; no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import NotFound
from suwen.core.sample import Sample
from suwen.engines.image.model import ImageModel
from suwen.formats.image import ClinicalImage
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find

TASK = find("imaging.pneumonia")


@pytest.fixture
def opened(workshop: Callable[..., Any]) -> tuple[ImageModel, list[Sample]]:
    made = workshop()
    loaded = models.load(TASK, made.run / "model")
    samples = [s for path in sorted(made.source.glob("*.png"))[:12] for s in TASK.read(path)]
    assert isinstance(loaded.served, ImageModel)
    return loaded.served, samples


def _noise() -> Sample:
    pixels = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    return Sample(
        subject_id="noise", inputs={"image": ClinicalImage(pixels=pixels, source_format="png", bit_depth=8)}
    )


def _with(sample: Sample, **header: str) -> Sample:
    return replace(sample, inputs={"image": replace(sample.inputs["image"], **header)})


def test_answers_keep_their_order_around_a_refusal(opened: tuple[ImageModel, list[Sample]]) -> None:
    model, samples = opened
    mixed = [samples[0], _noise(), *samples[1:4]]
    answers = model.infer(mixed)
    assert [answer.abstained is None for answer in answers][1] is False
    assert answers[1].logits is None
    whole = model.logits(mixed)
    for answer, logits in zip(answers, whole, strict=True):
        if answer.abstained is None:
            np.testing.assert_allclose(answer.logits, logits, atol=1e-6)
            assert answer.members.shape == (1, 2)
            assert answer.quality["ood_score"] <= answer.quality["ood_threshold"]
    assert model.infer([_noise()])[0].abstained
    assert model.infer([]) == []


def test_the_header_is_believed(opened: tuple[ImageModel, list[Sample]]) -> None:
    model, samples = opened
    codes = [
        answer.abstained.code if answer.abstained else None
        for answer in model.infer(
            [
                _with(samples[0], modality="MR"),
                _with(samples[0], modality="DX", body_part="KNEE"),
                _with(samples[0], modality="DX", body_part="CHEST"),
            ]
        )
    ]
    assert codes[:2] == ["wrong-modality", "wrong-body-part"]
    assert codes[2] == (a.code if (a := model.infer(samples[:1])[0].abstained) else None)


def test_a_surface_is_the_served_probability(opened: tuple[ImageModel, list[Sample]]) -> None:
    model, samples = opened
    for explained in (0, 1):
        surface = model.open_up(samples[0], explained)
        assert surface.image.shape == (28, 28)
        (share,) = surface.probability(surface.image[None])
        logits = model.logits(samples[:1])[0] / model.temperature
        odds = np.exp(logits - logits.max())
        assert share == pytest.approx(odds[explained] / odds.sum(), abs=1e-6)
        first, again, other = (surface.randomised(seed) for seed in (0, 0, 1))
        shown = [twin.probability(surface.image[None])[0] for twin in (first, again, other)]
        assert shown[0] == shown[1]
        assert len({share, *shown}) == 3


def test_the_map_of_two_classes_is_one_map_turned(opened: tuple[ImageModel, list[Sample]]) -> None:
    model, samples = opened
    first, second = (model.open_up(samples[0], n) for n in (0, 1))
    a, b = (surface.own_maps["cam"](surface.image) for surface in (first, second))
    np.testing.assert_allclose(a, -b, atol=1e-5)
    assert a.shape == (7, 7)


def test_a_model_without_its_baseline_says_so(opened: tuple[ImageModel, list[Sample]]) -> None:
    model, samples = opened
    share = model.baselines(samples)["hog_logistic"]
    np.testing.assert_allclose(share.sum(1), 1)
    (model.folder / "baseline.json").unlink()
    with pytest.raises(NotFound, match="without a baseline"):
        model.baselines(samples)
