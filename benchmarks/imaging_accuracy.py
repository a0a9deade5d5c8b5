"""What the imaging tasks reach on real images, by the commands a user would type.

Trains each data set with ``suwen train`` in a process of its own and reports validation, and the test part
where the source has one or ``--test`` names one, with 95% intervals and the HOG baseline beside it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from _common import data_dir, finish, parser, publish

SOURCES = {
    "pneumonia": ("imaging.pneumonia", "imaging/pneumoniamnist.npz"),
    "breast": ("imaging.breast", "imaging/breastmnist.npz"),
    "cxr_nih": ("imaging.pneumonia", "imaging/cxr_nih"),
}
METRICS = ("auroc", "accuracy", "sensitivity", "specificity", "ece", "brier", "conformal_coverage")
TARGETS = {
    "pneumonia": {"test auroc": 0.972, "test accuracy": 0.90, "train_cpu_s": 300},
    "breast": {"test auroc": 0.89},
    "cxr_nih": {"auroc": "above HOG + logistic, .84"},
    "validation ece": 0.05,
    "held_out_conformal_coverage": [0.87, 0.93],
}


def suwen(arguments: list[str], folder: Path) -> tuple[dict[str, Any], float]:
    """The JSON document of one command, or of its error; and its CPU seconds."""
    env = os.environ | {"SUWEN_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "suwen", *arguments, "--json"]
    done = finish(command, env=env, folder=folder)
    if not done.output.strip():
        return {"error": done.errors.strip().splitlines()[-1:]}, done.cpu_s
    return json.loads(done.output), done.cpu_s


def judged(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report that the claims are about."""
    if "metrics" not in report:
        return {"error": report}
    return {
        "n": report["n"],
        **{name: report["metrics"][name] for name in METRICS if name in report["metrics"]},
        "baselines": {
            name: {key: figures.get(key) for key in ("auroc", "accuracy")}
            for name, figures in report["baselines"].items()
        },
        "differences": report["differences"],
    }


def one(name: str, *, test: str | None, seed: int, settings: list[str], folder: Path) -> dict[str, Any]:
    """Train and judge one data set."""
    task, place = SOURCES[name]
    source, run = data_dir() / place, folder / f"run-{name}"
    if not source.exists():
        return {"absent": place}
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [word for setting in settings for word in ("--set", setting)]
    trained, seconds = suwen(
        ["train", task, "--from", str(source), "--run", str(run), "--seed", str(seed), *chosen], folder
    )
    if "validation" not in trained:
        return {"error": trained, "train_cpu_s": seconds}
    found = {
        "train_cpu_s": seconds,
        "counts": trained["counts"],
        "validation": judged(trained["validation"]),
        "held_out_conformal_coverage": trained["conformal"]["held_out_coverage"],
    }
    given = test or (str(source) if trained["counts"].get("test") else None)
    if given:
        report, spent = suwen(["evaluate", str(run), "--from", given, "--split", "test"], folder)
        found |= {"test": judged(report), "test_is": "given" if test else "own", "evaluate_cpu_s": spent}
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", action="append", choices=SOURCES, help="data set; may be repeated")
    options.add_argument(
        "--test", action="append", default=[], metavar="NAME=PATH", help="test part; may be repeated"
    )
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    chosen = options.parse_args()
    tests = dict(item.split("=", 1) for item in chosen.test)
    if unknown := set(tests) - set(SOURCES):
        options.error(f"--test names {', '.join(sorted(unknown))}; known are {', '.join(SOURCES)}")
    with tempfile.TemporaryDirectory() as folder:
        results = {
            name: one(
                name,
                test=tests.get(name),
                seed=chosen.seed,
                settings=chosen.settings,
                folder=Path(folder),
            )
            for name in chosen.only or SOURCES
        }
    publish(
        {**results, "seed": chosen.seed, "settings": chosen.settings, "targets": TARGETS}, as_json=chosen.json
    )


if __name__ == "__main__":
    main()
