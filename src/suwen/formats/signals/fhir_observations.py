"""FHIR R4 Observations as readings of a task's variables: codes matched, units converted, the rest counted.

Nothing is guessed: a quantity without a unit, with a comparator, or in a unit the variable cannot have is
left out and counted, as is what has no time of day or one that has not come yet.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from suwen.core.errors import BadInput
from suwen.core.variables import Variable
from suwen.formats.signals.observations import Observations

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
USED = frozenset({"preliminary", "final", "amended", "corrected"})
"""Statuses that carry a result (FHIR R4, ObservationStatus)."""
AHEAD = timedelta(minutes=5)
"""How far a clock may run ahead before a time counts as one that has not come yet."""
_SAME = (1, 0)
_ANNOTATION = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One usable value.

    Attributes
    ----------
    at
        When it was observed, with time zone.
    variable
        Index into the task's variables.
    value
        In the variable's own unit.
    reference
        ``Observation/ID`` it came from.
    """

    at: datetime
    variable: int
    value: float
    reference: str


def readings(
    resources: Iterable[Mapping[str, Any]],
    variables: Sequence[Variable],
    *,
    now: datetime,
    dropped: Counter[str],
    coarse: bool = False,
) -> list[Reading]:
    """Usable values of Observations, in order of time.

    Parameters
    ----------
    resources
        Observations about one patient.
    variables
        What the task reads; an Observation, or a component of it, belongs to the first whose code it has.
    now
        The present; later times are ``future``.
    dropped
        Counts what is left out: ``entered-in-error``, ``no-result``, ``no-time``, ``future``, ``missing``,
        ``no-unit``, ``wrong-unit``, ``comparator``, ``not-a-number``, ``impossible``, ``duplicate``; and of
        what is kept: ``converted`` into another unit, ``repeated`` with another value at the same time.
    coarse
        Whether a date without a time of day will do, as for a table.
    """
    by_code = {
        (system, code): place
        for place in reversed(range(len(variables)))
        for system, codes in ((LOINC, variables[place].loinc), (SNOMED, variables[place].snomed))
        for code in codes
    }
    found: dict[tuple[datetime, int, float], Reading] = {}
    stamps: set[tuple[datetime, int]] = set()
    for resource in resources:
        for place, part in _parts(resource, by_code):
            reason = _status(resource)
            at = None if reason else moment(resource, coarse=coarse)
            if reason is None and at is None:
                reason = "no-time"
            if reason is None and at is not None and at > now + AHEAD:
                reason = "future"
            value = None
            if reason is None:
                value, reason = _value(part, variables[place], dropped)
            if reason is not None or at is None or value is None:
                dropped[reason or "missing"] += 1
                continue
            key = (at, place, value)
            dropped["repeated"] += int(key not in found and (at, place) in stamps)
            stamps.add((at, place))
            if key in found:
                dropped["duplicate"] += 1
                continue
            reference = f"Observation/{resource.get('id', '')}"
            found[key] = Reading(at=at, variable=place, value=value, reference=reference)
    return sorted(found.values(), key=lambda one: (one.at, one.variable))


def assemble(
    found: Sequence[Reading],
    variables: Sequence[Variable],
    *,
    start: datetime | None,
    until: datetime | None = None,
    static: Mapping[str, float] | None = None,
    dropped: Mapping[str, int] | None = None,
) -> Observations:
    """Readings as one stay.

    Parameters
    ----------
    found
        In order of time.
    start
        Hour 0; the first reading where not said.
    until
        Up to when the stay is known; the last reading where not said.
    static, dropped
        As :class:`~suwen.formats.signals.observations.Observations` has them.
    """
    zero = start or (found[0].at if found else None)
    hours = [hours_since(one.at, zero) for one in found] if zero else []
    end = hours_since(until, zero) if until and zero else (hours[-1] if hours else 0.0)
    return Observations(
        hours=np.array(hours, np.float64),
        variable=np.array([one.variable for one in found], np.int16),
        values=np.array([one.value for one in found], np.float32),
        names=tuple(one.name for one in variables),
        static=dict(static or {}),
        length_h=max(end, hours[-1] if hours else 0.0),
        dropped=dict(dropped or {}),
        start=zero.isoformat() if zero else None,
    )


def hours_since(at: datetime, zero: datetime) -> float:
    """Hours from one moment to another."""
    return (at - zero).total_seconds() / 3600


def moment(resource: Mapping[str, Any], *, coarse: bool = False) -> datetime | None:
    """When an Observation was made; ``None`` without a time, or with a date alone unless ``coarse``.

    Of a period the end counts: only then is its value known. A time without a zone is taken as UTC.
    """
    period = resource.get("effectivePeriod")
    text = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    if text is None and isinstance(period, Mapping):
        text = period.get("end") or period.get("start")
    if not isinstance(text, str) or not (coarse or "T" in text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parts(
    resource: Mapping[str, Any], by_code: Mapping[tuple[str, str], int]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The resource and its components that carry one of the codes, with the variable's place."""
    for part in (resource, *(resource.get("component") or ())):
        codings = (part.get("code") or {}).get("coding") or ()
        places = (by_code.get((one.get("system", ""), one.get("code", ""))) for one in codings)
        place = next((found for found in places if found is not None), None)
        if place is not None:
            yield place, part


def _status(resource: Mapping[str, Any]) -> str | None:
    status = resource.get("status")
    if status in USED:
        return None
    return "entered-in-error" if status == "entered-in-error" else "no-result"


def _value(
    part: Mapping[str, Any], variable: Variable, dropped: Counter[str]
) -> tuple[float | None, str | None]:
    """The value in the variable's unit, or why there is none."""
    if "valueQuantity" in part:
        value, reason = _quantity(part["valueQuantity"], variable, dropped)
    elif "valueInteger" in part:
        value, reason = float(part["valueInteger"]), None
    elif "valueCodeableConcept" in part:
        value, reason = _concept(part["valueCodeableConcept"], variable)
    elif "valueString" in part:
        value = variable.decoded(part["valueString"])
        reason = None if value is not None else "not-a-number"
    else:
        return None, "missing"
    if reason is None and value is not None and not variable.possible(value):
        return None, "impossible"
    return value, reason


def _quantity(
    found: Mapping[str, Any], variable: Variable, dropped: Counter[str]
) -> tuple[float | None, str | None]:
    if found.get("value") is None:
        return None, "missing"
    if found.get("comparator"):
        return None, "comparator"
    unit = found.get("code") or found.get("unit")
    if not unit:
        return None, "no-unit"
    known = unit_of(unit, variable)
    try:
        value = variable.convert(float(found["value"]), known)
    except BadInput:
        return None, "wrong-unit"
    dropped["converted"] += int(variable.convertible.get(known, _SAME) != _SAME)
    return value, None


def unit_of(unit: str, variable: Variable) -> str:
    """The variable's spelling of a unit: UCUM annotations such as ``{beats}`` carry no meaning."""
    plain = _bare(unit)
    return next((one for one in (variable.unit, *variable.convertible) if _bare(one) == plain), unit)


def _bare(unit: str) -> str:
    return _ANNOTATION.sub("", unit).strip() or "1"


def _concept(found: Mapping[str, Any], variable: Variable) -> tuple[float | None, str | None]:
    words = [str(one.get(key, "")) for one in found.get("coding") or () for key in ("code", "display")]
    for word in (*words, str(found.get("text", ""))):
        value = variable.decoded(word)
        if value is not None:
            return value, None
    return None, "not-a-number"
