"""The Lightning module: one member's network, its loss, its schedule and its best weights."""

from __future__ import annotations

from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import numpy as np
import torch
from torch import Tensor, nn

from suwen.engines.image.augment import Augmentation, augment
from suwen.engines.image.networks import Network
from suwen.engines.loop.optimiser import optimiser


class Standardised(nn.Module):
    """A network behind its input normalisation, so that training and serving share one graph.

    ``normalise='image'`` subtracts each image's mean and divides by its standard deviation plus a floor,
    which takes exposure out; ``'data'`` uses the training set's mean and standard deviation.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, *, mean: float, std: float, per_image: bool) -> None:
        super().__init__()
        self.network, self.per_image = network, per_image
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))

    def normalise(self, x: Tensor) -> Tensor:
        """(n, 1, H, W) of 0 to 1, to zero mean and about unit spread."""
        if not self.per_image:
            return (x - self.mean) / self.std
        centred = x - x.mean((1, 2, 3), keepdim=True)
        spread = (centred.square().mean((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        return centred / (spread + 0.02)

    def features(self, x: Tensor) -> Tensor:
        """Feature map (n, C, h, w) of images (n, 1, H, W)."""
        return self.network.features(self.normalise(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, K) of images (n, 1, H, W)."""
        return self.network(self.normalise(x))  # type: ignore[no-any-return]


class ImageModule(L.LightningModule):  # type: ignore[misc]
    """Trains one member and keeps the weights that validation liked best.

    Class weights move the logits of class k by log w_k away from the data's own prior; ``prior_shift`` is
    that amount, taken off again in validation and, by :meth:`best_model`, in the weights that are kept, so
    that probabilities speak of the population trained on (King and Zeng, Political Analysis 9:137, 2001).

    Randomness is seeded anew from (seed, epoch) at every epoch, so a run that was killed and resumed at an
    epoch's end draws what an unbroken run would have drawn.
    """

    prior_shift: Tensor

    def __init__(
        self,
        model: Standardised,
        *,
        settings: dict[str, Any],
        how: Augmentation,
        class_weights: Tensor | None,
        steps: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.model, self.settings, self.how, self.steps, self.seed = model, settings, how, steps, seed
        self.loss = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=settings["label_smoothing"])
        shift = torch.zeros(1) if class_weights is None else class_weights.log()
        self.register_buffer("prior_shift", shift, persistent=False)
        self.generator = torch.Generator()
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Any] = {}

    def on_train_epoch_start(self) -> None:
        """Seed this epoch's augmentation and dropout."""
        number = int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0])
        torch.manual_seed(number)
        self.generator.manual_seed(number)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Loss of one augmented batch: images (n, 1, H, W), targets (n,)."""
        images, labels = batch
        loss: Tensor = self.loss(self.model(augment(images, self.how, self.generator)), labels)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Judge the weights on validation images."""
        images, labels = batch
        loss = nn.functional.cross_entropy(self.model(images) - self.prior_shift, labels)
        self.log("validation_loss", loss, batch_size=len(labels), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        """Keep the best weights and one line of history."""
        loss = float(self.trainer.callback_metrics["validation_loss"])
        if self.trainer.sanity_checking:
            return
        self.history.append({"epoch": float(self.current_epoch), "validation_loss": loss})
        if not self.best or loss < self.best["loss"]:
            state = {key: value.detach().cpu().clone() for key, value in self.model.state_dict().items()}
            self.best = {"loss": loss, "epoch": self.current_epoch, "state": state}

    def best_model(self) -> Standardised:
        """The network with its best weights and the class weights' shift taken out, ready to serve."""
        model = self.model
        model.load_state_dict(self.best["state"])
        with torch.no_grad():
            model.network.head.bias.sub_(self.prior_shift.to(model.network.head.bias.device))
        plain: Standardised = model.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
        return plain

    def configure_optimizers(self) -> Any:
        """AdamW without decay on biases and norms; linear warm-up, then a cosine to zero."""
        return optimiser(
            self.model,
            learning_rate=self.settings["learning_rate"],
            weight_decay=self.settings["weight_decay"],
            steps=self.steps,
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Carry the best weights and the history through a crash."""
        checkpoint["suwen"] = {"best": self.best, "history": self.history}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take them up again."""
        self.best, self.history = checkpoint["suwen"]["best"], checkpoint["suwen"]["history"]
