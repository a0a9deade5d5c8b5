"""The tasks over tables, genes and beats: their data, their published rules, and what their learners reach."""

from __future__ import annotations

import csv
import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.engine import Fitted, Parts
from suwen.core.errors import BadInput
from suwen.engines.panel.engine import engine
from suwen.engines.panel.task import PanelTask
from suwen.lifecycle.settle import settle_on
from suwen.systems.signals import cardiovascular, diabetes, ecg_beat, gene_cancer
from suwen.systems.signals._beat import FIGURES, described
from suwen.systems.signals._findrisc import ANSWERS, BANDS, MAXIMUM, STEPS, band, findrisc, points
from suwen.systems.signals._framingham import framingham_2008, risk

ROOT = Path(__file__).resolve().parents[2]


def contest(task: PanelTask, samples: Any, run: Path, **settings: Any) -> tuple[Fitted, Any, Any]:
    """A whole training out-of-fold: what was fitted, the labels, and the classes."""
    settled: Any = settle_on(task, samples)
    known = tuple(s for s in samples if s.target is not None)
    parts = Parts(train=known, validation=(), groups=tuple(s.subject_id for s in known))
    checked = engine.settings({"folds": 5, **settings})
    fitted = engine.fit(settled, parts, checked, run, seed=0, progress=lambda _: None)
    classes = settled.endpoint.classes
    return fitted, np.array([classes.index(s.target) for s in fitted.samples]), classes


def balanced(scores: Any, labels: Any) -> float:
    decided = scores.argmax(1)
    return float(np.mean([(decided[labels == k] == k).mean() for k in np.unique(labels)]))


def auroc(p: Any, positive: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, p))


def persons(**given: Any) -> dict[str, float]:
    return {name: float(value) for name, value in given.items()}


class TestFramingham:
    """D'Agostino et al. 2008."""

    def test_worked_examples_of_the_primary_model(self) -> None:
        """The published cases: a woman of 61 at 10.48%, a man of 53 at 15.62%."""
        woman = persons(
            gender=0, age=61, totChol=180, HDL=47, sysBP=124, BPMeds=0, currentSmoker=1, diabetes=0
        )
        man = persons(gender=1, age=53, totChol=161, HDL=55, sysBP=125, BPMeds=1, currentSmoker=0, diabetes=1)
        assert risk(woman) == pytest.approx(0.1048, abs=5e-5)
        assert risk(man) == pytest.approx(0.1562, abs=5e-5)

    def test_both_models_agree_with_an_independent_implementation(self) -> None:
        """Expected values of the tests of the R package CVrisk 1.x, rounded there to 0.01%."""
        man = persons(gender=1, age=55, BMI=30, sysBP=140, BPMeds=0, currentSmoker=0, diabetes=0)
        woman = persons(gender=0, age=45, BMI=27, sysBP=125, BPMeds=1, currentSmoker=0, diabetes=0)
        assert risk(man) == pytest.approx(0.1675, abs=5e-5)
        assert risk(woman) == pytest.approx(0.0491, abs=5e-5)
        assert risk({**man, "totChol": 213, "HDL": 50}) == pytest.approx(0.1353, abs=5e-5)
        assert risk({**woman, "totChol": 200, "HDL": 50}) == pytest.approx(0.0468, abs=5e-5)

    def test_every_factor_raises_the_risk(self) -> None:
        for sex in (0, 1):
            base = persons(gender=sex, age=50, BMI=25, sysBP=130, BPMeds=0, currentSmoker=0, diabetes=0)
            changes = {"age": 60, "BMI": 32, "sysBP": 150, "BPMeds": 1, "currentSmoker": 1, "diabetes": 1}
            assert all(risk({**base, name: float(v)}) > risk(base) for name, v in changes.items())

    @pytest.mark.parametrize("name", ["gender", "age", "BMI", "sysBP", "BPMeds", "currentSmoker", "diabetes"])
    def test_nothing_is_guessed(self, name: str) -> None:
        known = persons(gender=1, age=55, BMI=30, sysBP=140, BPMeds=0, currentSmoker=0, diabetes=0)
        assert math.isnan(risk({**known, name: math.nan}))
        assert math.isnan(risk({key: value for key, value in known.items() if key != name}))

    @pytest.mark.parametrize("age", [29.0, 75.0])
    def test_outside_its_ages_it_does_not_answer(self, age: float) -> None:
        known = persons(gender=1, age=55, BMI=30, sysBP=140, BPMeds=0, currentSmoker=0, diabetes=0)
        assert math.isnan(risk({**known, "age": age}))


