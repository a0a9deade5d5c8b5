"""Batches cut from arrays in memory, in an order fixed by (seed, epoch, rank)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Batches:
    """An iterable of (images, targets) that Lightning takes as a data loader.

    The arrays are small and in memory, so slicing them beats collating samples one by one; several GPUs
    each take every ``world``-th batch of the same shuffled order.

    Parameters
    ----------
    images, targets
        (n, H, W) float32 and (n,) integers.
    size
        Images per batch.
    epoch
        Called at every pass to know which epoch it is; ``None`` keeps the order as it is.
    seed
        Of the shuffling.
    rank, world
        This process among how many.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        targets: NDArray[np.int64],
        *,
        size: int,
        epoch: Callable[[], int] | None = None,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.images = torch.from_numpy(images)[:, None]
        self.targets = torch.from_numpy(targets)
        self.size, self.epoch, self.seed, self.rank, self.world = size, epoch, seed, rank, world

    def __len__(self) -> int:
        """Batches this process sees in one pass."""
        return max(1, len(self._cuts()) // self.world)

    def _cuts(self) -> range:
        # A last batch of one or two images would give batch normalisation nothing to average.
        n = len(self.targets)
        ends = range(0, n, self.size)
        short = n - ends[-1] < min(4, n)
        return ends[:-1] if self.epoch is not None and short else ends

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = np.arange(len(self.targets))
        if self.epoch is not None:
            order = np.random.default_rng([self.seed, self.epoch()]).permutation(order)
        mine = list(self._cuts())[self.rank :: self.world][: len(self)]
        for start in mine:
            chosen = torch.from_numpy(order[start : start + self.size])
            yield self.images[chosen], self.targets[chosen]
