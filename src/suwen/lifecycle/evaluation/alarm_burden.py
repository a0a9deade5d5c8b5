"""Alarms as they are heard: none within the refractory time of the one before; when, how often, and rightly or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.core.engine import Units
from suwen.engines.hourly.utility import CINC_2019, Utility, Worth, normalised
from suwen.lifecycle.evaluation.arrays import Bools, Floats, Ints, ratio


def heard(due: Bools, units: Units, refractory_h: float) -> Bools:
    """Which of the hours at which an alarm is due are those at which it is heard, (u,).

    All stays are walked through side by side, hour by hour; equal to
    :func:`suwen.lifecycle.bell.alarms` of each stay.
    """
    out = np.zeros(len(due), np.bool_)
    if not len(due):
        return out
    first = np.concatenate(([0], np.flatnonzero(np.diff(units.owner)) + 1))
    length = np.diff(np.append(first, len(due)))
    place = np.arange(len(due)) - np.repeat(first, length)
    stay = np.repeat(np.arange(len(first)), length)
    order = np.argsort(place, kind="stable")
    last = np.full(len(first), -np.inf)
    for each in np.split(order, np.bincount(place).cumsum()[:-1]):
        rows = each[due[each]]
        rows = rows[units.hour[rows] - last[stay[rows]] >= refractory_h]
        out[rows] = True
        last[stay[rows]] = units.hour[rows]
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Burden:
    """What alarms did, summed by subject: arrays (S,), float64.

    Attributes
    ----------
    gained, silence, best
        Utility of the decisions of every hour, of never alarming, and of the ideal answer.
    hours, alarms, right
        Hours judged, alarms heard, and those of them in the hours where an alarm is worth something.
    onsets, caught
        Stays with an onset, and those of them with an alarm heard in the hours before it.
    lead_subject, lead_h
        Subject, and hours from the first such alarm to the onset, of every stay that was caught.
    """

    gained: Floats
    silence: Floats
    best: Floats
    hours: Floats
    alarms: Floats
    right: Floats
    onsets: Floats
    caught: Floats
    lead_subject: Ints
    lead_h: Floats

    def figures(self, times: Floats) -> dict[str, Floats]:
        """Figures (r,) where subjects count ``times`` (r, S)."""
        t = np.asarray(times, np.float64)
        days = t @ self.hours / 24.0
        alarms, right = t @ self.alarms, t @ self.right
        return {
            "utility": normalised(t @ self.gained, t @ self.silence, t @ self.best),
            "onset_sensitivity": ratio(t @ self.caught, t @ self.onsets),
            "lead_time": _medians(self.lead_h, t[:, self.lead_subject]),
            "alarm_ppv": ratio(right, alarms),
            "alarms_per_patient_day": ratio(alarms, days),
            "false_alarms_per_patient_day": ratio(alarms - right, days),
        }


def burden(
    due: Bools,
    units: Units,
    worth: Worth,
    subject: Ints,
    refractory_h: float,
    utility: Utility = CINC_2019,
) -> Burden:
    """Sum up what alarms at these hours would do.

    Parameters
    ----------
    due
        Whether each unit's probability reaches the threshold, (u,).
    units, worth
        The hours, and what an alarm at each is worth.
    subject
        Number of each unit's subject, (u,).
    refractory_h
        Hours for which an alarm silences the next.
    utility
        Its window is where an alarm is right.
    """
    known = units.target >= 0
    rung = heard(due, units, refractory_h) & known
    inside = (worth.after >= utility.early_h) & (worth.after <= utility.late_h)
    count = int(subject.max()) + 1

    def total(values: Floats | Bools) -> Floats:
        return np.bincount(subject, values, minlength=count).astype(np.float64)

    starts = np.concatenate(([0], np.flatnonzero(np.diff(units.owner)) + 1))
    ill = np.isfinite(worth.after[starts])
    warned = np.where(rung & inside & (worth.after < 0), -worth.after, -np.inf)
    lead = np.maximum.reduceat(warned, starts)
    caught = np.isfinite(lead)
    whose = subject[starts]
    return Burden(
        gained=total(np.where(due, worth.alarm, worth.silence)),
        silence=total(worth.silence),
        best=total(worth.best),
        hours=total(known),
        alarms=total(rung),
        right=total(rung & inside),
        onsets=np.bincount(whose, ill, minlength=count).astype(np.float64),
        caught=np.bincount(whose, caught, minlength=count).astype(np.float64),
        lead_subject=whose[caught],
        lead_h=lead[caught],
    )


def _medians(values: Floats, weights: Floats) -> Floats:
    """Weighted lower medians (r,) of values (n,) under weights (r, n); NaN where nothing has a weight."""
    if not len(values):
        return np.full(len(weights), np.nan)
    order = np.argsort(values, kind="stable")
    mass = weights[:, order].cumsum(axis=1)
    at = (mass >= 0.5 * mass[:, -1:]).argmax(axis=1)
    return np.where(mass[:, -1] > 0, values[order][at], np.nan)
