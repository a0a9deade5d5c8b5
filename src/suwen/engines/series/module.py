"""The Lightning module: one network, its loss at the end and along the way, its schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.engines.loop.optimiser import optimiser
from suwen.engines.series.networks import StepNetwork


class SeriesModule(L.LightningModule):  # type: ignore[misc]
    """Learns classes of whole stays, and answers at every step.

    The loss is the cross-entropy at the last step, mixed with that of all steps, later ones weighing more
    (target replication: Lipton et al., ICLR 2016): the network then also answers for a stay not yet over.
    In training whole sensors are hidden at random, so that a missing one does not break it.

    Parameters
    ----------
    network
        What learns.
    settings
        ``learning_rate, weight_decay, replicate`` (share of the loss along the way) and ``hide`` (share of
        variables hidden from a stay).
    moving
        Variables at the front of the inputs: values, masks and hours since, in that order.
    steps
        Optimiser steps in all.
    seed
        Of what is hidden.
    """

    def __init__(
        self, network: StepNetwork, *, settings: dict[str, Any], moving: int, steps: int, seed: int
    ) -> None:
        super().__init__()
        self.network, self.settings, self.moving = network, settings, moving
        self.steps, self.seed = steps, seed

    def on_train_epoch_start(self) -> None:
        """Seed this epoch's dropout and hiding, so that a resumed training draws the same."""
        torch.manual_seed(int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0]))

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Loss of one batch: inputs (n, T, F), classes (n,)."""
        x, y = batch
        answers = self.network(hidden(x, self.moving, self.settings["hide"]))
        n, steps, k = answers.shape
        every = nn.functional.cross_entropy(
            answers.reshape(-1, k), y.repeat_interleave(steps), reduction="none"
        ).reshape(n, steps)
        weight = torch.linspace(0, 1, steps, device=x.device) ** 2
        along = (every * weight / weight.sum()).sum(1).mean()
        share = self.settings["replicate"]
        loss: Tensor = (1 - share) * every[:, -1].mean() + share * along
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=n)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, a warm-up, a cosine to zero."""
        return optimiser(
            self.network,
            learning_rate=self.settings["learning_rate"],
            weight_decay=self.settings["weight_decay"],
            steps=self.steps,
        )


def hidden(x: Tensor, moving: int, share: float) -> Tensor:
    """Inputs with a share of the variables taken away for the whole stay, as if never measured."""
    if share <= 0:
        return x
    keep = (torch.rand(x.shape[0], 1, moving, device=x.device) >= share).to(x.dtype)
    value, seen, since, rest = torch.split(x, [moving, moving, moving, x.shape[2] - 3 * moving], 2)
    return torch.cat([value * keep, seen * keep, since * keep + (1 - keep), rest], 2)


class Sequences:
    """Batches of whole sequences in memory, in an order fixed by seed and epoch."""

    def __init__(self, x: NDArray[np.float32], y: NDArray[np.int64], *, size: int, seed: int) -> None:
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.size, self.seed = min(size, len(y)), seed
        self.epoch: Callable[[], int] = lambda: 0

    def __len__(self) -> int:
        return max(1, len(self.y) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = np.random.default_rng([self.seed, self.epoch()]).permutation(len(self.y))
        for number in range(len(self)):
            # The last batch takes the rest: nobody is left out of an epoch.
            end = len(order) if number == len(self) - 1 else (number + 1) * self.size
            chosen = torch.from_numpy(order[number * self.size : end])
            yield self.x[chosen], self.y[chosen]
