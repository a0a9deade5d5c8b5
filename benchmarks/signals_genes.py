"""Classes of cancer from gene expression by nested cross-validation, beside scikit-learn on the same folds.

Everything that is chosen (genes, strengths, weights, and the winner among ours) is chosen inside an outer fold, which
is repeated over seeds. ``best`` picks, in each outer fold, the learner of largest balanced accuracy in the rest of the
outer folds' held-out scores; ``shuffled`` is the same with labels without meaning, which must come out near chance.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import data_dir, parser, publish

TARGETS = {"golub_balanced_accuracy": 0.95, "singh_balanced_accuracy": 0.90}
SETS = ("golub", "singh")


def balanced(decided: Any, labels: Any) -> float:
    """Mean recall over the classes."""
    return float(np.mean([(decided[labels == k] == k).mean() for k in np.unique(labels)]))


def ours(task: Any, samples: Any, labels: Any, fold: Any, classes: list[str]) -> dict[str, Any]:
    """Out-of-fold scores (n, K) of each of the task's learners, through the files they are served from."""
    from suwen.core.engine import Units

    found: dict[str, Any] = {}
    for learner in task.learners:
        design = learner.design(task, samples)
        scores = np.zeros((len(labels), len(classes)))
        for number in range(int(fold.max()) + 1):
            inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            units = Units(owner=np.arange(len(inside)), hour=np.zeros(len(inside)), target=labels[inside])
            with tempfile.TemporaryDirectory() as folder:
                learner.fit(
                    task, design.take(inside), units, Path(folder), settings={"threads": 1},
                    context={"classes": classes}, seed=number, progress=lambda _: None,
                )  # fmt: skip
                member = learner.open(task, Path(folder), "", {"classes": classes})
                scores[outside] = member.scores(design.take(outside))
        found[learner.name] = scores
    return found


def best(scores: dict[str, Any], labels: Any, fold: Any) -> Any:
    """Decisions where each fold is answered by the learner that fared best on the other folds."""
    decided = np.zeros(len(labels), np.int64)
    for number in range(int(fold.max()) + 1):
        rest, here = fold != number, fold == number
        winner = max(scores, key=lambda name: balanced(scores[name][rest].argmax(1), labels[rest]))
        decided[here] = scores[winner][here].argmax(1)
    return decided


def peers(x: Any, labels: Any, fold: Any, seed: int) -> dict[str, Any]:
    """Usual pipelines of scikit-learn, tuned by an inner grid search, on raw values."""
    from sklearn.feature_selection import SelectKBest, f_classif
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    inner = StratifiedKFold(5, shuffle=True, random_state=seed)
    pipelines = {
        "sklearn_svm_all_genes": GridSearchCV(
            make_pipeline(StandardScaler(), LinearSVC(dual=True)),
            {"linearsvc__C": [1e-4, 1e-2]}, cv=inner, scoring="balanced_accuracy",
        ),
        "sklearn_svm_selected": GridSearchCV(
            make_pipeline(SelectKBest(f_classif), StandardScaler(), LinearSVC(dual=True)),
            {"selectkbest__k": [30, 300], "linearsvc__C": [1e-3, 1e-2]}, cv=inner,
            scoring="balanced_accuracy",
        ),
    }  # fmt: skip
    found = {}
    for name, pipeline in pipelines.items():
        decided = np.zeros(len(labels), np.int64)
        for number in range(int(fold.max()) + 1):
            inside, outside = fold != number, fold == number
            decided[outside] = pipeline.fit(x[inside], labels[inside]).predict(x[outside])
        found[name] = decided
    return found


def measured(task: Any, samples: Any, seeds: int, folds: int, alone: bool) -> dict[str, Any]:
    """Balanced accuracy of everybody over the seeds, and of ours where labels mean nothing."""
    from suwen.engines.linear.inner import inner_folds

    classes = sorted({str(sample.target) for sample in samples})
    labels = np.array([classes.index(str(sample.target)) for sample in samples])
    x = np.stack([sample.inputs["expression"].values for sample in samples])
    reached: dict[str, list[float]] = {}
    spent: list[float] = []
    for seed in range(seeds):
        fold = inner_folds(labels, folds, seed + 1000)
        began = time.process_time()
        kept = ours(task, samples, labels, fold, classes)
        spent.append(time.process_time() - began)
        decided = {key: scores.argmax(1) for key, scores in kept.items()}
        decided["best"] = best(kept, labels, fold)
        if not alone:
            decided |= peers(x, labels, fold, seed)
        for key, one in decided.items():
            reached.setdefault(key, []).append(balanced(one, labels))
    shuffled = np.random.default_rng(0).permutation(labels)
    fold = inner_folds(shuffled, folds, 0)
    chance = ours(task, samples, shuffled, fold, classes)
    return {
        "balanced_accuracy": {key: float(np.mean(values)) for key, values in reached.items()},
        "lowest_of_seeds": {key: min(values) for key, values in reached.items()},
        "shuffled": balanced(best(chance, shuffled, fold), shuffled),
        "cpu_s_per_nested_run": float(np.median(spent)),
    }


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--folds", type=int, default=5)
    options.add_argument("--only", nargs="*", default=list(SETS), choices=SETS)
    options.add_argument("--without-peers", action="store_true")
    given = options.parse_args()

    from suwen.systems.signals.gene_cancer import task

    document: dict[str, Any] = {"targets": TARGETS, "seeds": given.seeds, "folds": given.folds, "absent": []}
    for name in given.only:
        path = data_dir() / "signals" / "genes" / f"{name}.npz"
        if not path.exists():
            document["absent"].append(f"signals/genes/{name}.npz")
            continue
        found = measured(task, task.collect(str(path)).samples, given.seeds, given.folds, given.without_peers)
        document[f"{name}_balanced_accuracy"] = found["balanced_accuracy"]["best"]
        document[name] = found
    publish(document, as_json=given.json)


if __name__ == "__main__":
    main()
