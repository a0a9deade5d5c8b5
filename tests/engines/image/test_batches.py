"""Batches: every sample once an epoch, in an order that seed and epoch decide."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.engines.image.batches import Batches


def _batches(n: int, size: int, **named: object) -> Batches:
    images = np.arange(n, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    return Batches(images, np.arange(n), size=size, **named)  # type: ignore[arg-type]


def _seen(batches: Batches) -> list[list[int]]:
    return [labels.tolist() for _, labels in batches]


@pytest.mark.parametrize(("n", "size"), [(100, 32), (96, 32), (10, 10), (7, 3), (5, 64)])
def test_every_sample_is_seen_once(n: int, size: int) -> None:
    for epoch in range(3):
        batches = _batches(n, size, epoch=lambda epoch=epoch: epoch, seed=1)
        seen = _seen(batches)
        flat = [one for batch in seen for one in batch]
        assert len(flat) == len(set(flat))
        left = n - len(flat)
        assert left < 4, "only a last batch too small to normalise is dropped"
        assert len(batches) == len(seen)
        for images, labels in batches:
            assert images.shape == (len(labels), 1, 2, 2)
            assert images[:, 0, 0, 0].tolist() == labels.tolist()


def test_seed_and_epoch_decide_the_order() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        return _seen(_batches(50, 16, epoch=lambda: epoch, seed=seed))

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


def test_without_an_epoch_nothing_is_shuffled_or_dropped() -> None:
    assert _seen(_batches(9, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_an_epoch_without_overlap(world: int) -> None:
    parts = [_batches(130, 16, epoch=lambda: 5, seed=2, rank=rank, world=world) for rank in range(world)]
    seen = [[one for batch in _seen(part) for one in batch] for part in parts]
    assert len({len(part) for part in parts}) == 1
    flat = [one for part in seen for one in part]
    assert len(flat) == len(set(flat))
    assert len(flat) > 130 - world * 16
