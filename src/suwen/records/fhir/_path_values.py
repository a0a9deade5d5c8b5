"""Order, equality and boundaries of FHIRPath values: dates and times by precision, numbers by value."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fhirpathpy.engine.nodes import FP_Quantity, FP_TimeBase

from suwen.records.fhir._path_nodes import Node, value_of

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?)?"
)
_TIME = re.compile(r"T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?")
_TEMPORAL = frozenset({"date", "dateTime", "instant", "time"})

Moment = tuple[str, tuple[Decimal, ...], str | None]
"""``date`` or ``time``, its components down to its precision, and its time zone."""


def moment(item: Any) -> Moment | None:
    """A date, dateTime, instant or time as components; ``None`` when the text is none of them."""
    text = written(item)
    if not isinstance(text, str):
        return None
    if found := _DATE.fullmatch(text):
        *parts, zone = found.groups()
        return "date", tuple(Decimal(part) for part in parts if part is not None), zone
    if found := _TIME.fullmatch(text):
        return "time", tuple(Decimal(part) for part in found.groups() if part is not None), None
    return None


def written(item: Any) -> Any:
    """A date or time as it was written; any other item's value."""
    return getattr(item, "asStr", None) if isinstance(item, FP_TimeBase) else value_of(item)


def is_temporal(item: Any) -> bool:
    """Whether an item is known to be a date or a time, and not text that looks like one."""
    return isinstance(item, FP_TimeBase) or (isinstance(item, Node) and item.path in _TEMPORAL)


def order(one: Any, other: Any) -> int | None:
    """Which comes first: -1, 0 or 1; ``None`` where precision, zone or unit leave it open.

    Raises
    ------
    TypeError
        When the two are not of comparable types.
    """
    if is_temporal(one) or is_temporal(other):
        return _order_moments(moment(one), moment(other))
    left, right = _quantity(one), _quantity(other)
    if isinstance(left, FP_Quantity) and isinstance(right, FP_Quantity):
        if left.unit != right.unit:
            left = FP_Quantity.conv_unit_to(left.unit, left.value, right.unit)  # type: ignore[no-untyped-call]
            if left is None:
                return None
        left, right = _number(left.value), _number(right.value)
    else:
        left, right = _number(value_of(one)), _number(value_of(other))
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    raise TypeError("values of different types have no order")


def same(one: Any, other: Any) -> bool | None:
    """Whether two items are equal; ``None`` where precision, zone or unit leave it open."""
    if is_temporal(one) or is_temporal(other):
        left, right = moment(one), moment(other)
        if left is None or right is None or left[0] != right[0]:
            return False
        settled = _order_moments(left, right)
        return None if settled is None else settled == 0
    quantity, wanted = _quantity(one), _quantity(other)
    if isinstance(quantity, FP_Quantity) and isinstance(wanted, FP_Quantity):
        return bool(quantity == wanted)
    first, second = value_of(one), value_of(other)
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    return bool(_number(first) == _number(second))


def boundary(item: Any, high: bool) -> Any:
    """The lowest or highest value an item may stand for at its precision; ``None`` when it has none.

    Notes
    -----
    FHIRPath 3, ``lowBoundary`` and ``highBoundary``: a dateTime without a zone reaches from +14:00 to -12:00.
    """
    value = _number(value_of(item))
    if isinstance(value, Decimal):
        half = Decimal(5).scaleb(min(int(value.as_tuple().exponent), 0) - 1)
        return value + half if high else value - half
    found = moment(item)
    if found is None:
        return None
    kind, parts, zone = found
    if kind == "time":
        return _clock(parts, high)
    text = written(item)
    year, month = int(parts[0]), int(parts[1]) if len(parts) > 1 else (12 if high else 1)
    day = int(parts[2]) if len(parts) > 2 else (monthrange(year, month)[1] if high else 1)
    date = f"{year:04}-{month:02}-{day:02}"
    if (item.path if isinstance(item, Node) else "") == "date" or (
        not isinstance(item, Node) and "T" not in text
    ):
        return date
    return f"{date}T{_clock(parts[3:], high)}{zone or ('-12:00' if high else '+14:00')}"


def _clock(parts: tuple[Decimal, ...], high: bool) -> str:
    hour = int(parts[0]) if parts else (23 if high else 0)
    minute = int(parts[1]) if len(parts) > 1 else (59 if high else 0)
    second = parts[2] if len(parts) > 2 else Decimal(59 if high else 0)
    whole, _, fraction = str(second).partition(".")
    return f"{hour:02}:{minute:02}:{int(whole):02}.{fraction.ljust(3, '9' if high else '0')}"


def _order_moments(one: Moment | None, other: Moment | None) -> int | None:
    if one is None or other is None or one[0] != other[0]:
        raise TypeError("values of different types have no order")
    left, right = one[1], other[1]
    if len(left) > 3 and len(right) > 3 and one[0] == "date":
        if (one[2] is None) != (other[2] is None):
            return None
        left, right = _utc(left, one[2]), _utc(right, other[2])
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs:
            return 1 if mine > theirs else -1
    return 0 if len(left) == len(right) else None


def _utc(parts: tuple[Decimal, ...], zone: str | None) -> tuple[Decimal, ...]:
    if zone is None or zone == "Z":
        return parts
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "+" else 1)
    year, month, day, hour = (int(part) for part in parts[:4])
    there = datetime(year, month, day, hour, int(parts[4]) if len(parts) > 4 else 0) + shift
    moved = (there.year, there.month, there.day, there.hour, there.minute)
    return tuple(Decimal(part) for part in moved)[: len(parts)] + parts[5:]


def _quantity(item: Any) -> Any:
    data = value_of(item)
    if isinstance(item, Node) and item.path == "Quantity" and {"value", "code"} <= data.keys():
        return FP_Quantity(_number(data["value"]), f"'{data['code']}'")  # type: ignore[no-untyped-call]
    return item


def _number(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(repr(value)) if isinstance(value, float) else value
