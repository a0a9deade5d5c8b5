"""A quiet Lightning trainer: our progress line, our checkpoint, no folders of its own."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L  # noqa: N812 (Lightning's own convention)
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping

from suwen.core.engine import Progress
from suwen.engines.loop.callbacks import Bar, EveryEpoch

CHECKPOINT = "last.ckpt"


def trainer(settings: Mapping[str, Any], folder: Path, progress: Progress, title: str) -> L.Trainer:
    """Make the trainer.

    Parameters
    ----------
    settings
        ``epochs``; and where they differ from the defaults ``patience`` (0: never stop early),
        ``precision``, ``devices``, ``strategy`` and ``clip`` (gradient norm).
    folder
        Where the checkpoint lives.
    progress, title
        Told of every epoch, under this name.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # Deterministic kernels bring this aid for debugging along: it writes every fresh tensor once for nothing.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch leaves it untyped
    gpu = torch.cuda.is_available()
    callbacks: list[Callback] = [EveryEpoch(folder / CHECKPOINT, progress, title)]
    if sys.stderr.isatty():
        callbacks.append(Bar(title))
    if settings.get("patience"):
        callbacks.append(EarlyStopping("validation_loss", patience=settings["patience"]))
    precision = settings.get("precision", "auto")
    devices = settings.get("devices", "auto")
    return L.Trainer(
        max_epochs=settings["epochs"],
        accelerator="gpu" if gpu else "cpu",
        devices=int(devices) if str(devices).isdigit() else ("auto" if gpu else 1),
        strategy=settings.get("strategy", "auto"),
        precision=("16-mixed" if gpu else "32-true") if precision == "auto" else precision,
        callbacks=callbacks,
        logger=False,  # and no enable_checkpointing=False: EveryEpoch is the checkpoint callback
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        deterministic="warn" if gpu else True,
        gradient_clip_val=settings.get("clip", 5.0),
    )


def run(loop: L.Trainer, module: L.LightningModule, train: Any, validation: Any, folder: Path) -> None:
    """Train from the start, or from the checkpoint that an interrupted training left in ``folder``."""
    last = folder / CHECKPOINT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loop.fit(
            module,
            train,
            validation,
            ckpt_path=str(last) if last.exists() else None,
            weights_only=True,
        )
