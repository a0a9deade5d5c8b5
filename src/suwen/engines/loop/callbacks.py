"""What happens around an epoch: a bar while it runs, a checkpoint and a line when it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
from lightning.pytorch.callbacks import Callback, Checkpoint
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from suwen.core.engine import Progress as Tell


class EveryEpoch(Checkpoint):  # type: ignore[misc]
    """Save a checkpoint at each epoch's end: beside the old one first, then over it.

    A kill at any moment leaves the old or the new checkpoint, never half of one. Being a ``Checkpoint``,
    Lightning calls it after ``EarlyStopping``, so that what is saved has counted this epoch's patience.
    """

    def __init__(self, path: Path, tell: Tell, title: str) -> None:
        self.path, self.tell, self.title = path, tell, title

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write, then rename; report one line."""
        if not trainer.should_stop:  # a stopped run would be taken up again and train one epoch more
            beside = self.path.with_suffix(".writing")
            trainer.save_checkpoint(beside)
            if trainer.is_global_zero:
                os.replace(beside, self.path)  # noqa: PTH105 (atomic on every platform we serve)
        found = trainer.callback_metrics
        kind = "validation" if "validation_loss" in found else "training"
        loss = float(found[f"{kind}_loss"])
        self.tell(
            f"{self.title} epoch {trainer.current_epoch + 1}/{trainer.max_epochs} {kind} loss {loss:.4f}"
        )


class Bar(Callback):  # type: ignore[misc]
    """A progress bar on stderr while a member trains; only made where a person is watching."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the bar, from where a resumed training stands."""
        total = int(trainer.num_training_batches) * int(trainer.max_epochs or 1)
        self.bar.start()
        self.line = self.bar.add_task(self.title, total=total, completed=trainer.global_step)

    def on_train_batch_end(self, *_: Any) -> None:
        """One step further."""
        self.bar.advance(self.line)

    def teardown(self, *_: Any, **__: Any) -> None:
        """Take the bar away, also after an error."""
        self.bar.stop()
