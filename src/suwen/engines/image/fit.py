"""Train the members, the baseline and the gate, and leave a model folder that serves without torch."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import write_json
from suwen.core.engine import Fitted, Parts, Progress
from suwen.core.errors import BadInput, Refused
from suwen.core.sample import Sample
from suwen.core.task import Task
from suwen.engines.folds import grouped_folds
from suwen.engines.image.arrays import LARGE_SIDE, natural_size, stack, targets
from suwen.engines.image.baseline import BASELINE
from suwen.engines.image.recipe import complete

LEAST_PER_CLASS = 3
"""The baseline's penalty is chosen in three folds, each with every class."""
LEAST_IMAGES = 10
"""What the likeness gate needs to say what is usual."""
EXPORT_TOLERANCE = 1e-4
"""Largest difference between torch's and ONNX Runtime's logits that an export may show."""


def fit(
    task: Task, parts: Parts, settings: Mapping[str, Any], run: Path, *, seed: int, progress: Progress
) -> Fitted:
    """Train into ``run`` and export ``run/model``.

    Members that finished before an interruption are not trained again; the one that was interrupted goes
    on from its last epoch.

    Parameters
    ----------
    task
        Names the classes.
    parts
        Labelled samples; with ``folds`` set, train and validation are pooled and scores are out-of-fold.
    settings
        Checked settings of the image engine.
    run
        Folder of the run.
    seed
        Same seed, same data, same number of threads: same weights.
    progress
        Told of every epoch.

    Raises
    ------
    BadInput
        When a class has too few samples to learn from (code ``too-few-samples``), or there are fewer
        subjects than folds (code ``too-few-subjects``).
    Refused
        When the exported graph does not reproduce the network (code ``export-differs``).
    """
    import torch

    clock = {"start": time.process_time()}
    size = settings["size"] or natural_size(parts.train)
    chosen = complete(settings, n=len(parts.train) + len(parts.validation), size=size)
    torch.set_num_threads(_threads(chosen))
    everything = parts.train + parts.validation
    images, labels = stack(everything, size), targets(everything, task)
    classes = len(task.endpoint.classes)
    parted = np.arange(len(everything)) >= len(parts.train)
    held_out = grouped_folds(labels, parts.groups, chosen["folds"], seed) if chosen["folds"] else None
    scored = np.arange(len(everything)) if held_out is not None else np.flatnonzero(parted)
    outs = [parted] if held_out is None else [held_out == fold for fold in range(chosen["folds"])]
    _check_enough(task, labels, [~parted, *(~out for out in outs)])

    members, history, own = [], [], np.zeros((len(everything), classes), np.float32)
    for number in range(chosen["ensemble"]):
        out = held_out == number if held_out is not None else parted
        member, epochs = _member(
            (images[~out], labels[~out]),
            (images[out], labels[out]),
            chosen,
            run / "members" / str(number),
            classes=classes,
            seed=seed * 1000 + number,
            progress=progress,
            title=f"member {number + 1}/{chosen['ensemble']}",
        )
        members.append(member)
        history += [{"member": float(number), **line} for line in epochs]
        own[out] = _logits(member, images[out], mirror=chosen["flip"])
    clock["network"] = time.process_time()

    model = run / "model"
    model.mkdir(parents=True, exist_ok=True)
    facts = _export(members, images[~parted], images[parted], labels[parted], chosen, model)
    clock["export"] = time.process_time()
    baseline: NDArray[np.float64] | None = None
    if chosen["baseline"]:
        progress("training the baseline: HOG and logistic regression")
        baseline = _baseline(everything, size, labels, classes, held_out, parted, model, seed=seed)
    clock["baseline"] = time.process_time()
    _gate(images[~parted], images[parted], model, seed=seed)
    _grounds(images[~parted], labels[~parted], classes, model)
    clock["gate"] = time.process_time()

    served = _served_members(model / facts["weights"], images[scored])
    logits = own[scored] if held_out is not None else served.mean(1)
    names = list(clock)
    return Fitted(
        samples=tuple(everything[i] for i in scored),
        logits=logits,
        members=served,
        baselines={} if baseline is None else {BASELINE: baseline[scored]},
        history=history,
        engine_manifest={"size": size, "settings": chosen, "out_of_fold": held_out is not None, **facts},
        cpu_seconds={b: round(clock[b] - clock[a], 2) for a, b in pairwise(names)},
    )


def _check_enough(task: Task, labels: NDArray[np.int64], trainings: Sequence[NDArray[np.bool_]]) -> None:
    """Refuse before an hour is spent what the baseline or the gate would refuse after it."""
    for chosen in trainings:
        counts = np.bincount(labels[chosen], minlength=len(task.endpoint.classes))
        fewest = int(np.where(counts > 0, counts, len(labels)).argmin())
        if counts[fewest] < LEAST_PER_CLASS or counts.sum() < LEAST_IMAGES:
            raise BadInput(
                f"{counts[fewest]} training images of '{task.endpoint.classes[fewest]}' among {counts.sum()} "
                "are too few to learn from",
                fix=f"At least {LEAST_PER_CLASS} of each class and {LEAST_IMAGES} together are needed, in "
                "every fold",
                code="too-few-samples",
            )


