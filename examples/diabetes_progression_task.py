"""Fast progression of diabetes within a year: a task over a table in one file, with data to try it on.

The data are those that scikit-learn brings along (Efron et al., Annals of Statistics 32:407, 2004): 442 people
who all have diabetes, ten baseline values, and a measure of how far the disease went in a year. They say
nothing about who *gets* diabetes, so that they are no data for ``signals.diabetes``; here the question is who
is in the quarter that went furthest. ``python diabetes_progression_task.py diabetes.csv`` writes them as a table.
"""

import sys
from pathlib import Path

from suwen.core.task import Endpoint, Field
from suwen.core.variables import Variable
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.panel import PanelTask
from suwen.formats.signals.tables import Table


def column(name: str, title: str, unit: str, low: float, high: float) -> Variable:
    """A column and what a living person can have in it."""
    return Variable(name=name, title=title, unit=unit, plausible=(low, high))


task = PanelTask(
    name="signals.diabetes_progression",
    title="Fast progression of diabetes within a year",
    intended_use="Showing how a task over a table is written, on public data.",
    not_for="Patients: the measure of progression is not described in the source",
    inputs=(Field(name="factors", kind="table", description="baseline values, one row per person"),),
    endpoint=Endpoint(
        labels={"slower": ("0",), "fastest quarter": ("1",)},
        positive="fastest quarter",
        code=("http://snomed.info/sct", "73211009", "Diabetes mellitus"),
    ),
    source=Table(labels=("fast",), age="age"),
    variables=(
        column("age", "Age", "a", 18, 110),
        column("sex", "Sex, 1 or 2 as in the source", "1", 1, 2),
        column("bmi", "Body mass index", "kg/m2", 10, 90),
        column("bp", "Mean arterial pressure", "mm[Hg]", 30, 200),
        column("s1", "Total cholesterol", "mg/dL", 60, 1000),
        column("s2", "LDL cholesterol", "mg/dL", 10, 700),
        column("s3", "HDL cholesterol", "mg/dL", 5, 200),
        column("s4", "Total cholesterol over HDL", "1", 1, 30),
        column("s5", "Logarithm of triglycerides", "1", 1, 10),
        column("s6", "Glucose", "mg/dL", 10, 2000),
    ),
    learners=(LogisticClasses(splines=True), BoostedClasses()),
    metrics=("auroc", "auprc", "brier", "ece"),
    settings={"test_fraction": 0.0},
)


def export(path: Path) -> None:
    """Write scikit-learn's table, with ``fast`` 1 for the quarter of furthest progression."""
    import numpy as np
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    fast = data.target > np.quantile(data.target, 0.75)
    lines = [",".join([*data.feature_names, "fast"])]
    lines += [
        ",".join([*(f"{v:g}" for v in row), str(int(label))])
        for row, label in zip(data.data, fast, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    export(Path(sys.argv[1]))
