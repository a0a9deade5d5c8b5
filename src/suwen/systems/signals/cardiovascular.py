"""Coronary heart disease within ten years, from the risk factors of one visit."""

from dataclasses import replace

from suwen.core.task import Endpoint, Field
from suwen.core.variables import Variable
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.panel import PanelTask
from suwen.engines.score import ScoreLearner
from suwen.formats.signals.tables import Table
from suwen.systems.signals._factors import AGE, BMI, CHOLESTEROL, CIGARETTES, HDL, SEX, yes_no
from suwen.systems.signals._framingham import framingham_2008
from suwen.systems.signals._quantities import DIA, HR, SERUM_GLUCOSE, SYS, pressure

task = PanelTask(
    name="signals.cardiovascular",
    title="Coronary heart disease within ten years",
    intended_use=(
        "Risk assessment in primary care of adults without coronary heart disease, beside a published risk equation: "
        "the probability of coronary heart disease within ten years."
    ),
    not_for=(
        "Acute chest pain, people with known coronary disease, ages outside the data the model learned from, and "
        "deciding on treatment alone"
    ),
    inputs=(
        Field(name="factors", kind="table", description="risk factors of one visit, one row per person"),
    ),
    endpoint=Endpoint(
        labels={"no coronary event": ("0", "no"), "coronary event": ("1", "yes")},
        positive="coronary event",
        code=("http://snomed.info/sct", "53741008", "Coronary arteriosclerosis"),
    ),
    source=Table(
        labels=("TenYearCHD", "label"),
        optional=("education", "HDL"),
        age="age",
        sex="gender",
        synonyms={"male": "gender", "sex": "gender"},
    ),
    variables=(
        replace(SEX, name="gender"),
        AGE,
        Variable(
            name="education", title="Education (1 some school to 4 college)", unit="1", plausible=(1, 4)
        ),
        yes_no("currentSmoker", "Current smoker", modifiable=True),
        CIGARETTES,
        yes_no("BPMeds", "On medication for high pressure"),
        yes_no("prevalentStroke", "Stroke in the past"),
        yes_no("prevalentHyp", "Hypertension"),
        yes_no("diabetes", "Diabetes"),
        CHOLESTEROL,
        HDL,
        pressure("sysBP", "Systolic pressure", SYS, (None, 140), "8480-6"),
        pressure("diaBP", "Diastolic pressure", DIA, (None, 90), "8462-4"),
        replace(BMI, name="BMI"),
        replace(HR, name="heartRate"),
        replace(SERUM_GLUCOSE, name="glucose"),
    ),
    learners=(
        ScoreLearner(name="framingham_2008", score=framingham_2008, published=True),
        LogisticClasses(l1_ratios=(0.0, 0.5), penalties=(0.1, 0.03, 0.01, 0.003)),
        BoostedClasses(bags=3),
    ),
    decisive="log_likelihood",
    metrics=(
        "auroc",
        "auprc",
        "brier",
        "ece",
        "calibration_slope",
        "calibration_intercept",
        "sensitivity",
        "ppv",
    ),
    subgroups=("age_band", "sex"),
    floor={"auroc": 0.65},
    settings={
        "test_fraction": 0.0,
        "shortcut_probe": False,
        # From here a ten-year coronary risk is intermediate (NCEP Adult Treatment Panel III, JAMA 2001;285:2486).
        "operating_point": "probability>=0.10",
    },
    extra={"demo": "signals/tabular/framingham_10yr_chd.csv"},
)
