"""Run the contest on all labelled samples and leave a model folder that serves without torch."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import write_json
from suwen.core.endpoint import Forecast
from suwen.core.engine import Fitted, Parts, Progress, Units
from suwen.core.sample import Sample
from suwen.engines.folds import grouped_folds
from suwen.engines.panel.contest import compete, pack
from suwen.engines.panel.criterion import log_softmax
from suwen.engines.panel.engine import chosen_learners
from suwen.engines.panel.task import PanelTask
from suwen.engines.panel.units import one_each
from suwen.formats.signals.row import Row

PANEL = "panel.json"


def units_of(task: PanelTask, samples: Any) -> Units:
    """What is scored, by the endpoint's kind."""
    if task.endpoint.kind == "alarm":
        from suwen.engines.hourly.units import hourly_units

        return hourly_units(samples, task.endpoint)
    if isinstance(task.endpoint, Forecast):
        from suwen.engines.forecast.units import forecast_units

        return forecast_units(samples, task.endpoint)
    return one_each(samples, task.endpoint, task.endpoint.classes)


def context_of(task: PanelTask, samples: Sequence[Sample], units: Units) -> dict[str, Any]:
    """What all learners of a run share: classes or a grid of times; of a table also its usual values."""
    context: dict[str, Any] = {"classes": list(task.endpoint.classes)}
    if task.endpoint.kind == "survival":
        from suwen.engines.survival.grid import time_grid

        context["grid"] = time_grid(units.target[:, 0], units.target[:, 1] == 1)
    inputs = [sample.inputs[task.inputs[0].name] for sample in samples]
    if all(isinstance(value, Row) for value in inputs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a column that nobody has stays NaN: missing is usual there
            context["usual"] = np.nanmedian(np.stack([value.values for value in inputs]), axis=0)
    return context


def fit(
    task: PanelTask, parts: Parts, settings: Mapping[str, Any], run: Path, *, seed: int, progress: Progress
) -> Fitted:
    """Train into ``run`` and pack ``run/model``.

    Train and validation are pooled: every learner is trained on the same folds, all scores are out-of-fold,
    and what is deployed is the mean of the winner's fold members. Members that finished before an
    interruption are not trained again.

    Parameters
    ----------
    task
        Its learners compete.
    parts
        Labelled samples and the groups that must not be parted.
    settings
        Checked settings of the panel.
    run
        Folder of the run.
    seed
        Same seed, same data, same number of threads: same members.
    progress
        Told of every member.
    """
    began = time.process_time()
    samples = parts.train + parts.validation
    learners = chosen_learners(task, settings["learners"])
    strata = np.array([str(sample.target) for sample in samples])
    fold = grouped_folds(strata, parts.groups, settings["folds"], seed)
    units = units_of(task, samples)
    context = context_of(task, samples, units)
    standing, seconds, history = compete(
        task, learners, samples, units, fold, run,
        settings=settings, context=context, seed=seed, progress=progress,
    )  # fmt: skip
    model = run / "model"
    model.mkdir(parents=True, exist_ok=True)
    pack(learners, run, model, settings["folds"])
    facts = {
        "winner": standing.winner,
        "weights": dict(standing.parts),
        "added": standing.added,
        "figures": dict(standing.figures),
        "decisive": task.decisive,
        "learners": [learner.name for learner in learners],
        "families": {learner.name: learner.family for learner in learners},
        "folds": settings["folds"],
        "context": context,
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(model.iterdir())
            if "." in path.name and path.name.split(".")[0] in {one.name for one in learners}
        },
    }
    write_json(model / PANEL, facts)
    progress(f"{standing.winner} wins: " + ", ".join(f"{k} {v:.4f}" for k, v in standing.figures.items()))
    rivals = {name: one for name, one in standing.scores.items() if name != standing.winner}
    return Fitted(
        samples=samples,
        logits=standing.scores[standing.winner],
        units=units,
        baselines={name: as_baseline(task, one) for name, one in rivals.items()},
        history=history,
        engine_manifest={
            "weights": PANEL,
            "precision": "fp32",
            "settings": dict(settings),
            "out_of_fold": True,
            **{key: facts[key] for key in ("winner", "figures", "decisive", "learners", "families", "folds")},
            "parts": dict(standing.parts),
        },
        cpu_seconds={**seconds, "all": round(time.process_time() - began, 2)},
    )


def as_baseline(task: PanelTask, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as a report takes a rival's: probabilities of classes and alarms, anything else as it is."""
    if task.endpoint.kind in {"classes", "alarm"}:
        return np.exp(log_softmax(scores))
    return scores
