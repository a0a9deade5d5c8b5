"""What an alarm of one hour is worth: the utility of the PhysioNet/CinC Challenge 2019, written from its definition.

Reyna et al., 'Early Prediction of Sepsis From Clinical Data: The PhysioNet/Computing in Cardiology Challenge
2019', Critical Care Medicine 48(2):210-217, 2020; the organisers' ``evaluate_sepsis_score.py`` (repository
physionetchallenges/evaluation-2019) has the constants. The label of a septic stay turns 1 six hours before the
onset t, so that with d = hour - t:

====================  ==========================================  ========================================
                      alarm                                       no alarm
====================  ==========================================  ========================================
no sepsis             -0.05                                       0
d <= -6               (d + 12) / 6, but at least -0.05            0
-6 < d <= 3           (3 - d) / 9                                 -2 (d + 6) / 9
d > 3                 0                                           0
====================  ==========================================  ========================================

The utility of a population is its sum, placed between that of never raising an alarm (0) and of raising it in
exactly the hours t - 12 to t + 3 (1); it can be negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Units

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Utility:
    """The constants of the definition.

    Attributes
    ----------
    early_h, optimal_h, late_h
        Hours after onset from which an alarm is worth something, at which it is worth most, and until which
        it is worth anything; the label turns 1 at ``optimal_h``.
    right
        Worth of an alarm at ``optimal_h``.
    missed
        Worth of silence at ``late_h``.
    false
        Worth of an alarm without sepsis, and least worth of one too early.
    """

    early_h: float = -12.0
    optimal_h: float = -6.0
    late_h: float = 3.0
    right: float = 1.0
    missed: float = -2.0
    false: float = -0.05


CINC_2019 = Utility()


@dataclass(frozen=True, kw_only=True, eq=False)
class Worth:
    """Worth of each unit, arrays (u,), float64; all zero where the target is unknown.

    Attributes
    ----------
    alarm, silence
        With and without an alarm.
    best
        With the alarms of the ideal answer.
    after
        Hours after onset, negative before it; NaN in stays without one.
    """

    alarm: Floats
    silence: Floats
    best: Floats
    after: Floats

    @property
    def gain(self) -> Floats:
        """What an alarm adds to silence, (u,)."""
        return self.alarm - self.silence


def worth(units: Units, utility: Utility = CINC_2019) -> Worth:
    """What an alarm and silence are worth at every unit.

    Parameters
    ----------
    units
        Hours of stays with targets 0, 1 or -1 (unknown).
    utility
        The constants.
    """
    after = hours_after_onset(units, utility)
    ill = np.isfinite(after)
    d = np.where(ill, after, 0.0)
    rise, fall = utility.optimal_h - utility.early_h, utility.late_h - utility.optimal_h
    early, late = d <= utility.optimal_h, d <= utility.late_h
    first = np.maximum(utility.right * (d - utility.early_h) / rise, utility.false)
    second = utility.right * (utility.late_h - d) / fall
    alarm = np.where(early, first, np.where(late, second, 0.0))
    silence = np.where(~early & late, utility.missed * (d - utility.optimal_h) / fall, 0.0)
    known = units.target >= 0
    alarm = np.where(known, np.where(ill, alarm, utility.false), 0.0)
    silence = np.where(known & ill, silence, 0.0)
    ideal = ill & (d >= utility.early_h) & late
    return Worth(alarm=alarm, silence=silence, best=np.where(ideal, alarm, silence), after=after)


def hours_after_onset(units: Units, utility: Utility = CINC_2019) -> Floats:
    """Hours since the onset that a stay's labels tell of, (u,); NaN in stays without one."""
    positive = np.flatnonzero(units.target == 1)
    owners, first = np.unique(units.owner[positive], return_index=True)
    count = int(units.owner.max()) + 1 if len(units) else 0
    onset = np.full(count, np.nan)
    onset[owners] = units.hour[positive[first]] - utility.optimal_h
    out: Floats = units.hour - onset[units.owner]
    return out


def normalised(total: Floats, silence: Floats, best: Floats) -> Floats:
    """Sums of utility placed between silence (0) and the ideal answer (1); NaN where no stay has an onset."""
    span = np.asarray(best - silence, np.float64)
    out = np.full(np.broadcast(total, span).shape, np.nan)
    np.divide(total - silence, span, out=out, where=span > 0)
    return out


def score(alarm: Bools, made: Worth) -> float:
    """Normalised utility of decisions (u,)."""
    total = np.where(alarm, made.alarm, made.silence).sum()
    return float(normalised(total, made.silence.sum(), made.best.sum()))


def best_threshold(value: Floats, made: Worth) -> float:
    """Threshold of greatest utility: an alarm is due at ``value >= threshold``.

    It lies midway to the next lower value, so that rounding moves no unit across it; of equally good ones it
    is the highest.

    Parameters
    ----------
    value
        Probability or any other score of each unit, (u,), higher for an alarm.
    made
        Worth of the same units.
    """
    distinct, group = np.unique(value, return_inverse=True)
    gains = np.bincount(group, made.gain, minlength=len(distinct))
    # Entry j: the gain of alarms from the j-th distinct value upwards; the last entry never raises one.
    total = np.append(gains[::-1].cumsum()[::-1], 0.0)
    at = len(distinct) - int(np.argmax(total[::-1]))
    if at == len(distinct):
        return float(np.nextafter(distinct[-1], np.inf))
    if at == 0:
        return float(distinct[0])
    middle = 0.5 * (distinct[at - 1] + distinct[at])
    return float(middle if middle > distinct[at - 1] else distinct[at])
