"""An intensive care stay as this room's learners see it."""

from __future__ import annotations

import math

from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.engines.panel.summaries import Narrow, Summaries
from suwen.systems.signals._points import SEVERITY
from suwen.systems.signals._variables import ICU_2012

STATIC = ("Age", "Gender", "Height", "Weight", "ICUType")
"""Descriptors of a stay."""

PERIODS = (12.0, 24.0, 36.0, 48.0)
"""Parts of a stay for which an answer before its end is learned apart."""

SHALLOW = {
    "num_leaves": 7,
    "extra_trees": True,
    "feature_fraction": 0.1,
    "bagging_fraction": 0.6,
    "min_data_in_leaf": 30,
    "lambda_l2": 20.0,
}
"""Shallow trees, random limits, few columns at a time: best of a dozen settings, five-fold on set-a."""

SENSORS = {
    "heart rate": ("HR",),
    "arterial line": ("SysABP", "DiasABP", "MAP"),
    "pressure cuff": ("NISysABP", "NIDiasABP", "NIMAP"),
    "respiration and ventilator": ("RespRate", "MechVent", "FiO2"),
    "blood gases": ("PaO2", "PaCO2", "pH", "SaO2", "Lactate"),
    "Glasgow coma scale": ("GCS",),
    "urine": ("Urine",),
    "temperature": ("Temp",),
    "kidney and electrolytes": ("BUN", "Creatinine", "Na", "K", "Mg", "HCO3", "Glucose"),
    "liver": ("ALP", "ALT", "AST", "Bilirubin", "Albumin"),
    "blood count": ("HCT", "WBC", "Platelets"),
}
"""Variables that go missing together."""

LEAST_OBSERVATIONS, LEAST_VARIABLES = 10, 3
"""A stay of which less is known is not answered for: CinC 2012 has stays that hold descriptors and little else."""

SUMMARIES = Summaries(
    key="stay",
    names=tuple(variable.name for variable in ICU_2012),
    length_h=48.0,
    windows=((0, 12), (12, 24), (24, 36), (36, 48), (42, 48)),
    merged={
        "systolic": ("SysABP", "NISysABP"),
        "diastolic": ("DiasABP", "NIDiasABP"),
        "mean": ("MAP", "NIMAP"),
    },
    ratios=(("HR", "systolic"), ("BUN", "Creatinine"), ("PaO2", "FiO2")),
    totals=("Urine", "MechVent"),
    points=SEVERITY,
    static=STATIC,
    choices={"ICUType": (1.0, 2.0, 3.0, 4.0)},
)


def _plain(column: str) -> bool:
    """Columns for a linear model: means by window, and five of the whole stay."""
    what, _, window = column.partition(":")[2].partition("@")
    if not window:
        return True
    return what in ({"count", "mean", "min", "max", "last"} if window == "0-48" else {"mean"})


SHORT = Narrow(base=SUMMARIES, keep=_plain)
"""For a linear model, which many overlapping columns do not help."""


def saps_i(sample: Sample) -> float:
    """SAPS-I as the data set gives it (Le Gall et al., Crit Care Med 12:975, 1984); NaN where it does not."""
    return float(sample.inputs["stay"].static.get("saps_i", math.nan))


def enough(sample: Sample) -> Abstention | None:
    """Refuse a stay of which too little is known (code ``too-little-observed``)."""
    stay = sample.inputs["stay"]
    if len(stay) < LEAST_OBSERVATIONS or len(set(stay.variable.tolist())) < LEAST_VARIABLES:
        return Abstention(
            code="too-little-observed",
            reason=f"{len(stay)} observations of {len(set(stay.variable.tolist()))} variables are too few to "
            f"answer: at least {LEAST_OBSERVATIONS} of {LEAST_VARIABLES} are needed",
        )
    return None
