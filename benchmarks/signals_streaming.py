"""Patients followed observation by observation: updates per core, waiting time, and whether it is the batch's answer.

Real stays are replayed in order of time as if all had been admitted together, in the small batches in which they would
arrive. Each observation is one update and gets one answer. Without ``--run`` the mortality model is trained first.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _common import data_dir, parser, publish

TASK = "signals.mortality"
TARGETS = {"updates_per_s": 5000, "p99_ms": 20, "max_abs_difference": 1e-5}


def trained(folder: Path, settings: dict[str, Any]) -> Path:
    """A run of the mortality task."""
    from suwen.lifecycle.train import train

    source = data_dir() / "signals" / "cinc2012"
    train(TASK, str(source), folder / "run", overrides={"mlflow": False, **settings})
    return folder / "run"


def wanted(given: Any) -> dict[str, Any]:
    """Settings that were given."""
    found = {name: getattr(given, name) for name in ("folds", "rounds", "epochs", "learners")}
    return {name: value for name, value in found.items() if value is not None}


def updates_of(samples: Any) -> list[tuple[str, float, int, float]]:
    """Every observation of every stay, in order of time."""
    found = [
        (str(number), float(hour), int(which), float(value))
        for number, sample in enumerate(samples)
        for hour, which, value in zip(
            sample.inputs["stay"].hours,
            sample.inputs["stay"].variable,
            sample.inputs["stay"].values,
            strict=True,
        )
    ]
    return sorted(found, key=lambda one: one[1])


def replay(served: Any, samples: Any, batch: int) -> tuple[dict[str, Any], list[Any], list[float]]:
    """Take in everything, timing each small batch; every update of a batch waits for all of it."""
    stream = served.stream()
    for number, sample in enumerate(samples):
        stream.begin(str(number), sample.inputs["stay"].static)
    updates = updates_of(samples)
    answers: list[float] = []
    waits = np.zeros(len(updates))
    began, clock = time.process_time(), time.perf_counter()
    for start in range(0, len(updates), batch):
        part = updates[start : start + batch]
        then = time.perf_counter()
        answers += stream.update_many(part)
        waits[start : start + len(part)] = time.perf_counter() - then
    cpu, wall = time.process_time() - began, time.perf_counter() - clock
    figures = {
        "updates": len(updates),
        "updates_per_s": len(updates) / wall,
        "updates_per_cpu_s": len(updates) / cpu,
        "p50_ms": 1e3 * float(np.percentile(waits, 50)),
        "p99_ms": 1e3 * float(np.percentile(waits, 99)),
        "bytes_per_patient": stream.bytes_per_patient(),
    }
    return figures, updates, answers


def difference(loaded: Any, samples: Any, updates: Any, answers: Any, count: int) -> float:
    """Largest difference to the batch prediction of what was known then, over some updates and every last one."""
    own: dict[str, list[int]] = {}
    for at, (patient, *_) in enumerate(updates):
        own.setdefault(patient, []).append(at)
    chosen = np.random.default_rng(0).choice(len(updates), min(count, len(updates)), replace=False).tolist()
    chosen += [places[-1] for places in own.values()]
    cut = []
    for at in chosen:
        patient, hour, *_ = updates[at]
        stay = samples[int(patient)].inputs["stay"]
        known = own[patient].index(at) + 1
        part = replace(
            stay,
            hours=stay.hours[:known],
            variable=stay.variable[:known],
            values=stay.values[:known],
            length_h=hour,
        )
        cut.append(replace(samples[int(patient)], inputs={"stay": part}))
    logits = loaded.served.logits(cut) / loaded.manifest["calibration"]["temperature"]
    odds = np.exp(logits - logits.max(1, keepdims=True))
    expected = odds[:, 1] / odds.sum(1)
    return float(np.abs(expected - np.array([answers[at] for at in chosen])).max())


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--patients", type=int, default=1000)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--run", type=Path, help="a finished run of signals.mortality")
    for name in ("folds", "rounds", "epochs"):
        options.add_argument(f"--{name}", type=int, help="of that training; the task's own by default")
    options.add_argument("--learners", help="of that training, separated by commas")
    options.add_argument("--checked", type=int, default=2000, help="updates compared with the batch")
    given = options.parse_args()
    if not (data_dir() / "signals" / "cinc2012").is_dir():
        publish({"absent": ["signals/cinc2012"], "targets": TARGETS}, as_json=given.json)
        return
    from suwen.lifecycle import models
    from suwen.lifecycle.discovery import find

    with tempfile.TemporaryDirectory() as folder:
        if given.run is None:
            os.environ["SUWEN_HOME"] = folder  # the run is signed by a key of its own
        run = given.run or trained(Path(folder), wanted(given))
        task = find(TASK)
        loaded = models.load(task, run / "model")
        samples = task.collect(str(data_dir() / "signals" / "cinc2012")).samples[: given.patients]
        figures, updates, answers = replay(loaded.served, samples, given.batch)
        figures |= {
            "max_abs_difference": difference(loaded, samples, updates, answers, given.checked),
            "deployed": loaded.manifest["engine_manifest"]["parts"],
            "patients": len(samples),
            "batch": given.batch,
            "targets": TARGETS,
        }
    publish(figures, as_json=given.json)


if __name__ == "__main__":
    main()
