"""``suwen evaluate``: a run, or the model in service, judged on a part of a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suwen.core.engine import Engine, Progress, ServedModel
from suwen.core.errors import BadInput, MissingExtra, NotFound
from suwen.core.home import home
from suwen.core.sample import SPLITS, Sample, Samples
from suwen.lifecycle import models
from suwen.lifecycle import run as runs
from suwen.lifecycle.cohorts import gather
from suwen.lifecycle.collect import silent
from suwen.lifecycle.discovery import engine_for, find
from suwen.lifecycle.evaluation.document import document as report_document
from suwen.lifecycle.evaluation.document import read_report
from suwen.lifecycle.judges import Judged, judge_of
from suwen.lifecycle.partition import recall, subject_key
from suwen.lifecycle.reports import write
from suwen.lifecycle.robustness import with_robustness

Part = tuple[tuple[Sample, ...], list[str]]
"""Samples to judge, and sentences about how they were chosen."""


def evaluate(
    target: str, source: str, *, split: str | None = None, seed: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Judge a model on samples it has not learned from.

    Parameters
    ----------
    target
        Folder of a finished run, or name of a task whose model is in service.
    source
        Where the samples are. Its own parts are used if it declares any; the source of the run itself is
        parted as the run parted it, and a validation part that was pooled into folds keeps the out-of-fold
        report of training; any other source is judged whole, less what the run learned from. A
        part that the source declares is never thinned out, but what was learned from is counted; where the
        task says ``leave_out_repeats`` it is left out there too.
    split
        Part to judge; ``test`` where there is one, else ``validation``. A source judged whole is ``test``.
    seed
        Of the bootstrap.
    progress
        Told of every step.

    Returns
    -------
    dict
        The document of ``suwen evaluate --json``; the report is also written, as HTML, JSON and PNG, into
        ``RUN/reports/<split>`` or ``SUWEN_HOME/reports/<task>/<split>``.
    """
    folder = Path(target)
    if runs.is_run(folder) or folder.is_dir():
        document = runs.finished(folder)
        task = find(document["task"])
        loaded = models.load(task, folder / "model")
        memory = recall(folder / "splits.json")
        fingerprint, out = document["data_fingerprint"], folder / "reports"
    else:
        task = find(target)
        loaded = models.load(task)
        memory = {"content": {}, "subjects": {}}
        fingerprint, out = "", home() / "reports" / task.name
    engine = engine_for(task)
    progress("reading the source")
    dataset = gather(task, source)
    task = loaded.task
    # What is scored out-of-fold was learned from in the other folds: validation counts as train then.
    pooled = bool(loaded.manifest["engine_manifest"].get("out_of_fold"))
    same = dataset.fingerprint == fingerprint
    name, (samples, notes) = _choose(
        engine,
        dataset,
        split,
        memory,
        same=same,
        learned=("train", "validation") if pooled else ("train",),
        thin=bool(task.extra.get("leave_out_repeats")),
    )
    if not samples:
        raise BadInput(
            "no labelled sample is left to judge", where=source, fix="Give another source or --split"
        )
    if same and pooled and name == "validation":
        return _out_of_fold(loaded, out / name)
    progress(f"judging {len(samples)} samples")
    manifest = loaded.manifest
    refused = Counter(reason.code for reason in loaded.served.gates(samples) if reason)
    if refused:
        counts = ", ".join(f"{count} {code}" for code, count in sorted(refused.items()))
        notes.append(f"In use the input gates would refuse {sum(refused.values())} of these: {counts}.")
    report = judge_of(task).report(
        task,
        manifest,
        Judged(
            samples=samples,
            scores=loaded.served.logits(samples),
            units=loaded.served.units(samples),
            baselines=_baselines(loaded.served, samples, notes),
            split=name,
            data_fingerprint=dataset.fingerprint,
            warnings=tuple(dict.fromkeys([*manifest["warnings"], *notes])),
            seed=seed,
        ),
    )
    progress("drift, and the cost of a missing sensor")
    report = with_robustness(report, loaded, samples, seed)
    written = write(out / name, report, task, manifest)
    return report_document(report) | {
        "model": loaded.name,
        "refused": dict(refused),
        "report": str(next((path for path in written if path.suffix == ".html"), out / name)),
    }


