"""Alarm ahead of sepsis, hour by hour through an intensive care stay."""

from suwen.core.endpoint import Alarm
from suwen.core.task import Field
from suwen.engines.hourly.boosted import HourlyTrees
from suwen.engines.hourly.linear import HourlyLogistic
from suwen.engines.hourly.reading import Reading
from suwen.engines.hourly.recurrent import HourlyNetwork
from suwen.engines.panel import PanelTask
from suwen.formats.signals.cinc2019 import Cinc2019
from suwen.systems.signals._sepsis_terms import STATIC, VITAL, terms
from suwen.systems.signals._variables import SEPSIS_2019

task = PanelTask(
    name="signals.sepsis",
    title="Sepsis within the coming hours",
    intended_use=(
        "A second look, once an hour, at adult intensive care patients: the probability that sepsis sets in within the "
        "next six hours or has just set in, with an alarm where it is due."
    ),
    not_for=(
        "Ruling sepsis out, starting or withholding antibiotics without a clinician, children, wards without hourly "
        "observations, and hospitals whose data it has not been judged on: how often and how long patients are "
        "observed is part of what it reads"
    ),
    inputs=(
        Field(
            name="stay",
            kind="observations",
            description="vital signs and laboratory values of an intensive care stay so far, with units",
        ),
    ),
    endpoint=Alarm(
        labels={"no sepsis": ("0",), "sepsis": ("1",)},
        positive="sepsis",
        code=("http://snomed.info/sct", "91302008", "Sepsis"),
        refractory_h=6.0,
    ),
    source=Cinc2019(),
    variables=SEPSIS_2019,
    learners=(
        HourlyLogistic(reading=Reading(static=STATIC)),
        HourlyTrees(
            name="lightgbm_last_trend",
            reading=Reading(static=STATIC),
            parameters={"feature_fraction": 0.3},
        ),
        HourlyTrees(reading=Reading(static=STATIC, full=True, vital=VITAL, terms=terms)),
        HourlyNetwork(static=STATIC),
    ),
    decisive="utility",
    metrics=("utility", "auroc", "auprc", "onset_sensitivity", "lead_time", "alarm_ppv", "false_alarms_per_patient_day",
             "ece", "calibration_slope"),
    subgroups=("age_band", "sex", "unit"),
    floor={"utility": 0.30},
    settings={"operating_point": "utility", "test_fraction": 0.0, "shortcut_probe": False},
    extra={"demo": "signals/cinc2019", "horizon_h": 6.0},
)  # fmt: skip
