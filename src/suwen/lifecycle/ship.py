"""``make models``: what ships with the package, put there signed: one trained model, published scores, protocols.

Weights are reproducible by seed, data and versions, tables by the code alone; the signature is that of whoever
ran this, and the public key is shipped beside the bundle.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from suwen import __version__
from suwen.core.documents import now, write_bytes
from suwen.core.engine import Progress
from suwen.core.errors import Refused
from suwen.core.report import Report
from suwen.core.task import Task
from suwen.engines.rules.engine import write as write_tables
from suwen.engines.rules.task import RulesTask
from suwen.engines.solver.engine import write as write_protocol
from suwen.engines.solver.task import SolverTask
from suwen.lifecycle.bundle import CARD, seal, sha256, version_of
from suwen.lifecycle.card import render
from suwen.lifecycle.demo import data_folders
from suwen.lifecycle.deploy import candidate
from suwen.lifecycle.discovery import all_tasks, engine_for
from suwen.lifecycle.judges import computed, points
from suwen.lifecycle.signing import signing_key
from suwen.lifecycle.train import summary, train
from suwen.records.keys.signing import public_pem

TASK, SOURCE, SEED = "imaging.pneumonia", "imaging/pneumoniamnist.npz", 0
NOT_JUDGED = "Published tables, not judged on any patients here: judge them on yours with suwen evaluate."
DEFAULTS = "The protocol holds defaults, not your hospital's numbers: fix your own with suwen train --set."
MOST_BYTES = 2_000_000
"""A shipped bundle is downloaded by everyone who installs the package."""


def ship(folder: Path, *, progress: Progress) -> dict[str, object]:
    """Train, seal and place the shipped bundle below ``folder``.

    Returns
    -------
    dict
        ``model``, ``bytes`` and ``metrics`` of what was shipped.

    Raises
    ------
    Refused
        Without the training data, or when the bundle is above 2 MB.
    """
    found = [place / SOURCE for place in data_folders() if (place / SOURCE).is_file()]
    if not found:
        raise Refused(
            f"the training data {SOURCE} is not here", fix="Set SUWEN_DATA, or: suwen fetch pneumoniamnist"
        )
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        train(TASK, str(found[0]), run, seed=SEED, overrides={"mlflow": False}, progress=progress)
        bundle = Path(scratch) / "bundle"
        bundle.mkdir()
        manifest = candidate(run, bundle)
        size = sum(path.stat().st_size for path in bundle.iterdir())
        if size > MOST_BYTES:
            raise Refused(f"the bundle has {size} bytes, above the {MOST_BYTES} that may ship")
        target = folder / TASK
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(bundle, target)
    write_bytes(folder / "suwen.pub", public_pem(signing_key().public_key()))
    return {
        "model": f"{TASK}@{manifest['version']}",
        "bytes": size,
        "metrics": manifest["report"]["metrics"],
    }


def ship_unlearned(folder: Path) -> list[str]:
    """Seal and place the bundles of tasks that nothing is trained for: published scores, protocols of solvers.

    Returns
    -------
    list of str
        What was shipped, as ``<task>@<version>``.
    """
    shipped = []
    for task in all_tasks().values():
        if isinstance(task, RulesTask | SolverTask):
            place = folder / task.name
            shutil.rmtree(place, ignore_errors=True)
            manifest = unlearned_bundle(task, place)
            shipped.append(f"{task.name}@{manifest['version']}")
    write_bytes(folder / "rules.pub", public_pem(signing_key().public_key()))
    return shipped


def unlearned_bundle(task: Task, place: Path) -> dict[str, Any]:
    """Write what a task goes by into ``place`` as a sealed bundle; returns the manifest."""
    facts, decided, credit, warning = _goes_by(task, place)
    digest = sha256(place / facts["weights"])
    report = Report(task=task.name, split="published", n=0, n_subjects=0, n_positive=0, metrics={})
    manifest = {
        "task": task.name,
        "title": task.title,
        "engine": task.engine,
        "created_at": now(),
        "code_version": __version__,
        "seed": 0,
        "data_fingerprint": digest,
        "classes": task.endpoint.classes,
        "positive": task.endpoint.positive,
        **decided,
        "engine_manifest": facts,
        "cpu_seconds": {},
        "credit": credit,
        "warnings": [warning],
        "report": summary(report),
        "weights_sha256": digest,
    }
    manifest["version"] = version_of(manifest)
    write_bytes(place / CARD, render(task, report, manifest).encode())
    return seal(place, manifest)


def _goes_by(task: Task, place: Path) -> tuple[dict[str, Any], dict[str, Any], str, str]:
    """The engine's part of the manifest, what decides, whom to credit, and what to be warned of."""
    if isinstance(task, RulesTask):
        facts = write_tables(task, engine_for(task).settings({}), place)
        return facts, points.decision(facts), "; ".join(score.source for score in task.scores), NOT_JUDGED
    assert isinstance(task, SolverTask)  # noqa: S101  (nothing else is unlearned)
    return write_protocol(task, task.settings, place), computed.decision(), "", DEFAULTS


if __name__ == "__main__":
    from importlib.resources import files

    shipped = ship(Path(str(files("suwen.shipped"))), progress=lambda text: print(text, file=sys.stderr))  # noqa: T201
    print(shipped["model"], shipped["bytes"], "bytes")  # noqa: T201
    print(*ship_unlearned(Path(str(files("suwen.shipped")))), sep="\n")  # noqa: T201
