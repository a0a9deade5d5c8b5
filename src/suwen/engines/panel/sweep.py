"""Search the panel's settings with Optuna, on held-out folds alone; a stopped sweep goes on where it was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Parts, Progress
from suwen.engines.folds import grouped_folds
from suwen.engines.panel.contest import compete
from suwen.engines.panel.engine import chosen_learners
from suwen.engines.panel.fit import context_of, units_of
from suwen.engines.panel.task import PanelTask

FOLDS = 2
"""Folds of a trial: the settings are compared, not the figures reported."""
SPACE: Mapping[str, tuple[float, float]] = {
    "learning_rate": (3e-4, 1e-2),
    "width": (16, 128),
    "epochs": (4, 30),
    "rounds": (100, 1500),
}
"""What is searched and how far, on a logarithmic scale; only what the competing learners read."""
READ_BY: Mapping[str, tuple[str, ...]] = {
    "learning_rate": ("series", "survival"),
    "width": ("series", "survival"),
    "epochs": ("series", "survival"),
    "rounds": ("boosted",),
}


def sweep(
    task: PanelTask,
    parts: Parts,
    settings: Mapping[str, Any],
    run: Path,
    *,
    trials: int,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Try ``trials`` settings on two folds, and return those whose winner is best by the decisive criterion.

    The first trial takes the settings as they are. Finished trials are kept in ``run/sweep.json``; a sweep
    that was interrupted tells them to the sampler again and trains only what is missing.
    """
    import optuna

    samples = parts.train + parts.validation
    learners = chosen_learners(task, settings["learners"])
    families = {learner.family for learner in learners}
    space = {name: ends for name, ends in SPACE.items() if families.intersection(READ_BY[name])}
    fold = grouped_folds(np.array([str(s.target) for s in samples]), parts.groups, FOLDS, seed)
    units = units_of(task, samples)
    context = context_of(task, samples, units)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    path = run / "sweep.json"
    done: list[dict[str, Any]] = read_json(path) if path.exists() else []
    for number in range(trials):
        trial = study.ask(_distributions(optuna, space)) if number else None
        params = {} if trial is None else dict(trial.params)
        if number >= len(done):
            tried = {**settings, **params}
            standing, _, _ = compete(
                task, learners, samples, units, fold, run / "sweep" / str(number),
                settings=tried, context=context, seed=seed, progress=progress,
            )  # fmt: skip
            figure = float(standing.figures[standing.winner])
            done.append({"settings": params, "winner": standing.winner, "figure": figure})
            write_json(path, done)
            shutil.rmtree(run / "sweep" / str(number))
        if trial is not None:
            study.tell(trial, done[number]["figure"])
    shutil.rmtree(run / "sweep", ignore_errors=True)
    best = max(done, key=lambda line: float(line["figure"]))
    progress(
        f"best of {trials}: {task.decisive} {best['figure']:.4f} with {best['settings'] or 'the defaults'}"
    )
    return {**settings, **best["settings"]}


def _distributions(optuna: Any, space: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    out = {}
    for name, (low, high) in space.items():
        kind = optuna.distributions.FloatDistribution if high < 1 else optuna.distributions.IntDistribution
        out[name] = kind(low, high, log=True)
    return out
