"""Verbs that learn: ``collect``, ``prepare``, ``train``, ``evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from suwen.cli.options import Db, Json, Seed, Settings, Source, Store, TaskName, use_record
from suwen.cli.output import emit, figure, line, progress


def collect(
    task: TaskName,
    source: Source,
    probe: Annotated[bool, typer.Option(help="Look for shortcuts in trivial inputs.")] = True,
    seed: Seed = 0,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Audit a source: what is in the data, and what is wrong with it."""
    use_record(store, db)
    from suwen.lifecycle.collect import collect as look

    document = look(task, source, probe=probe, seed=seed, progress=progress)
    if as_json:
        emit(document)
        return
    for text in document["summary"]:
        line(text)


def prepare(
    task: TaskName,
    source: Source,
    out: Annotated[Path, typer.Option("--out", help="Folder for splits.csv and prepare.json.")],
    seed: Seed = 0,
    settings: Settings = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Split a source by subject as training would, and write who is in which part."""
    use_record(store, db)
    from suwen.lifecycle.prepare import prepare as split
    from suwen.lifecycle.settings import parse

    document = split(task, source, out, overrides=parse(settings or ()), seed=seed, progress=progress)
    if as_json:
        emit(document)
        return
    line(", ".join(f"{part} {count}" for part, count in document["counts"].items()))
    line(document["table"])


def train(
    task: TaskName,
    source: Source,
    run: Annotated[Path, typer.Option("--run", help="Folder of the run; an interrupted run is resumed.")],
    seed: Seed = 0,
    settings: Settings = None,
    sweep: Annotated[int, typer.Option("--sweep", min=0, help="Settings to try first, on validation.")] = 0,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Audit, split, train, calibrate and judge a model, with the simple baseline beside it."""
    use_record(store, db)
    from suwen.lifecycle.settings import parse
    from suwen.lifecycle.train import train as learn

    document = learn(
        task, source, run, seed=seed, overrides=parse(settings or ()), sweep=sweep, progress=progress
    )
    if as_json:
        emit(document)
        return
    line(f"{document['model']} in {document['run']}, {document['cpu_seconds']} CPU seconds")
    _metrics(document["validation"])
    line(f"next: suwen evaluate {run} --from SOURCE, then suwen deploy {run}")


def evaluate(
    target: Annotated[str, typer.Argument(help="Folder of a run, or a task.", metavar="RUN|TASK")],
    source: Source,
    split: Annotated[str | None, typer.Option("--split", help="Part to judge: test, validation.")] = None,
    seed: Seed = 0,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Judge a model on samples it has not learned from, with intervals and the baseline beside it."""
    use_record(store, db)
    from suwen.lifecycle.evaluate import evaluate as judge

    document = judge(target, source, split=split, seed=seed, progress=progress)
    if as_json:
        emit({key: value for key, value in document.items() if key != "curves"})
        return
    _metrics(document)
    line(f"report: {document['report']}")


def _metrics(document: dict[str, Any]) -> None:
    """A report as a small table, warnings last."""
    names = list(document["baselines"])
    line(
        f"{document['split']}: {document['n']} samples, floor {'passed' if document['passed'] else 'MISSED'}"
    )
    line(f"  {'metric':24}{'model':28}" + "".join(f"{name:28}" for name in names))
    for metric, estimate in document["metrics"].items():
        if metric == "n":
            continue
        cells = "".join(f"{figure(document['baselines'][name].get(metric)):28}" for name in names)
        line(f"  {metric:24}{figure(estimate):28}{cells}".rstrip())
    leading = next(iter(document["metrics"]), "")
    for name, estimate in document["differences"].items():
        if name.startswith(f"{leading}_minus_"):  # the others are in the report
            line(f"  {name}: {figure(estimate)}")
    for warning in document["warnings"]:
        line(f"  ! {warning}")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for verb in (collect, prepare, train, evaluate):
        app.command()(verb)
