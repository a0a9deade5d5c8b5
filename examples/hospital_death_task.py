"""Death in hospital, from the third day of a serious illness: a task over a table in one file."""

from suwen.core.sample import Sample
from suwen.core.task import Endpoint, Field
from suwen.core.variables import Variable
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.panel import PanelTask
from suwen.engines.score import ScoreLearner
from suwen.formats.signals.tables import Table

# Column, what a clinician calls it, its unit, and what a living patient can have.
COLUMNS = (
    ("age", "Age", "a", 18, 110),
    ("num.co", "Number of comorbidities", "1", 0, 9),
    ("scoma", "Coma score, 0 awake to 100", "1", 0, 100),
    ("meanbp", "Mean arterial pressure", "mm[Hg]", 20, 250),
    ("hrt", "Heart rate", "/min", 20, 300),
    ("resp", "Respiratory rate", "/min", 2, 90),
    ("temp", "Temperature", "Cel", 25, 45),
    ("wblc", "White blood cells", "10*3/uL", 0.05, 500),
    ("pafi", "PaO2 over FiO2", "mm[Hg]", 20, 900),
    ("bili", "Bilirubin", "mg/dL", 0.05, 80),
    ("crea", "Creatinine", "mg/dL", 0.05, 30),
    ("aps", "Physiology score of APACHE III", "{score}", 0, 252),
)


def apache(sample: Sample) -> float:
    """The published score, as the table gives it; NaN where it does not."""
    return float(sample.inputs["day_3"].values[-1])


task = PanelTask(
    name="signals.hospital_death",
    title="Death in hospital after three days of a serious illness",
    intended_use="Risk adjustment of adults with a serious illness, beside the physiology score of APACHE III.",
    not_for="Deciding on treatment or its withdrawal, and illnesses that SUPPORT did not enrol",
    inputs=(Field(name="day_3", kind="table", description="values of day 3, one row per patient"),),
    endpoint=Endpoint(
        labels={"left alive": ("0",), "died": ("1",)},
        positive="died",
        code=("http://snomed.info/sct", "419099009", "Dead"),
    ),
    source=Table(labels=("hospdead",), subject="sno", age="age"),
    variables=tuple(Variable(name=n, title=t, unit=u, plausible=(a, b)) for n, t, u, a, b in COLUMNS),
    # Who competes, the published score among them; the best of the learned ones, or their mean, is deployed.
    learners=(ScoreLearner(name="apache", score=apache), LogisticClasses(splines=True), BoostedClasses()),
    floor={"auroc": 0.75},
)
