"""The contest: every learner on the same folds, an ensemble of them, and a winner by measurement."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Progress, Units
from suwen.core.sample import Sample
from suwen.engines.panel.criterion import criterion
from suwen.engines.panel.learner import Learner
from suwen.engines.panel.stack import fit_weights, loss_of, mix, pull_of
from suwen.engines.panel.task import PanelTask
from suwen.engines.panel.units import rows, take

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DONE = "done.json"
LEAST_WEIGHT = 0.05
"""A learner of less weight in the ensemble is not carried along."""
ENSEMBLE = "ensemble"
"""Name of the weighted mean in tables and manifests."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the contest ended.

    Attributes
    ----------
    scores
        Out-of-fold scores (u, ...) of each learner, and of the ensemble where one was tried.
    figures
        The decisive criterion of each, higher is better.
    winner
        Who is deployed.
    parts
        Learner to weight in what is deployed.
    added
        Array (K,): what is added to their weighted sum.
    """

    scores: Mapping[str, Floats]
    figures: Mapping[str, float]
    winner: str
    parts: Mapping[str, float]
    added: Floats


def compete(
    task: PanelTask,
    learners: Sequence[Learner],
    samples: Sequence[Sample],
    units: Units,
    fold: Ints,
    run: Path,
    *,
    settings: Mapping[str, Any],
    context: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> tuple[Standing, dict[str, float], list[dict[str, float]]]:
    """Train every learner on every fold, or take up what finished before an interruption.

    Parameters
    ----------
    fold
        Fold number of each sample, (n,); its owner's fold holds a unit out.
    run
        Members are kept in ``run/members/<learner>/<fold>``.

    Returns
    -------
    tuple
        The standing, CPU seconds by learner, and one line of history per member.
    """
    scores: dict[str, Floats] = {}
    seconds: dict[str, float] = {}
    history: list[dict[str, float]] = []
    for place, learner in enumerate(learners):
        began = time.process_time()
        design = learner.design(task, samples)
        out: Floats | None = None
        for number in range(int(fold.max()) + 1):
            folder = run / "members" / learner.name / str(number)
            inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if not (folder / DONE).exists():
                progress(f"{learner.name}: fold {number + 1} of {int(fold.max()) + 1}")
                _train(
                    task, learner, design.take(inside), take(units, inside), folder,
                    settings=settings, context=context, seed=seed * 1000 + number, progress=progress,
                )  # fmt: skip
            member = learner.open(task, folder, "", context)
            held = np.asarray(member.scores(design.take(outside)), np.float64)
            if out is None:
                out = np.zeros((len(units), held.shape[1]))
            out[rows(units, outside)] = held
            done = float(read_json(folder / DONE)["cpu_seconds"])
            history.append({"learner": float(place), "member": float(number), "cpu_seconds": done})
        assert out is not None  # noqa: S101 (there are at least two folds)
        scores[learner.name] = out
        seconds[learner.name] = round(time.process_time() - began, 2)
    return _stand(task, learners, scores, units, fold, settings), seconds, history


def _train(task: PanelTask, learner: Learner, design: Any, units: Units, folder: Path, **named: Any) -> None:
    """Train one member; the folder is marked done only when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    learner.fit(task, design, units, folder, **named)
    write_json(folder / DONE, {"cpu_seconds": round(time.process_time() - began, 2)})


def _stand(
    task: PanelTask,
    learners: Sequence[Learner],
    scores: dict[str, Floats],
    units: Units,
    fold: Ints,
    settings: Mapping[str, Any],
) -> Standing:
    """Fit the ensemble, its own score cross-fitted so that it is compared as fairly as the learners."""
    judge = criterion(task.decisive)
    kind = task.endpoint.kind
    shifted = kind in {"classes", "alarm"}
    loss = loss_of(kind)
    how: dict[str, Any] = {"shifted": shifted, "strength": pull_of(kind, units)}
    learned = [learner.name for learner in learners if learner.family != "score"]
    if settings["ensemble"] and len(learned) > 1:
        mine = [scores[name] for name in learned]
        out = np.zeros_like(mine[0])
        for number in range(int(fold.max()) + 1):
            inside = rows(units, np.flatnonzero(fold != number))
            outside = rows(units, np.flatnonzero(fold == number))
            fitted = fit_weights([s[inside] for s in mine], _some(units, inside), loss, **how)
            out[outside] = mix([s[outside] for s in mine], *fitted)
        scores[ENSEMBLE] = out
    figures = {name: judge(one, units) for name, one in scores.items()}
    rivals = [*learned, *([ENSEMBLE] if ENSEMBLE in scores else [])]
    winner = max(rivals or list(figures), key=lambda name: figures[name])
    names = learned if winner == ENSEMBLE else [winner]
    added = np.zeros(scores[winner].shape[1])
    parts = {winner: 1.0}
    if winner == ENSEMBLE or (shifted and rivals):
        weights, added = fit_weights([scores[name] for name in names], units, loss, **how)
        kept = weights > LEAST_WEIGHT * weights.sum()
        if not kept.all():  # the others share the work of those left out
            names = [name for name, held in zip(names, kept, strict=True) if held]
            weights, added = fit_weights([scores[name] for name in names], units, loss, **how)
        parts = {name: float(w) for name, w in zip(names, weights, strict=True)}
    if winner != ENSEMBLE:
        scores[winner] = mix([scores[winner]], np.array([parts[winner]]), added)
    return Standing(scores=scores, figures=figures, winner=winner, parts=parts, added=added)


def _some(units: Units, chosen: Ints) -> Units:
    return Units(owner=units.owner[chosen], hour=units.hour[chosen], target=units.target[chosen])


def pack(learners: Sequence[Learner], run: Path, model: Path, folds: int) -> None:
    """Copy every member's files into the bundle folder, flat: ``<learner>.<fold>.<file>``."""
    for learner in learners:
        for number in range(folds):
            for path in sorted((run / "members" / learner.name / str(number)).iterdir()):
                if path.name != DONE and not path.name.startswith("."):  # half a file that a kill left
                    shutil.copy2(path, model / f"{learner.name}.{number}.{path.name}")