LEAST = persons(
    age=30, sex=1, bmi=22, waist=85, active=1, vegetables=1, bp_medication=0, high_glucose=0, family=0
)
MOST = persons(
    age=70, sex=0, bmi=33, waist=100, active=0, vegetables=0, bp_medication=1, high_glucose=1, family=2
)


class TestFindrisc:
    """Lindström and Tuomilehto 2003, and the form."""

    def test_the_form_goes_from_0_to_26(self) -> None:
        assert points(LEAST) == 0
        assert points(MOST) == MAXIMUM == 26
        tops = [max(s.points for s in STEPS[name]) for name in ("age", "bmi", "waist, male")]
        assert sum(tops) + sum(max(answers.values()) for answers in ANSWERS.values()) == MAXIMUM

    @pytest.mark.parametrize(
        ("name", "steps"),
        [
            ("age", [(44, 0), (45, 2), (54, 2), (55, 3), (64, 3), (65, 4)]),
            ("bmi", [(24.9, 0), (25, 1), (30, 1), (30.1, 3)]),
            ("waist", [(93, 0), (94, 3), (102, 3), (103, 4)]),
            ("active", [(1, 0), (0, 2)]),
            ("vegetables", [(1, 0), (0, 1)]),
            ("bp_medication", [(0, 0), (1, 2)]),
            ("high_glucose", [(0, 0), (1, 5)]),
            ("family", [(0, 0), (1, 3), (2, 5)]),
        ],
    )
    def test_each_line_of_the_form(self, name: str, steps: list[tuple[float, int]]) -> None:
        assert [points({**LEAST, name: value}) for value, _ in steps] == [p for _, p in steps]

    def test_women_have_a_waist_of_their_own(self) -> None:
        woman = {**LEAST, "sex": 0.0}
        assert [points({**woman, "waist": float(w)}) for w in (79, 80, 88, 89)] == [0, 3, 3, 4]

    def test_a_whole_form(self) -> None:
        """A woman of 57, 28 kg/m², 90 cm, inactive, vegetables daily, on tablets, her father has diabetes."""
        form = persons(
            age=57, sex=0, bmi=28, waist=90, active=0, vegetables=1, bp_medication=1, high_glucose=0, family=2
        )
        assert points(form) == 3 + 1 + 4 + 2 + 0 + 2 + 0 + 5
        assert band(points(form)) == "high"

    def test_the_bands_of_the_form(self) -> None:
        found = [band(total) for total in (0, 6, 7, 11, 12, 14, 15, 20, 21, 26)]
        assert found == [name for _, name, _ in BANDS for _ in (0, 1)]

    @pytest.mark.parametrize("name", sorted(LEAST))
    def test_a_missing_answer_has_no_points(self, name: str) -> None:
        assert math.isnan(points({**LEAST, name: math.nan}))

    def test_an_answer_that_the_form_does_not_have(self) -> None:
        assert math.isnan(points({**LEAST, "family": 0.5}))


@pytest.fixture(scope="session")
def framingham(data_dir: Path, absent: Callable[[str], None]) -> Path:
    path = data_dir / "signals" / "tabular" / "framingham_10yr_chd.csv"
    if not path.exists():
        absent(f"the Framingham teaching table is not at {path}")
    return path


@pytest.fixture(scope="session")
def people(framingham: Path) -> Any:
    return cardiovascular.task.collect(str(framingham)).samples


