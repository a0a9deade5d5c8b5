"""What the figures of a forecast are called and mean; names add the horizon and the unit of the quantity."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.lifecycle.evaluation.glossary_line import Line

_SHARE = "fraction, 0 to 1"


def _alarm(name: str, title: str, event: str) -> dict[str, Line]:
    """The five figures of one alarm."""
    return {
        f"{name}_sensitivity": Line(
            title=f"{title}: sensitivity",
            direction="higher",
            unit=_SHARE,
            meaning=f"Of the readings {event}, the share that the forecast announced.",
        ),
        f"{name}_onset_sensitivity": Line(
            title=f"{title}: onsets announced",
            direction="higher",
            unit=_SHARE,
            meaning=f"Of the readings {event} whose forecast was made from a reading that was not yet there, "
            "the share announced: what an alarm adds to looking at the sensor.",
        ),
        f"{name}_ppv": Line(
            title=f"{title}: PPV",
            direction="higher",
            unit=_SHARE,
            meaning=f"Of the forecasts that raise the alarm, the share followed by a reading {event}.",
        ),
        f"{name}_alarms_per_patient_day": Line(
            title=f"{title}: alarms per patient-day",
            direction="lower",
            unit="alarms per 24 hours",
            meaning="How often the alarm begins; it goes on while the forecasts stay beyond its threshold.",
        ),
        f"{name}_prevalence": Line(
            title=f"{title}: prevalence",
            direction="none",
            unit=_SHARE,
            meaning=f"Share of the readings {event}.",
        ),
    }


GLOSSARY: Mapping[str, Line] = {
    "rmse": Line(
        title="RMSE",
        direction="lower",
        unit="unit of the quantity",
        meaning="Root mean squared difference of forecast and reading, over all forecasts of all subjects.",
    ),
    "mae": Line(
        title="MAE",
        direction="lower",
        unit="unit of the quantity",
        meaning="Mean absolute difference of forecast and reading.",
    ),
    "mard": Line(
        title="MARD",
        direction="lower",
        unit="fraction of the reading",
        meaning="Mean absolute relative difference: the error as a share of the reading.",
    ),
    "bias": Line(
        title="Bias",
        direction="target",
        unit="unit of the quantity",
        meaning="Mean of forecast minus reading.",
        target=0.0,
    ),
    "skill": Line(
        title="Skill against persistence",
        direction="higher",
        unit="fraction; 0 is persistence, 1 no error",
        meaning="How far the RMSE lies below that of forecasting the last reading, on the same forecasts.",
    ),
    "clarke_a": Line(
        title="Clarke zone A",
        direction="higher",
        unit=_SHARE,
        meaning="Share of forecasts within 20% of the reading, or low where it is low (Clarke et al. 1987).",
    ),
    "clarke_ab": Line(
        title="Clarke zones A and B",
        direction="higher",
        unit=_SHARE,
        meaning="Share of forecasts that, acted upon, would have done no harm (Clarke et al. 1987).",
    ),
    "coverage_90": Line(
        title="Coverage of the 90% interval",
        direction="target",
        unit=_SHARE,
        meaning="Share of readings inside the interval forecast for them.",
        target=0.9,
    ),
    "interval_width": Line(
        title="Width of the 90% interval",
        direction="lower",
        unit="unit of the quantity",
        meaning="Mean distance of the interval's bounds.",
    ),
    "n_forecasts": Line(
        title="Forecasts judged",
        direction="none",
        unit="forecasts",
        meaning="Forecasts that a reading at this horizon followed.",
    ),
    **_alarm("hypo", "Low alarm", "below the lower limit"),
    **_alarm("hyper", "High alarm", "above the upper limit"),
}
"""Stem of a metric to its line."""
