"""Search the settings with Optuna, on validation alone; a stopped sweep goes on where it was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Parts, Progress
from suwen.core.task import Task
from suwen.engines.image.arrays import natural_size, stack, targets
from suwen.engines.image.recipe import complete


def sweep(
    task: Task,
    parts: Parts,
    settings: Mapping[str, Any],
    run: Path,
    *,
    trials: int,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Try ``trials`` settings, one member each, and return the settings with the least validation loss.

    Finished trials are kept in ``run/sweep.json``; a sweep that was interrupted tells them to the sampler
    again and trains only what is missing. The test part is never seen.
    """
    import optuna
    import torch

    from suwen.engines.image.member import train_member

    size = settings["size"] or natural_size(parts.train)
    base = complete(settings, n=len(parts.train) + len(parts.validation), size=size)
    torch.set_num_threads(settings["threads"] or 1)
    train = stack(parts.train, size), targets(parts.train, task)
    validation = stack(parts.validation, size), targets(parts.validation, task)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: base[name] for name in SPACE})
    path = run / "sweep.json"
    done: list[dict[str, Any]] = read_json(path) if path.exists() else []
    for number in range(trials):
        trial = study.ask(_distributions(optuna))
        if number >= len(done):
            tried = {**base, **trial.params}
            _, history = train_member(
                train,
                validation,
                tried,
                run / "sweep" / str(number),
                classes=len(task.endpoint.classes),
                seed=seed,
                progress=progress,
                title=f"trial {number + 1}/{trials}",
            )
            loss = float(np.min([line["validation_loss"] for line in history]))
            done.append({"settings": trial.params, "validation_loss": loss})
            write_json(path, done)
            shutil.rmtree(run / "sweep" / str(number))
        study.tell(trial, done[number]["validation_loss"])
    shutil.rmtree(run / "sweep", ignore_errors=True)
    best = min(done, key=lambda line: float(line["validation_loss"]))
    progress(f"best of {trials}: validation loss {best['validation_loss']:.4f}")
    return {**settings, **best["settings"]}


SPACE = ("learning_rate", "weight_decay", "dropout", "augment_strength")


def _distributions(optuna: Any) -> dict[str, Any]:
    """What is searched, and how far."""
    real = optuna.distributions.FloatDistribution
    return {
        "learning_rate": real(3e-4, 1e-2, log=True),
        "weight_decay": real(1e-3, 2e-1, log=True),
        "dropout": real(0.0, 0.5),
        "augment_strength": real(0.0, 2.0),
    }
