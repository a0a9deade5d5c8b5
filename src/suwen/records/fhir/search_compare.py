"""The comparisons of FHIR search, on ranges whose ends are included.

Of a value with a width (a day, ``<5``, a Period) each prefix asks, in the words of the standard, whether the range
searched for *contains* it (``eq``), whether it reaches *above* or *below* it (``gt``, ``lt``), or lies wholly *after*
or *before* it (``sa``, ``eb``); ``ge`` is ``gt`` or ``eq``, ``le`` is ``lt`` or ``eq``, and ``ap`` asks for an overlap.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal

from suwen.records.fhir.search_criteria import RangeValue
from suwen.records.fhir.search_dates import SECOND_US, exact_range, last_below

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
SQL = {
    "eq": "{s}.lo >= ? AND {s}.lo <= ? AND {s}.hi <= ?",
    "ne": "({s}.lo < ? OR {s}.hi > ?)",
    "gt": "{s}.hi > ?",
    "lt": "{s}.lo < ?",
    "ge": "{s}.hi >= ? AND ({s}.lo >= ? OR {s}.hi > ?)",
    "le": "{s}.lo <= ? AND ({s}.hi <= ? OR {s}.lo < ?)",
    "sa": "{s}.lo > ?",
    "eb": "{s}.hi < ?",
    "ap": "{s}.lo <= ? AND {s}.hi >= ?",
}
"""Each comparison on the columns of ``span`` (alias ``{s}``)."""
_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?\Z")
_NEAR = Decimal("0.1")
"""Part of a number, or of the time from now, by which ``ap`` may be off: the standard's proposal."""


def sql_parameters(value: RangeValue) -> tuple[float, ...]:
    """Numbers for the question marks of :data:`SQL`."""
    low, high = value.low, value.high
    return {
        "eq": (low, high, high),
        "ne": (low, high),
        "gt": (high,),
        "lt": (low,),
        "ge": (low, low, high),
        "le": (high, high, low),
        "sa": (high,),
        "eb": (low,),
        "ap": (high, low),
    }[value.prefix]


def holds(value: RangeValue, low: float, high: float) -> bool:
    """Whether a stored range meets what is searched for."""
    match value.prefix:
        case "eq":
            return value.low <= low and high <= value.high
        case "ne":
            return low < value.low or high > value.high
        case "gt":
            return high > value.high
        case "lt":
            return low < value.low
        case "ge":
            return high > value.high or (value.low <= low and high <= value.high)
        case "le":
            return low < value.low or (value.low <= low and high <= value.high)
        case "sa":
            return low > value.high
        case "eb":
            return high < value.low
        case _:
            return low <= value.high and high >= value.low


def split_prefix(text: str) -> tuple[str, str]:
    """Comparison and the rest; ``eq`` where there is none."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def date_value(text: str, now: datetime | None = None) -> RangeValue | None:
    """A date with its prefix; ``None`` where it is no date.

    A space before a time zone is the ``+`` it was before somebody decoded the URL.
    """
    prefix, rest = split_prefix(text)
    found = exact_range(rest.replace(" ", "+"))
    if found is None:
        return None
    low, high = found
    if prefix == "ap":
        moment = int((now or datetime.now(UTC)).timestamp()) * SECOND_US
        off = max(0, moment - high, low - moment) // 10
        low, high = low - off, high + off
    return RangeValue(prefix, float(low), last_below(high))


def number_value(text: str) -> RangeValue | None:
    """A number with its prefix; ``None`` where it is no number a float can hold.

    For ``eq`` and ``ne`` its digits say how wide it is: ``5.40`` is from 5.395 up to, and without, 5.405. All others
    take it as it is.
    """
    prefix, rest = split_prefix(text)
    if not _NUMBER.match(rest):
        return None
    exact = Decimal(rest)
    value = float(exact)
    if math.isinf(value):
        return None
    if prefix in {"eq", "ne"}:
        exponent = int(exact.as_tuple().exponent)
        if "e" in rest.lower() and "." not in rest:  # the standard's own example: 1e2 is from 95 up to 105
            exponent -= 1
        half = Decimal((0, (5,), exponent - 1))
        low, high = exact - half, exact + half
        # The upper end is not part of it, and a stored value rounds as the end itself would.
        top = math.nextafter(float(high), -math.inf)
        return RangeValue(prefix, min(float(low), value), max(top, value))
    if prefix == "ap":
        off = abs(exact) * _NEAR
        return RangeValue(prefix, float(exact - off), float(exact + off))
    return RangeValue(prefix, value, value)