def _threads(settings: Mapping[str, Any]) -> int:
    """One thread for small images, where handing work around costs more than the work."""
    if settings["threads"]:
        return int(settings["threads"])
    return 1 if settings["size"] <= LARGE_SIDE else (os.cpu_count() or 1)


def _member(
    train: Any, validation: Any, chosen: Mapping[str, Any], folder: Path, **named: Any
) -> tuple[Any, list[dict[str, float]]]:
    """Train a member, or take it from the folder where it finished earlier."""
    from suwen.engines.image.member import finished, keep, train_member

    done = finished(folder, chosen, train, classes=named["classes"])
    if done is not None:
        return done
    member, history = train_member(train, validation, chosen, folder, **named)
    keep(member, history, folder)
    return member, history


def _logits(member: Any, images: NDArray[np.float32], *, mirror: bool) -> NDArray[np.float32]:
    """Logits (n, K) of one member by torch, in chunks, as the exported graph will give them."""
    import torch

    from suwen.engines.image.export import Ensemble

    alone = Ensemble([member], mirror=mirror).eval()
    with torch.no_grad():
        chunks = [
            alone(torch.from_numpy(images[i : i + 256])[:, None])[0] for i in range(0, len(images), 256)
        ]
    out: NDArray[np.float32] = torch.cat(chunks).numpy()
    return out


def _export(
    members: list[Any],
    train: NDArray[np.float32],
    validation: NDArray[np.float32],
    labels: NDArray[np.int64],
    chosen: Mapping[str, Any],
    model: Path,
) -> dict[str, Any]:
    """Write fp32 and int8 graphs and decide which one serves."""
    from suwen.engines.image.export import difference, export
    from suwen.engines.image.quantise import choose_precision

    weights = export(members, chosen["size"], model / "model.onnx", mirror=chosen["flip"])
    gap = difference(members, model / "model.onnx", validation[:64], mirror=chosen["flip"])
    if gap > EXPORT_TOLERANCE:
        raise Refused(
            f"the exported graph differs from the network by {gap:.1e}",
            fix=f"At most {EXPORT_TOLERANCE:.0e} is allowed; report the network and its settings",
            code="export-differs",
        )
    facts: dict[str, Any] = {
        "weights": "model.onnx",
        "precision": "fp32",
        "parameters": sum(int(np.prod(item["shape"])) for item in weights),
        "export_max_abs_diff": gap,
        "initialisers": weights,
    }
    if chosen["quantise"]:
        facts["quantisation"] = choose_precision(model, train, validation, labels, members=len(members))
        if facts["quantisation"]["promoted"]:
            facts |= {"weights": "model.int8.onnx", "precision": "int8"}
    return facts


def _baseline(
    samples: Sequence[Sample],
    size: int,
    labels: NDArray[np.int64],
    classes: int,
    held_out: NDArray[np.int64] | None,
    parted: NDArray[np.bool_],
    model: Path,
    *,
    seed: int,
) -> NDArray[np.float64]:
    """Learn the baseline on what the network learned from; probabilities where that is held out."""
    from suwen.engines.image.baseline import features, fit_baseline, probabilities, side

    x = features(stack(samples, side(size)))
    scores = np.zeros((len(labels), classes))
    outs = [parted] if held_out is None else [held_out == k for k in range(held_out.max() + 1)]
    for out in outs:
        learned = fit_baseline(x[~out], labels[~out], classes, seed=seed)
        scores[out] = probabilities(x[out], learned)
    if held_out is not None:
        learned = fit_baseline(x, labels, classes, seed=seed)
    write_json(model / "baseline.json", learned)
    return scores


def _gate(train: NDArray[np.float32], validation: NDArray[np.float32], model: Path, *, seed: int) -> None:
    """Learn what an image of this kind looks like, from the training images alone."""
    from suwen.engines.image.gates import fit_gate

    gate = fit_gate(train, seed=seed, validation=validation)
    arrays: dict[str, Any] = {key: np.asarray(value) for key, value in gate.items()}
    np.savez_compressed(model / "gate.npz", **arrays)


def _grounds(images: NDArray[np.float32], labels: NDArray[np.int64], classes: int, model: Path) -> None:
    """Mean training image of all classes but each: an image without evidence for that class."""
    means = np.stack([images[labels != k].mean(0) for k in range(classes)])
    np.savez_compressed(model / "grounds.npz", means=means.astype(np.float16))


def _served_members(weights: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Members' logits (n, M, K) from the graph that will serve."""
    from suwen.engines.onnx.session import open_session, run

    out: NDArray[np.float32] = run(open_session(weights), images[:, None], ["members"])[0]
    return out
