"""Fill in a published score: points of what was observed, bounds for what was not, nothing imputed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from suwen.core.tally import Part, Sheet
from suwen.core.variables import Variable
from suwen.engines.rules.table import RED, Fact, Parameter, Response, Score
from suwen.formats.signals.units import shown as shown_unit
from suwen.formats.signals.units import with_unit

Known = Mapping[str, tuple[float, float]]
"""Variable to the hour and value of its latest observation."""
MISSING = "not recorded"


class Said(NamedTuple):
    """Whether a fact is so, and what says it; ``None`` where nothing that counts does."""

    so: bool | None
    hour: float | None = None
    variable: str = ""
    value: float = 0.0


Facts = Mapping[str, Said]


def rounded(value: float, step: float) -> float:
    """A value at the resolution in which a score writes its bands, halves up: 38.05 °C is 38.1.

    Values are stored in single precision; what lies beyond its seventh digit is not the clinician's.
    """
    exact = Decimal(f"{value:.7g}")
    return float(exact.quantize(Decimal(str(step)).normalize(), rounding=ROUND_HALF_UP))


def fill(
    score: Score, known: Known, at: float, *, window_h: float, variables: Mapping[str, Variable]
) -> Sheet:
    """The score at one moment.

    Parameters
    ----------
    score
        Which.
    known
        The latest observation of each variable up to then.
    at
        The moment, hours.
    window_h
        What is older counts as not recorded.
    variables
        Titles and units, for the words of the sheet.
    """
    facts = {fact.name: read_fact(fact, known, at, window_h) for fact in score.facts}
    open_ = [name for name, said in facts.items() if said.so is None]
    values = {one.name: _value(one, known, at, window_h) for one in score.parameters}
    totals: list[tuple[int, int]] = []
    each: dict[str, list[tuple[int, int]]] = {one.name: [] for one in score.parameters}
    for guess in itertools.product((False, True), repeat=len(open_)):
        state = {name: bool(said.so) for name, said in facts.items()} | dict(zip(open_, guess, strict=True))
        bounds = [_bounds(one, values[one.name], state) for one in score.parameters]
        totals.append((sum(low for low, _ in bounds), sum(high for _, high in bounds)))
        for one, pair in zip(score.parameters, bounds, strict=True):
            each[one.name].append(pair)
    least, most = min(low for low, _ in totals), max(high for _, high in totals)
    parts = tuple(
        _part(one, values[one.name], each[one.name], facts, score, variables) for one in score.parameters
    )
    level = score.level(least, red=any(part.least >= RED for part in parts))
    worst = score.level(most, red=any(part.most >= RED for part in parts))
    response = score.responses[level]
    text, monitoring = response.text, response.monitoring
    if score.responses[worst].band != response.band:
        text, monitoring = _open(score, response, score.responses[worst].band, parts)
    return Sheet(
        name=score.name,
        title=score.title,
        source=score.source,
        hour=at,
        least=least,
        most=most,
        maximum=score.maximum,
        parts=parts,
        band=response.band,
        band_most=score.responses[worst].band,
        response=text,
        monitoring=monitoring,
        level=level,
        risk=response.risk,
        red=tuple(part.title for part in parts if part.least >= RED),
        notes=tuple(_notes(score, facts)),
    )


def read_fact(fact: Fact, known: Known, at: float, window_h: float) -> Said:
    """Whether a fact is so by the latest observation that counts; of two at one time, a yes."""
    found = [
        Said(
            reading.holds(known[reading.variable][1]),
            known[reading.variable][0],
            reading.variable,
            known[reading.variable][1],
        )
        for reading in fact.readings
        if reading.variable in known and (fact.keeps or at - known[reading.variable][0] <= window_h)
    ]
    return max(found, key=lambda said: (said.hour, said.so), default=Said(fact.otherwise))


def _value(one: Parameter, known: Known, at: float, window_h: float) -> tuple[float, float] | None:
    """Hour and value of a parameter's observation, where one counts."""
    found = known.get(one.variable)
    return None if found is None or at - found[0] > window_h else found


def _bounds(one: Parameter, found: tuple[float, float] | None, state: Mapping[str, bool]) -> tuple[int, int]:
    """Least and most points of a parameter where the facts are as in ``state``."""
    table = next(t for t in one.tables if all(state[name] == so for name, so in t.when.items()))
    if one.fact:
        points = table.points(float(state[one.fact]))
        return points, points
    if found is None:
        return table.bounds
    points = table.points(rounded(found[1], one.step))
    return points, points


def _part(
    one: Parameter,
    found: tuple[float, float] | None,
    bounds: list[tuple[int, int]],
    facts: Facts,
    score: Score,
    variables: Mapping[str, Variable],
) -> Part:
    least, most = min(low for low, _ in bounds), max(high for _, high in bounds)
    value: float | None = None
    hour: float | None = None
    if one.fact:
        said = facts[one.fact]
        fact = next(f for f in score.facts if f.name == one.fact)
        value, hour = (None if said.so is None else float(said.so)), said.hour
        shown = _words(fact, said, variables)
    elif found is None:
        shown = MISSING
    else:
        hour, value = found
        variable = variables.get(one.variable)
        shown = with_unit(rounded(value, one.step), variable.unit if variable else "1")
    return Part(
        name=one.name,
        title=one.title,
        shown=shown,
        value=value,
        hour=hour,
        points=least if least == most else None,
        least=least,
        most=most,
    )


def _open(score: Score, response: Response, worst: str, parts: tuple[Part, ...]) -> tuple[str, str]:
    """What to do and how often to look where the band is open: the advice of a low total would be false calm."""
    missing = ", ".join(part.title.lower() for part in parts if part.points is None)
    text = f"Record what is missing now ({missing}): {score.name} is open, and could be {worst}."
    if not response.alarm:
        return text, "again as soon as that is recorded"
    return f"{text} Until then: {response.text}", response.monitoring


def _words(fact: Fact, said: Said, variables: Mapping[str, Variable]) -> str:
    """A fact in words, with what says it: ``on oxygen (4 L/min)``, ``not alert (confused)``."""
    if said.so is None:
        return MISSING
    shown = fact.yes if said.so else fact.no
    variable = variables.get(said.variable)
    if variable is None:
        return shown
    named = [word for word, value in variable.coded.items() if value == said.value and len(word) > 1]
    plain = with_unit(said.value, variable.unit)
    detail = named[0] if named else plain if shown_unit(variable.unit) else f"{variable.name} {plain}"
    return shown if detail in shown else f"{shown} ({detail})"


def _notes(score: Score, facts: Facts) -> Iterable[str]:
    """What was taken as so because the source says so where nobody charts it."""
    shown = {one.fact for one in score.parameters}
    for fact in score.facts:
        said = facts[fact.name]
        if fact.name not in shown and said.so is not None:
            yield (fact.yes if said.so else fact.no) + (
                ", as nobody charted otherwise" if said.hour is None else ""
            )
