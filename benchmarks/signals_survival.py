"""Every survival learner and their ensemble beside scikit-survival's random survival forest, on the same folds.

Rows with equal covariates never part. ``c_index`` is Harrell's, the mean over held-out folds and repeats, with the
least and the greatest repeat; ``minus_peer`` is the difference to the forest, fold by fold. The forest is a peer under
the GPL and takes part only where it is installed. ``growth`` is CPU seconds of training by rows of SUPPORT.
"""

from __future__ import annotations

import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from _common import cpu_seconds, data_dir, parser, publish

FILES = {
    "metabric": "deepsurv_metabric_IHC4_clinical_train_test.h5",
    "gbsg": "deepsurv_gbsg_cancer_train_test.h5",
    "support": "deepsurv_support_train_test.h5",
    "whas": "deepsurv_whas_train_test.h5",
}
TARGETS = {"metabric": 0.645, "gbsg": 0.677, "support": 0.618}
"""Harrell's concordance to reach on the official test parts, which are not here."""
PEER = "random_survival_forest"
FOLDS = 5


def cohort(name: str, rows: int | None, seed: int) -> tuple[Any, Any]:
    """The task, and the samples of one study or some of them."""
    from suwen.systems.signals.cancer_survival import task

    samples = task.collect(str(data_dir() / "signals" / "survival" / FILES[name])).samples
    if rows is not None and rows < len(samples):
        kept = np.sort(np.random.default_rng(seed).choice(len(samples), rows, replace=False))
        samples = tuple(samples[place] for place in kept)
    return task, samples


def forest(samples: Any, units: Any, fold: Any, trees: int, seed: int) -> Any:
    """Risks of the peer, out-of-fold; its defaults but for the size of a leaf, as in its own example."""
    from sksurv.ensemble import RandomSurvivalForest
    from sksurv.util import Surv

    x = np.stack([sample.inputs["covariates"].values for sample in samples])
    known = Surv.from_arrays(units.target[:, 1] == 1, units.target[:, 0])
    out = np.zeros(len(x))
    for number in range(FOLDS):
        model = RandomSurvivalForest(trees, min_samples_leaf=15, random_state=seed, n_jobs=1, low_memory=True)
        out[fold == number] = model.fit(x[fold != number], known[fold != number]).predict(x[fold == number])
    return out[:, None]


def by_fold(scores: Any, units: Any, fold: Any) -> list[float]:
    """Concordance within each fold: scores of different members are not compared."""
    from suwen.core.engine import Units
    from suwen.engines.panel.criterion import c_index

    found = []
    for number in range(FOLDS):
        at = fold == number
        some = Units(owner=np.arange(at.sum()), hour=units.hour[at], target=units.target[at])
        found.append(c_index(scores[at], some))
    return found


def once(task: Any, samples: Any, trees: int, seed: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Concordance by fold, and CPU seconds, of everybody on one division into folds."""
    from suwen.engines.folds import grouped_folds
    from suwen.engines.panel.contest import compete
    from suwen.engines.panel.fit import context_of, units_of
    from suwen.engines.panel.settings import check

    units = units_of(task, samples)
    strata = np.array([str(sample.target) for sample in samples])
    fold = grouped_folds(strata, [sample.subject_id for sample in samples], FOLDS, seed)
    with tempfile.TemporaryDirectory() as folder:
        standing, seconds, _ = compete(
            task, task.learners, samples, units, fold, Path(folder),
            settings=check({}), context=context_of(task, samples, units), seed=seed, progress=lambda _: None,
        )  # fmt: skip
    scores, spent = dict(standing.scores), dict(seconds)
    if find_spec("sksurv") and trees:
        began = time.process_time()
        # The forest answers with a risk; the criterion takes the logarithm of one.
        scores[PEER] = np.log(np.maximum(forest(samples, units, fold, trees, seed), 1e-12))
        spent[PEER] = time.process_time() - began
    return {name: by_fold(one, units, fold) for name, one in scores.items()}, spent


def study(name: str, *, repeats: int, trees: int, rows: int | None) -> dict[str, Any]:
    """Everybody on one study, over repeats."""
    folds: dict[str, list[list[float]]] = {}
    spent: dict[str, float] = {}
    count = 0
    for seed in range(repeats):
        task, samples = cohort(name, rows, 0)
        count = len(samples)
        found, seconds = once(task, samples, trees, seed)
        for key, values in found.items():
            folds.setdefault(key, []).append(values)
        spent = seconds
    peer = folds.get(PEER)
    return {
        "rows": count,
        "models": {
            key: {
                "c_index": float(np.mean(values)),
                "range": [float(np.min(np.mean(values, 1))), float(np.max(np.mean(values, 1)))],
                "minus_peer": float(np.mean(np.subtract(values, peer))) if peer and key != PEER else None,
                "cpu_s": spent.get(key),
            }
            for key, values in folds.items()
        },
    }


def cost(task: Any, learner: Any, samples: Any) -> tuple[float, float]:
    """CPU seconds of one training, and CPU microseconds of one answer among many."""
    from suwen.engines.panel.fit import context_of, units_of

    units = units_of(task, samples)
    context, design = context_of(task, samples, units), learner.design(task, samples)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        trained = cpu_seconds(
            lambda: learner.fit(
                task, design, units, folder, settings={}, context=context, seed=0, progress=lambda _: None
            )
        )
        member = learner.open(task, folder, "", context)
        return trained, 1e6 * cpu_seconds(lambda: member.scores(design)) / len(samples)


def growth(sizes: list[int]) -> dict[str, dict[str, dict[str, float]]]:
    """Cost of each learner by rows."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for size in sizes:
        task, samples = cohort("support", size, 1)
        for learner in task.learners:
            trained, answer = cost(task, learner, samples)
            found.setdefault(learner.name, {})[str(len(samples))] = {
                "train_cpu_s": trained,
                "us_per_row": answer,
            }
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", action="append", choices=FILES, help="study; may be repeated")
    options.add_argument("--repeats", type=int, default=2, help="divisions into folds")
    options.add_argument("--trees", type=int, default=100, help="of the peer; 0 leaves it out")
    options.add_argument("--rows", type=int, help="at most so many of each study")
    options.add_argument("--sizes", type=int, nargs="*", default=[500, 1000, 2000, 4000], help="of growth")
    chosen = options.parse_args()
    studies = {
        name: study(name, repeats=chosen.repeats, trees=chosen.trees, rows=chosen.rows)
        for name in chosen.only or FILES
        if (data_dir() / "signals" / "survival" / FILES[name]).exists()
    }
    publish(
        {
            "studies": studies,
            "growth": growth(chosen.sizes) if "support" in studies or not chosen.only else {},
            "peer": PEER if find_spec("sksurv") and chosen.trees else None,
            "targets": TARGETS,
        },
        as_json=chosen.json,
    )


if __name__ == "__main__":
    main()
