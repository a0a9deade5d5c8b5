"""Where a forecast raises an alarm: thresholds on its value, fixed on held-out forecasts."""

from __future__ import annotations

import numpy as np

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.arrays import Bools, Floats, log_odds, sigmoid
from suwen.lifecycle.evaluation.operating_point import parse_rule, threshold

LIMITS = "limits"
"""The rule that takes the endpoint's own limits as thresholds."""
SPREAD = 20.0
"""One unit of log-odds, in the quantity's unit: only a change of variable, so that rules of classes apply."""


def check_rule(rule: str) -> None:
    """Refuse what is neither ``limits`` nor a rule of classes.

    Raises
    ------
    UnknownSetting
        Naming the rules.
    """
    if rule.strip().lower() != LIMITS:
        parse_rule(rule)


def alarm_thresholds(values: Floats, units: Units, endpoint: Forecast, rule: str) -> dict[str, float]:
    """Forecasts below ``low`` or above ``high`` raise an alarm.

    Parameters
    ----------
    values
        Held-out forecasts (u,) at the nearest horizon.
    units
        What followed.
    rule
        ``limits``, or a rule as :mod:`.operating_point` knows them, applied to each alarm by itself. Where
        no reading was beyond a limit (or all were), the threshold is the limit.
    """
    truth = units.target[:, 0]
    known = ~np.isnan(truth)
    low = _one(values[known], truth[known] < endpoint.low, endpoint.low, -1.0, rule)
    high = _one(values[known], truth[known] > endpoint.high, endpoint.high, 1.0, rule)
    return {"low": low, "high": high}


def _one(values: Floats, event: Bools, limit: float, sign: float, rule: str) -> float:
    """Threshold of one alarm; ``sign`` is 1 where higher is worse."""
    if rule.strip().lower() == LIMITS or not event.any() or event.all():
        return limit
    p = sigmoid(sign * (values - limit) / SPREAD)
    cut = threshold(np.stack([1 - p, p], 1), event.astype(np.int64), 1, rule)
    found = limit + sign * SPREAD * float(log_odds(cut))
    if not np.isfinite(found):
        raise BadInput(f"the rule '{rule}' gives no threshold", where="operating_point")
    return found