class TestCardiovascular:
    def test_the_table_with_old_line_ends_is_read(self, people: Any) -> None:
        assert len(people) == 2968
        assert sum(s.target == "coronary event" for s in people) == 455
        row = people[0].inputs["factors"]
        assert row.names == cardiovascular.task.names
        assert math.isnan(row.values[row.names.index("HDL")])

    def test_the_equation_answers_for_nearly_all_and_discriminates(self, people: Any) -> None:
        scores = np.array([framingham_2008(s) for s in people])
        known = np.isfinite(scores)
        assert known.mean() > 0.98
        positive = np.array([s.target == "coronary event" for s in people])
        assert auroc(scores[known], positive[known]) > 0.70

    def test_the_learned_model_is_not_behind_the_equation(self, people: Any, tmp_path: Path) -> None:
        fitted, labels, _ = contest(
            cardiovascular.task, people, tmp_path, learners="framingham_2008,logistic"
        )
        learned = auroc(fitted.logits[:, 1] - fitted.logits[:, 0], labels == 1)
        assert fitted.engine_manifest["winner"] == "logistic"
        assert learned > 0.715
        assert learned > auroc(fitted.baselines["framingham_2008"][:, 1], labels == 1)

    def test_units_are_converted_and_impossible_values_are_missing(
        self, tmp_path: Path, framingham: Path
    ) -> None:
        header, first = (line.split(",") for line in framingham.read_text("utf-8").splitlines()[:2])
        at = header.index("totChol")
        path = tmp_path / "other.csv"
        moved = [name + " [mmol/L]" if name == "totChol" else name for name in header]
        values = list(first)
        values[at], values[header.index("sysBP")] = f"{float(first[at]) / 38.665:.4f}", "-1"
        path.write_text(",".join(moved) + "\n" + ",".join(values) + "\n")
        (sample,) = cardiovascular.task.read(path)
        row = dict(zip(sample.inputs["factors"].names, sample.inputs["factors"].values, strict=True))
        assert row["totChol"] == pytest.approx(float(first[at]), rel=1e-4)
        assert math.isnan(row["sysBP"])
        moved[at] = "totChol [g]"
        path.write_text(",".join(moved) + "\n" + ",".join(first) + "\n")
        with pytest.raises(BadInput) as caught:
            cardiovascular.task.read(path)
        assert caught.value.code == "wrong-unit"


class TestDiabetes:
    def test_a_table_of_the_form_is_read_scored_and_learned_from(self, tmp_path: Path) -> None:
        """People made up by the points themselves: the score is then hard to beat."""
        rng = np.random.default_rng(0)
        path = tmp_path / "people.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            names = [*LEAST, "diabetes"]
            names[names.index("sex")], names[names.index("family")] = "gender", "family_history"
            writer.writerow(names)
            for _ in range(400):
                one = persons(
                    age=rng.integers(25, 75), sex=rng.integers(2), bmi=round(rng.normal(27, 4), 1),
                    waist=round(rng.normal(92, 12)), active=rng.integers(2), vegetables=rng.integers(2),
                    bp_medication=rng.integers(2), high_glucose=rng.random() < 0.1, family=rng.integers(3),
                )  # fmt: skip
                label = int(rng.random() < 1 / (1 + math.exp(3.5 - 0.3 * points(one))))
                cells: list[Any] = [f"{v:g}" for v in one.values()]
                cells[1] = "male" if one["sex"] else "f"
                cells[3] = "" if rng.random() < 0.05 else cells[3]
                writer.writerow([*cells, label])
        samples = diabetes.task.collect(str(path)).samples
        scores = np.array([findrisc(s) for s in samples])
        assert 0.9 < np.isfinite(scores).mean() < 1.0
        assert {s.attributes["sex"] for s in samples} == {"male", "female"}
        fitted, labels, _ = contest(diabetes.task, samples, tmp_path / "run", learners="findrisc,logistic")
        assert auroc(fitted.baselines["findrisc"][:, 1], labels == 1) > 0.7
        assert auroc(fitted.logits[:, 1] - fitted.logits[:, 0], labels == 1) > 0.65

    def test_the_data_of_scikit_learn_fit_another_question(self, tmp_path: Path) -> None:
        spec = importlib.util.spec_from_file_location(
            "example", ROOT / "examples/diabetes_progression_task.py"
        )
        assert spec is not None
        assert spec.loader is not None
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        path = tmp_path / "diabetes.csv"
        example.export(path)
        samples = example.task.collect(str(path)).samples
        assert len(samples) == 442
        fitted, labels, _ = contest(example.task, samples, tmp_path / "run", learners="logistic")
        assert auroc(fitted.logits[:, 1] - fitted.logits[:, 0], labels == 1) > 0.80


