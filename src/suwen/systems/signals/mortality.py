"""Death in hospital, from the first 48 hours of an intensive care stay."""

from suwen.core.task import Endpoint, Field
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.panel import PanelTask
from suwen.engines.panel.landmarks import Landmarked
from suwen.engines.score.learner import ScoreLearner
from suwen.engines.series import Network
from suwen.formats.signals.cinc2012 import Cinc2012
from suwen.systems.signals._stay import PERIODS, SENSORS, SHALLOW, SHORT, STATIC, SUMMARIES, enough, saps_i
from suwen.systems.signals._variables import ICU_2012

task = PanelTask(
    name="signals.mortality",
    title="Death in hospital after 48 hours of intensive care",
    intended_use=(
        "Risk adjustment and a second look at adult intensive care patients after 48 hours, beside SAPS-I: the "
        "probability of death before discharge from hospital."
    ),
    not_for="Deciding on treatment or its withdrawal, children, stays shorter than 48 hours, and triage",
    inputs=(
        Field(name="stay", kind="observations", description="observations of the first 48 hours, with units"),
    ),
    endpoint=Endpoint(
        labels={"survived": ("0",), "died": ("1",)},
        positive="died",
        code=("http://snomed.info/sct", "419099009", "Dead"),
    ),
    source=Cinc2012(),
    variables=ICU_2012,
    learners=(
        ScoreLearner(name="saps_i", score=saps_i),
        Landmarked(learner=LogisticClasses(table=SHORT, penalties=(0.1, 0.03, 0.01)), edges=PERIODS),
        Landmarked(
            learner=BoostedClasses(table=SUMMARIES, rounds=900, parameters=SHALLOW),
            early=BoostedClasses(table=SUMMARIES, rounds=150, parameters=SHALLOW | {"learning_rate": 0.06}),
            edges=PERIODS,
        ),
        Network(cell="gru", steps=48, static=STATIC),
        Network(cell="gru_d", steps=48, static=STATIC),
        Network(cell="lstm", steps=48, static=STATIC),
    ),
    metrics=("auroc", "auprc", "event1", "sensitivity", "ppv", "brier", "ece", "calibration_slope"),
    subgroups=("age_band", "sex", "unit"),
    sensors=SENSORS,
    gate=enough,
    floor={"auroc": 0.80},
    settings={"operating_point": "event1", "test_fraction": 0.0, "folds": 10, "shortcut_probe": False},
    extra={"demo": "signals/cinc2012"},
)  # fmt: skip
