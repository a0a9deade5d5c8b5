"""What the figures of hourly alarms are called and mean, beside those of classes, which here count hours."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.lifecycle.evaluation.glossary_line import Line

GLOSSARY: Mapping[str, Line] = {
    "utility": Line(
        title="Utility",
        direction="higher",
        unit="share of the ideal; 0 is never alarming, 1 the ideal answer, below 0 is worse than silence",
        meaning="Normalised utility of the PhysioNet/CinC Challenge 2019: every hour's decision is rewarded "
        "from 12 hours before to 3 hours after onset, and a false alarm costs 0.05.",
    ),
    "onset_sensitivity": Line(
        title="Onsets announced",
        direction="higher",
        unit="fraction, 0 to 1",
        meaning="Of the stays with an onset, the share with an alarm heard in the 12 hours before it.",
    ),
    "lead_time": Line(
        title="Lead time",
        direction="higher",
        unit="hours",
        meaning="Median time from the first alarm within the 12 hours before onset to the onset, where there was one.",
    ),
    "alarm_ppv": Line(
        title="PPV of alarms",
        direction="higher",
        unit="fraction, 0 to 1",
        meaning="Of the alarms heard, the share between 12 hours before and 3 hours after an onset.",
    ),
    "alarms_per_patient_day": Line(
        title="Alarms per patient-day",
        direction="lower",
        unit="alarms per 24 hours",
        meaning="Alarms heard, with the refractory time kept.",
    ),
    "false_alarms_per_patient_day": Line(
        title="False alarms per patient-day",
        direction="lower",
        unit="alarms per 24 hours",
        meaning="Alarms heard outside the hours from 12 before to 3 after an onset.",
    ),
}
"""Figures of the alarms themselves, first in a report."""
