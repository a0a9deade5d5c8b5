"""What the figures of survival are called and mean."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.lifecycle.evaluation.glossary_line import Line

_SHARE = "fraction, 0 to 1"

GLOSSARY: Mapping[str, Line] = {
    "c_index": Line(
        title="Concordance (Harrell)",
        direction="higher",
        unit="fraction, 0 to 1; 0.5 is chance",
        meaning="Of the pairs in which one had the event while the other was still at risk, the share in which the "
        "first had the higher risk.",
    ),
    "c_index_uno": Line(
        title="Concordance (Uno)",
        direction="higher",
        unit="fraction, 0 to 1; 0.5 is chance",
        meaning="The same with pairs weighted for censoring, up to the last time of the curves that is judged.",
    ),
    "auc_t": Line(
        title="Time-dependent AUC",
        direction="higher",
        unit="fraction, 0 to 1; 0.5 is chance",
        meaning="Of those with the event by a time and those still at risk, how often the former had the higher "
        "risk; mean over the tenths of the events.",
    ),
    "ibs": Line(
        title="Integrated Brier score",
        direction="lower",
        unit="squared probability; 0.25 knows nothing",
        meaning="Mean squared error of the predicted probabilities over time, weighted for censoring.",
    ),
    "hazard_slope": Line(
        title="Calibration slope of the hazard",
        direction="target",
        unit="log hazard per log hazard",
        meaning="Of the predicted log hazard at the horizon in a Cox model of the judged; below 1 it exaggerates.",
        target=1.0,
    ),
    "observed_to_expected": Line(
        title="Observed to expected",
        direction="target",
        unit="ratio of events by the horizon",
        meaning="Events that happened by the horizon, weighted for censoring, over those predicted.",
        target=1.0,
    ),
    "conformal_bound": Line(
        title="90% bound",
        direction="none",
        unit="of the median event time",
        meaning="Mean time that nine of ten are predicted to outlive, over the median event time of the data the model "
        "learned from; at equal coverage a larger one says more.",
    ),
    "event_rate": Line(
        title="Share with the event",
        direction="none",
        unit=_SHARE,
        meaning="Share of the judged who had the event while they were followed.",
    ),
}
"""Metric name to its line."""
