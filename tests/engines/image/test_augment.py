"""Augmentation: decided by its generator, within its bounds, nothing at strength 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from suwen.engines.image.augment import Augmentation, augment
from suwen.engines.image.recipe import FIRM, MILD

EVERYTHING = Augmentation(gamma=0.2, blur=0.5, noise=0.05, flip=True)


@pytest.fixture
def films(data_dir: object) -> torch.Tensor:
    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as real:  # type: ignore[operator]
        return torch.from_numpy(real["val_images"][:64].astype(np.float32) / 255)[:, None]


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("how", [MILD, FIRM, EVERYTHING])
def test_the_generator_decides(films: torch.Tensor, how: Augmentation) -> None:
    first = augment(films, how, _seeded(1))
    torch.manual_seed(99)
    assert torch.equal(augment(films, how, _seeded(1)), first)
    assert not torch.equal(augment(films, how, _seeded(2)), first)
    assert first.shape == films.shape
    assert first.dtype == films.dtype


def test_strength_nought_changes_nothing(films: torch.Tensor) -> None:
    nothing = Augmentation(gamma=0.2, blur=0.5, noise=0.05).scaled(0)
    assert torch.equal(augment(films, nothing, _seeded(0)), films)


def test_a_flip_alone_mirrors_about_half(films: torch.Tensor) -> None:
    moved = augment(films, EVERYTHING.scaled(0), _seeded(0))
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(moved, films, strict=True)]
    turned = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(moved, films, strict=True)]
    assert all(a or b for a, b in zip(same, turned, strict=True))
    assert 16 < sum(turned) < 48


def test_images_are_changed_one_by_one(films: torch.Tensor) -> None:
    same = films[:1].repeat(8, 1, 1, 1)
    changed = augment(same, FIRM, _seeded(0))
    assert len({image.numpy().tobytes() for image in changed}) == 8


def test_tones_stay_within_range_and_anatomy_in_place(films: torch.Tensor) -> None:
    changed = augment(films, MILD, _seeded(0))
    assert changed.min() >= 0
    assert changed.max() <= 1
    for a, b in zip(changed.flatten(1), films.flatten(1), strict=True):
        assert np.corrcoef(a, b)[0, 1] > 0.7


def test_the_input_is_left_alone(films: torch.Tensor) -> None:
    before = films.clone()
    augment(films, EVERYTHING, _seeded(0))
    assert torch.equal(films, before)