OUT_OF_FOLD = (
    "Judged out-of-fold, in training: every sample of this part was learned from by other folds' members."
)


def _out_of_fold(loaded: models.Loaded, folder: Path) -> dict[str, Any]:
    """The report that training made of a part all of whose samples it learned from, each by other folds."""
    document = report_document(read_report(folder / "report.json"))
    return document | {
        "warnings": [OUT_OF_FOLD, *document["warnings"]],
        "model": loaded.name,
        "refused": {},
        "report": str(folder / "report.html"),
    }


def _choose(
    engine: Engine,
    dataset: Samples,
    split: str | None,
    memory: Mapping[str, Mapping[str, str]],
    *,
    same: bool,
    learned: Sequence[str] = ("train",),
    thin: bool = False,
) -> tuple[str, Part]:
    """Which samples are judged, under which name.

    Parameters
    ----------
    same
        Whether it is the source of the run.
    learned
        Parts of the run that its model has seen.
    thin
        Whether a declared test part is thinned out too.
    """
    labelled = dataset.where(lambda sample: sample.target is not None)
    notes: list[str] = []
    if len(labelled) < len(dataset):
        notes.append(f"{len(dataset) - len(labelled)} samples have no label and are not judged.")
    declared = {sample.split for sample in labelled if sample.split}
    if same:
        remembered = {
            id(s): "test" if s.split == "test" else memory["content"].get(engine.content_key(s))
            for s in labelled
        }
        name = _name(split, {part for part in remembered.values() if part})
        chosen = tuple(s for s in labelled if remembered[id(s)] == name)
        if not (thin and name == "test"):
            return name, (chosen, notes)
    elif declared:
        name = _name(split, declared)
        chosen = tuple(s for s in labelled if s.split == name)
    else:
        name, chosen = _name(split, {"test"}), labelled
    if name == "train":
        return name, (chosen, notes)
    seen = [s for s in chosen if _learned(engine, s, memory, dataset.subjects_known, learned)]
    if seen and declared and not thin:
        notes.append(
            f"The model learned from {len(seen)} of these samples or their subjects: read with care."
        )
    elif seen:
        notes.append(f"{len(seen)} samples were left out: the model learned from them or their subjects.")
        ids = {id(s) for s in seen}
        chosen = tuple(s for s in chosen if id(s) not in ids)
    return name, (chosen, notes)


def _learned(
    engine: Engine,
    sample: Sample,
    memory: Mapping[str, Mapping[str, str]],
    subjects_known: bool,
    parts: Sequence[str],
) -> bool:
    """Whether the run learned from this content, or from this subject where subjects are known."""
    if memory["content"].get(engine.content_key(sample)) in parts:
        return True
    return subjects_known and memory["subjects"].get(subject_key(sample.subject_id)) in parts


def _name(split: str | None, available: set[str]) -> str:
    """The part asked for, or the best there is.

    Raises
    ------
    NotFound
        When the source has no such part, naming those it has.
    """
    wanted = {"val": "validation", "valid": "validation"}.get(split or "", split)
    if wanted is None:
        wanted = next((name for name in ("test", "validation", "train") if name in available), "test")
    if wanted not in available:
        held = ", ".join(name for name in SPLITS if name in available)
        raise NotFound(f"the source has no part '{wanted}'", fix=f"It has: {held or 'none'}", code="no-split")
    return wanted


def _baselines(served: ServedModel, samples: tuple[Sample, ...], notes: list[str]) -> Mapping[str, Any]:
    """The simpler models on the same samples, where the bundle has them and their library is installed."""
    try:
        return served.baselines(samples)
    except MissingExtra as error:
        notes.append(f"The baseline was not run: {error}")
    except NotFound:
        notes.append("The model was trained without a baseline.")
    return {}
