"""Sepsis alarms on patients never seen, by the commands a user would type, beside what a short script would do.

The stays of CinC 2019 are dealt out into a part to learn from and a part kept apart, by seed; ``suwen train`` and
``suwen evaluate`` do the rest, each in a process of its own. The decisive figure is the challenge's official utility,
and its paired difference from LightGBM on last values and trends, trained in the same run on the same folds. ``script``
is LightGBM on last values carried forward, the label as target, its threshold chosen on a fifth of the patients.
``--test`` judges stays kept elsewhere instead, and then learns from all.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _common import cpu_seconds, data_dir, finish, parser, publish

SOURCE = "signals/cinc2019/training_setB.tar.xz"
BASELINE = "lightgbm_last_trend"
METRICS = (
    "utility", "auroc", "auprc", "onset_sensitivity", "lead_time", "alarm_ppv", "alarms_per_patient_day",
    "false_alarms_per_patient_day", "ece", "calibration_slope", "conformal_coverage",
)  # fmt: skip
TARGETS = {f"utility_minus_{BASELINE}": "above 0, its interval as well", "train_cpu_s": 900}


def stays(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Every stay of the archive, by file name."""
    with tarfile.open(archive) as packed:
        for member in packed:
            content = packed.extractfile(member) if member.name.endswith(".psv") else None
            if content is not None:
                yield Path(member.name).name, content.read()


def dealt(archive: Path, folder: Path, *, held: float, patients: int | None, seed: int) -> dict[str, Path]:
    """Folders ``train`` and ``test`` with stays that share no patient."""
    found = sorted(stays(archive))
    order = np.random.default_rng(seed).permutation(len(found))[: patients or len(found)]
    apart = set(order[: round(held * len(order))].tolist())
    places = {part: folder / part / "training_setB" for part in ("train", "test")}
    for place in places.values():
        place.mkdir(parents=True)
    for at in order:
        name, content = found[at]
        (places["test" if at in apart else "train"] / name).write_bytes(content)
    return places


def suwen(arguments: list[str], folder: Path) -> tuple[dict[str, Any], float]:
    """The JSON document of one command, or of its error; and its CPU seconds."""
    env = os.environ | {"SUWEN_HOME": str(folder / "home")}
    done = finish([sys.executable, "-m", "suwen", *arguments, "--json"], env=env, folder=folder)
    if not done.output.strip():
        return {"error": done.errors.strip().splitlines()[-1:]}, done.cpu_s
    return json.loads(done.output), done.cpu_s


def read(run: Path, part: str) -> Any:
    """The report of one part, as the run keeps it."""
    return json.loads((run / "reports" / part / "report.json").read_text("utf-8"))


def judged(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report that the claims are about."""
    if "metrics" not in report:
        return {"error": report}
    return {
        "patients": report["n_subjects"],
        "hours": report["n"],
        **{name: report["metrics"][name] for name in METRICS if name in report["metrics"]},
        "baselines": {
            name: {key: figures[key] for key in ("utility", "auroc", "auprc") if key in figures}
            for name, figures in report["baselines"].items()
        },
        "differences": {
            key: value for key, value in report["differences"].items() if key.startswith("utility_minus_")
        },
        "by_hour": next(
            (t["rows"] for t in report["curves"]["tables"] if t["title"] == "Utility by hour of the stay"),
            None,
        ),
    }


def plain(files: list[bytes]) -> tuple[Any, Any, Any]:
    """Last values carried forward, labels and lengths, as a short script would read them."""
    values, labels, lengths = [], [], []
    for content in files:
        table = np.genfromtxt(io.BytesIO(content), delimiter="|", skip_header=1, ndmin=2, dtype=np.float32)
        at = np.where(np.isnan(table), -1, np.arange(len(table))[:, None])
        at = np.maximum.accumulate(at, axis=0)
        filled = np.where(at < 0, np.float32(np.nan), np.take_along_axis(table, np.maximum(at, 0), axis=0))
        values.append(filled[:, :-1])
        labels.append(table[:, -1].astype(np.int64))
        lengths.append(len(table))
    return np.concatenate(values), np.concatenate(labels), np.array(lengths)


def script(train: Path, test: Path, seed: int) -> dict[str, Any]:
    """Utility of the short script, by the definition that the reports use."""
    import lightgbm

    from suwen.core.engine import Units
    from suwen.engines.hourly.utility import best_threshold, score, worth

    def units(labels: Any, lengths: Any) -> Units:
        owner = np.repeat(np.arange(len(lengths)), lengths)
        hour = np.concatenate([np.arange(n, dtype=float) for n in lengths])
        return Units(owner=owner, hour=hour, target=labels)

    x, y, n = plain([path.read_bytes() for path in sorted(train.iterdir())])
    owner = np.repeat(np.arange(len(n)), n)
    inside = (np.random.default_rng(seed).permutation(len(n)) >= len(n) // 5)[owner]
    chosen = {"objective": "binary", "num_threads": 1, "verbose": -1, "seed": seed}
    found: list[Any] = []
    data = lightgbm.Dataset(x[inside], y[inside])
    taken = cpu_seconds(lambda: found.append(lightgbm.train(chosen, data, 100)))
    held = np.flatnonzero(~inside)
    first = np.unique(owner[held], return_inverse=True)[1]
    apart = Units(owner=first, hour=units(y, n).hour[held], target=y[held])
    cut = best_threshold(found[0].predict(x[held], num_threads=1), worth(apart))
    x, y, n = plain([path.read_bytes() for path in sorted(test.iterdir())])
    return {
        "utility": score(found[0].predict(x, num_threads=1) >= cut, worth(units(y, n))),
        "train_cpu_s": taken,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--patients", type=int, help="this many patients instead of all")
    options.add_argument("--held", type=float, default=1 / 3, help="share of the patients kept apart")
    options.add_argument("--test", metavar="PATH", help="stays kept elsewhere")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    chosen = options.parse_args()
    archive = data_dir() / SOURCE
    if not archive.exists():
        publish({"absent": SOURCE, "targets": TARGETS}, as_json=chosen.json)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held = 0.0 if chosen.test else chosen.held
        places = dealt(archive, folder, held=held, patients=chosen.patients, seed=chosen.seed)
        words = [word for setting in chosen.settings for word in ("--set", setting)]
        run = folder / "run"
        trained, seconds = suwen(
            ["train", "signals.sepsis", "--from", str(places["train"]), "--run", str(run),
             "--seed", str(chosen.seed), *words],
            folder,
        )  # fmt: skip
        document: dict[str, Any] = {"train_cpu_s": seconds}
        if "validation" not in trained:
            document["error"] = trained
        else:
            test = chosen.test or str(places["test"])
            _, spent = suwen(["evaluate", str(run), "--from", test, "--split", "test"], folder)
            document |= {
                "out_of_fold": judged(read(run, "validation")),
                "unseen": judged(read(run, "test")),
                "evaluate_cpu_s": spent,
            }
            if not chosen.test:
                document["script"] = script(places["train"], places["test"], chosen.seed)
    publish(
        {**document, "seed": chosen.seed, "settings": chosen.settings, "targets": TARGETS},
        as_json=chosen.json,
    )


if __name__ == "__main__":
    main()
