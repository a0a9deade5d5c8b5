"""Glucose half an hour and an hour ahead, from a continuous sensor."""

from suwen.core.task import Field, Forecast
from suwen.engines.forecast.boosted import Boosted
from suwen.engines.forecast.gate import History
from suwen.engines.forecast.naive import LINEAR, PERSISTENCE
from suwen.engines.forecast.recurrent import Recurrent
from suwen.engines.forecast.ridge import Ridge
from suwen.engines.panel import PanelTask
from suwen.formats.signals.cgm import Cgm
from suwen.systems.signals._variables import GLUCOSE

_EVENTS = ("meal", "insulin_sc", "insulin_bolus", "oral_agent")
_LEVELS = ("insulin_basal",)

task = PanelTask(
    name="signals.glucose",
    title="Glucose in the next hour",
    intended_use=(
        "A look ahead for adults with diabetes who wear a continuous glucose sensor, and those who care for "
        "them: the reading expected in 30 and 60 minutes with its 90% interval, and a warning before it "
        "falls below 70 or rises above 180 mg/dL."
    ),
    not_for=(
        "Dosing insulin, closed-loop delivery, replacing a finger-prick before treatment, pregnancy, "
        "children, and sensors with another interval than 15 minutes until measured on them"
    ),
    inputs=(
        Field(
            name="trace",
            kind="observations",
            description="sensor glucose every 15 minutes (mg/dL or mmol/L), with meals and insulin where known",
        ),
    ),
    endpoint=Forecast(
        quantity="glucose",
        unit="mg/dL",
        horizons_min=(30, 60),
        low=70.0,
        high=180.0,
        code=("http://loinc.org", "99504-3", "Glucose [Mass/volume] in Interstitial fluid"),
    ),
    source=Cgm(),
    variables=GLUCOSE,
    learners=(
        PERSISTENCE,
        LINEAR,
        Ridge(events=_EVENTS, levels=_LEVELS),
        Boosted(events=_EVENTS, levels=_LEVELS),
        Recurrent(events=_EVENTS, levels=_LEVELS),
    ),
    decisive="rmse",
    metrics=(
        "rmse_30min_mg_dl",
        "rmse_60min_mg_dl",
        "skill_30min",
        "mard_30min",
        "clarke_ab_30min",
        "coverage_90_30min",
        "hypo_sensitivity_30min",
        "hypo_ppv_30min",
    ),
    subgroups=("diabetes_type",),
    # Without the trace itself there is no forecast: only what stands beside it can be missing.
    sensors={
        "meals": ("meal",),
        "insulin": ("insulin_sc", "insulin_bolus", "insulin_basal"),
        "oral agents": ("oral_agent",),
    },
    gate=History(quantity="glucose"),
    floor={"skill_30min": 0.20, "clarke_ab_30min": 0.95},
    settings={"operating_point": "sensitivity>=0.9", "test_fraction": 0.0, "shortcut_probe": False},
    extra={"demo": "signals/cgm"},
)
