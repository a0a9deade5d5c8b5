"""Type 2 diabetes within ten years, from the answers of the Finnish questionnaire and what else is known."""

from dataclasses import replace

from suwen.core.task import Endpoint, Field
from suwen.core.variables import Variable
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.panel import PanelTask
from suwen.engines.score import ScoreLearner
from suwen.formats.signals.tables import Table
from suwen.systems.signals._factors import AGE, BMI, CHOLESTEROL, HDL, SEX, WAIST, yes_no
from suwen.systems.signals._findrisc import findrisc
from suwen.systems.signals._quantities import SERUM_GLUCOSE, SYS, pressure

FAMILY = Variable(
    name="family",
    title="Diabetes in the family (2 parent, sibling or child; 1 other relative; 0 none)",
    unit="1",
    plausible=(0, 2),
    coded={"none": 0.0, "no": 0.0, "second": 1.0, "second degree": 1.0, "first": 2.0, "first degree": 2.0},
)

task = PanelTask(
    name="signals.diabetes",
    title="Type 2 diabetes within ten years",
    intended_use=(
        "Finding adults without known diabetes who should be offered a blood test, beside the points of FINDRISC: the "
        "probability of type 2 diabetes within the time that the data the model learned from were followed."
    ),
    not_for="Diagnosing diabetes, people who have it already, type 1 and gestational diabetes, and children",
    inputs=(Field(name="factors", kind="table", description="risk factors, one row per person"),),
    endpoint=Endpoint(
        labels={"no diabetes": ("0", "no"), "diabetes": ("1", "yes")},
        positive="diabetes",
        code=("http://snomed.info/sct", "44054006", "Diabetes mellitus type 2"),
    ),
    source=Table(
        labels=("diabetes", "label"),
        optional=(
            "waist", "active", "vegetables", "bp_medication", "high_glucose", "family", "sysBP", "glucose", "totChol",
            "HDL",
        ),
        age="age",
        sex="sex",
        synonyms={"gender": "sex", "BMI": "bmi", "family_history": "family", "physical_activity": "active"},
    ),
    variables=(
        AGE,
        SEX,
        BMI,
        WAIST,
        yes_no("active", "At least 30 minutes of physical activity a day", modifiable=True),
        yes_no("vegetables", "Vegetables, fruit or berries every day", modifiable=True),
        yes_no("bp_medication", "Ever on medication for high pressure"),
        yes_no("high_glucose", "Ever found with high glucose"),
        FAMILY,
        pressure("sysBP", "Systolic pressure", SYS, (None, 140), "8480-6"),
        replace(SERUM_GLUCOSE, name="glucose"),
        CHOLESTEROL,
        HDL,
    ),
    learners=(
        ScoreLearner(name="findrisc", score=findrisc),
        LogisticClasses(l1_ratios=(0.0, 0.5), penalties=(0.1, 0.03, 0.01, 0.003)),
        BoostedClasses(bags=3),
    ),
    decisive="log_likelihood",
    metrics=("auroc", "auprc", "brier", "ece", "calibration_slope", "calibration_intercept", "sensitivity", "ppv"),
    subgroups=("age_band", "sex"),
    floor={"auroc": 0.65},
    settings={
        "test_fraction": 0.0,
        "shortcut_probe": False,
        # What 9 points of FINDRISC found where it was made and tested: 0.78 and 0.81 (Lindström and Tuomilehto 2003).
        "operating_point": "sensitivity>=0.80",
    },
)  # fmt: skip
