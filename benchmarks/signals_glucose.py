"""Glucose 30 and 60 minutes ahead on unseen patients, by the commands a user would type.

Trains both types of diabetes together, and each by itself, with ``suwen train`` in a process of its own: every
figure is out-of-fold by patient, with 95% intervals by patient, persistence and the straight line beside it.
``--test`` judges patients kept apart. ``plain_lags`` is what a short script would do: LightGBM on the last eight
readings. ``by_row_step`` are the two simple rules when the future is taken as so many rows on, gaps or not.
``reading_cpu_us`` is the CPU time from a new reading to its forecast, for traces of several lengths.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _common import cpu_seconds, data_dir, finish, parser, publish

SOURCES = {"both": "signals/cgm", "T1DM": "signals/cgm/T1DM", "T2DM": "signals/cgm/T2DM"}
METRICS = (
    "rmse_30min_mg_dl", "rmse_60min_mg_dl", "skill_30min", "skill_60min", "mard_30min", "clarke_a_30min",
    "clarke_ab_30min", "coverage_90_30min", "coverage_90_60min", "interval_width_30min_mg_dl",
    "hypo_sensitivity_30min", "hypo_onset_sensitivity_30min", "hypo_ppv_30min", "hypo_alarms_per_patient_day_30min",
    "hyper_sensitivity_30min", "hyper_ppv_30min",
)  # fmt: skip
TARGETS = {
    "skill_30min": 0.20,
    "rmse_30min_mg_dl": {"type 1": "20% below 20.8, below 18.8", "type 2": "20% below 17.6, below 18.0"},
    "coverage_90": [0.88, 0.92],
}
DAYS = (1, 4, 16, 64)


def suwen(arguments: list[str], folder: Path) -> tuple[dict[str, Any], float]:
    """The JSON document of one command, or of its error; and its CPU seconds."""
    env = os.environ | {"SUWEN_HOME": str(folder / "home")}
    done = finish([sys.executable, "-m", "suwen", *arguments, "--json"], env=env, folder=folder)
    if not done.output.strip():
        return {"error": done.errors.strip().splitlines()[-1:]}, done.cpu_s
    return json.loads(done.output), done.cpu_s


def judged(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report that the claims are about."""
    if "metrics" not in report:
        return {"error": report}
    return {
        "patients": report["n_subjects"],
        **{name: report["metrics"][name] for name in METRICS if name in report["metrics"]},
        "by_type": {
            group: {name: found[name] for name in METRICS[:8] if name in found}
            for group, found in report["by_group"].items()
        },
        "baselines": {
            name: {key: figures[key]["value"] for key in METRICS[:2]}
            for name, figures in report["baselines"].items()
        },
        "differences": {
            key: value for key, value in report["differences"].items() if key.startswith("rmse_30min")
        },
        "passed": report["passed"],
    }


def one(name: str, *, test: str | None, seed: int, settings: list[str], folder: Path) -> dict[str, Any]:
    """Train and judge on one source."""
    source, run = data_dir() / SOURCES[name], folder / f"run-{name}"
    if not source.exists():
        return {"absent": SOURCES[name]}
    words = [word for setting in settings for word in ("--set", setting)]
    trained, seconds = suwen(
        ["train", "signals.glucose", "--from", str(source), "--run", str(run), "--seed", str(seed), *words],
        folder,
    )
    if "validation" not in trained:
        return {"error": trained, "train_cpu_s": seconds}
    facts = json.loads((run / "model" / "panel.json").read_text("utf-8"))
    found = {
        "train_cpu_s": seconds,
        "winner": facts["winner"],
        "parts": facts["weights"],
        "held_out_coverage": trained["conformal"]["held_out_coverage"],
        "validation": judged(trained["validation"]),
    }
    if test:
        report, spent = suwen(["evaluate", str(run), "--from", test, "--split", "test"], folder)
        found |= {"test": judged(report), "evaluate_cpu_s": spent}
    return found


