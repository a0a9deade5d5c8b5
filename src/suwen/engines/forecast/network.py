"""The recurrent network of a forecast, its training module and its batches; imports torch and Lightning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.engines.loop.optimiser import optimiser

Array = NDArray[np.float32]


class WindowNetwork(nn.Module):
    """A GRU over the window (Cho et al., EMNLP 2014), its last state joined with the features of the origin.

    Inputs: ``window`` (n, T, C), the oldest step first, and ``known`` (n, E). Output: ``change`` (n, H), in
    standard deviations of the change at each horizon.
    """

    def __init__(self, channels: int, known: int, horizons: int, *, width: int, dropout: float) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, width, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(width + known, 64), nn.SiLU(), nn.Dropout(dropout), nn.Linear(64, horizons)
        )

    def forward(self, window: Tensor, known: Tensor) -> Tensor:
        """Changes (n, H)."""
        states, _ = self.gru(window)
        change: Tensor = self.head(torch.cat([states[:, -1], known], 1))
        return change


class ForecastModule(L.LightningModule):  # type: ignore[misc]
    """Learns changes by squared error over the horizons that are known.

    Parameters
    ----------
    network
        What learns.
    settings
        ``learning_rate`` and ``weight_decay``.
    steps
        Optimiser steps in all.
    seed
        Of the dropout, epoch by epoch: a resumed training draws the same.
    """

    def __init__(self, network: WindowNetwork, *, settings: dict[str, Any], steps: int, seed: int) -> None:
        super().__init__()
        self.network, self.settings, self.steps, self.seed = network, settings, steps, seed

    def on_train_epoch_start(self) -> None:
        """Seed this epoch."""
        torch.manual_seed(int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0]))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        """Loss of one batch: window, known features, changes with NaN where the future is unknown."""
        window, known, y = batch
        there = ~torch.isnan(y)
        gap = torch.where(there, self.network(window, known) - torch.nan_to_num(y), 0.0)
        loss = gap.square().sum() / there.sum().clamp(min=1)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(y))
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, a warm-up, a cosine to zero."""
        return optimiser(
            self.network,
            learning_rate=self.settings["learning_rate"],
            weight_decay=self.settings["weight_decay"],
            steps=self.steps,
        )


class Batches:
    """Batches in memory, in an order fixed by seed and epoch."""

    def __init__(self, window: Array, known: Array, y: Array, *, size: int, seed: int) -> None:
        self.parts = tuple(torch.from_numpy(part) for part in (window, known, y))
        self.size, self.seed = min(size, len(y)), seed
        self.epoch: Callable[[], int] = int

    def __len__(self) -> int:
        return max(1, len(self.parts[2]) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = np.random.default_rng([self.seed, self.epoch()]).permutation(len(self.parts[2]))
        for number in range(len(self)):
            # The last batch takes the rest: nothing is left out of an epoch.
            end = len(order) if number == len(self) - 1 else (number + 1) * self.size
            chosen = torch.from_numpy(order[number * self.size : end])
            yield tuple(part[chosen] for part in self.parts)