class TestGeneCancer:
    @pytest.mark.parametrize(("name", "least"), [("golub", 0.95), ("singh", 0.90)])
    def test_nested_cross_validation_reaches_the_target(
        self, name: str, least: float, data_dir: Path, absent: Callable[[str], None], tmp_path: Path
    ) -> None:
        path = data_dir / "signals" / "genes" / f"{name}.npz"
        if not path.exists():
            absent(f"the gene expression of {name} is not at {path}")
        samples = gene_cancer.task.collect(str(path)).samples
        fitted, labels, classes = contest(gene_cancer.task, samples, tmp_path, learners="ridge_genes")
        assert len(classes) == 2
        assert balanced(fitted.logits, labels) >= least

    def test_it_works_unchanged_on_another_set_of_six_classes(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        labels = np.repeat(np.arange(6), [30, 20, 14, 10, 8, 6])
        x = rng.normal(size=(88, 700)) + rng.normal(size=(88, 3)) @ rng.normal(size=(3, 700))
        for k in range(6):
            x[np.ix_(labels == k, rng.choice(700, 20, replace=False))] += 2.0
        x[rng.random(x.shape) < 0.01] = np.nan
        path = tmp_path / "six.npz"
        np.savez(path, x=x.astype(np.float32), y=np.array([f"type {k}" for k in labels]))
        samples = gene_cancer.task.collect(str(path)).samples
        fitted, found, classes = contest(
            gene_cancer.task, samples, tmp_path / "run", learners="ridge_genes", folds=3
        )
        assert classes == tuple(f"type {k}" for k in range(6))
        assert balanced(fitted.logits, found) > 0.85

    def test_labels_without_meaning_are_not_learned(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(1)
        path = tmp_path / "noise.npz"
        np.savez(path, x=rng.lognormal(size=(60, 2000)).astype(np.float32), y=np.arange(60) % 2)
        samples = gene_cancer.task.collect(str(path)).samples
        fitted, labels, _ = contest(gene_cancer.task, samples, tmp_path / "run", learners="ridge_genes")
        assert balanced(fitted.logits, labels) < 0.75


class TestEcgBeat:
    def test_beats_of_one_person_are_told_apart(
        self, data_dir: Path, absent: Callable[[str], None], tmp_path: Path
    ) -> None:
        path = data_dir / "signals" / "ecg" / "ECG5000_TRAIN.txt"
        if not path.exists():
            absent(f"ECG5000 is not at {path}")
        samples = ecg_beat.task.collect(str(path)).samples
        x, names = described(samples)
        assert x.shape == (401, 140 + len(FIGURES))
        assert len(names) == x.shape[1]
        assert np.isfinite(x).all()
        fitted, labels, classes = contest(ecg_beat.task, samples, tmp_path, learners="logistic")
        assert classes == ("N", "Q", "S", "V")
        assert (fitted.logits.argmax(1) == labels).mean() > 0.94

    def test_figures_of_no_beat(self) -> None:
        x, names = described(())
        assert x.shape[0] == 0
        assert names == FIGURES


@pytest.mark.parametrize(
    "task", [t.task for t in (cardiovascular, diabetes, gene_cancer, ecg_beat)], ids=lambda t: t.name
)
def test_learners_have_names_of_their_own_and_a_score_never_stands_alone(task: PanelTask) -> None:
    names = [learner.name for learner in task.learners]
    assert len(set(names)) == len(names)
    assert any(learner.family != "score" for learner in task.learners)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in names)