def by_row_step(samples: Any) -> dict[str, float]:
    """RMSE of persistence and a straight line two rows on."""
    gaps: dict[str, list[Any]] = {"persistence": [], "linear": []}
    for sample in samples:
        values = sample.inputs["trace"].of("glucose")[1].astype(float)
        gaps["persistence"].append(values[2:] - values[:-2])
        gaps["linear"].append(values[3:] - (3 * values[1:-2] - 2 * values[:-3]))
    return {name: float(np.sqrt(np.mean(np.concatenate(parts) ** 2))) for name, parts in gaps.items()}


def plain_lags(task: Any, samples: Any, rounds: int) -> dict[str, float]:
    """RMSE of bare LightGBM on the last eight readings, out-of-fold by patient, and its CPU time."""
    import lightgbm
    from sklearn.model_selection import GroupKFold

    from suwen.engines.forecast.trace import trace_of
    from suwen.engines.forecast.units import forecast_units
    from suwen.engines.forecast.window import window

    units = forecast_units(samples, task.endpoint)
    traces = [trace_of(sample, "glucose") for sample in samples]
    x = np.concatenate([window(trace, trace.hours[trace.origins()])[:, :8] for trace in traces])
    patient = np.array([sample.subject_id for sample in samples])[units.owner]
    known = np.flatnonzero(~np.isnan(units.target[:, 0]))
    x, y, patient = x[known], units.target[known, 0], patient[known]
    out = np.zeros(len(y))
    options = {"num_threads": 1, "verbose": -1, "learning_rate": 0.05}

    def work() -> None:
        for inside, outside in GroupKFold(5).split(x, y, patient):
            out[outside] = lightgbm.train(options, lightgbm.Dataset(x[inside], y[inside]), rounds).predict(
                x[outside]
            )

    seconds = cpu_seconds(work)
    return {"rmse_30min_mg_dl": float(np.sqrt(np.mean((out - y) ** 2))), "train_cpu_s": seconds}


def growth(task: Any, run: Path, sample: Any, repeats: int) -> dict[str, float]:
    """CPU microseconds from a reading to the deployed model's forecast, by length of the trace."""
    from dataclasses import replace

    from suwen.engines.panel.engine import engine

    model: Any = engine.load(
        task, run / "model", json.loads((run / "model" / "manifest.json").read_text("utf-8"))
    )
    seen = sample.inputs["trace"]
    day = seen.until(24.0)
    found = {}
    for days in DAYS:
        hours = np.concatenate([day.hours + 24.25 * number for number in range(days)])
        long = replace(
            day, hours=hours, variable=np.tile(day.variable, days), values=np.tile(day.values, days),
            length_h=float(hours[-1]),
        )  # fmt: skip
        asked = [replace(sample, inputs={"trace": long})]
        model.latest(asked)

        def work(asked: Any = asked) -> None:
            for _ in range(repeats):
                model.latest(asked)

        found[f"{days}_days"] = 1e6 * cpu_seconds(work) / repeats
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", action="append", choices=SOURCES, help="source; may be repeated")
    options.add_argument(
        "--test", metavar="PATH", help="traces of patients kept apart, judged by every model"
    )
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--rounds", type=int, default=200, help="trees of plain_lags")
    options.add_argument("--repeats", type=int, default=200, help="forecasts behind reading_cpu_us")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    chosen = options.parse_args()
    from suwen.systems.signals.glucose import task

    document: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in chosen.only or SOURCES:
            found = one(name, test=chosen.test, seed=chosen.seed, settings=chosen.settings, folder=folder)
            document[name] = found
            if "validation" not in found:
                continue
            samples = task.collect(str(data_dir() / SOURCES[name])).samples
            found["by_row_step"] = by_row_step(samples)
            found["plain_lags"] = plain_lags(task, samples, chosen.rounds)
            found["reading_cpu_us"] = growth(task, folder / f"run-{name}", samples[0], chosen.repeats)
    publish(
        {**document, "seed": chosen.seed, "settings": chosen.settings, "targets": TARGETS},
        as_json=chosen.json,
    )


if __name__ == "__main__":
    main()
