"""What would lower this risk: the model's answer when a value were in its reference range.

Only values that treatment or behaviour can change are moved, and only into the usual range, one and two at a
time (greedy: pairs are made of the best single changes). A model of associations says how its own answer
would move, not what a treatment does: :data:`STATEMENT` goes with every list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.core.variables import Variable

STATEMENT = (
    "This is how the model's own answer moves when its input is changed. It is not the effect of a "
    "treatment: a value can mark a disease without causing it, and changing it may change nothing."
)
"""Stands beside every list of changes."""

LEAST = 0.001
"""Changes that lower the risk by less than this are left out."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One value, and what it is changed to.

    Attributes
    ----------
    name, title, unit
        Of the variable.
    before, after
        The patient's value and the imagined one, in ``unit``.
    """

    name: str
    title: str
    unit: str
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """One or two edits together, and the risk the model gives with them.

    Attributes
    ----------
    edits
        What is changed, one edit per variable.
    risk, change
        The model's answer with them, and by how much that is more (or, below 0, less) than without.
    """

    edits: tuple[Edit, ...]
    risk: float
    change: float

    def __str__(self) -> str:
        moves = " and ".join(f"{e.title} {e.before:g} to {e.after:g} {e.unit}".rstrip() for e in self.edits)
        return f"{moves}: {self.risk:.3g} instead of {self.risk - self.change:.3g}"


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """What lowers a risk, by the model.

    Attributes
    ----------
    risk
        The answer for the patient as observed.
    changes
        What lowers it, the lowest risk first; empty where nothing that can be changed does.
    tried
        Combinations that were asked for.
    statement
        :data:`STATEMENT`.
    """

    risk: float
    changes: tuple[Change, ...]
    tried: int
    statement: str = STATEMENT


Risk = Callable[[Sequence[tuple[Edit, ...]]], ArrayLike]
"""Takes combinations of edits (``()`` is the patient as observed); returns one risk for each."""


def edits(values: Mapping[str, float], variables: Sequence[Variable]) -> tuple[Edit, ...]:
    """Edits that bring a modifiable value from outside its reference range to its nearest bound or middle.

    A missing value has nothing to be changed from, and a value inside the range nothing to be changed to.

    Parameters
    ----------
    values
        Name to the patient's value; NaN is missing.
    variables
        Name, unit, reference range, and whether it can be changed.
    """
    found = []
    for variable in variables:
        before = float(values.get(variable.name, float("nan")))
        low, high = variable.reference
        beyond = (low is not None and before < low) or (high is not None and before > high)
        if not variable.modifiable or not beyond:  # NaN is not beyond
            continue
        bounds = [bound for bound in (low, high) if bound is not None]
        targets = [min(bounds, key=lambda bound: abs(bound - before))]
        if len(bounds) == 2 and bounds[0] != bounds[1]:
            targets.append(sum(bounds) / 2)
        found += [
            Edit(name=variable.name, title=variable.title, unit=variable.unit, before=before, after=after)
            for after in targets
        ]
    return tuple(found)


def lower(risk: Risk, possible: Sequence[Edit], *, partners: int = 6, least: float = LEAST) -> Counterfactual:
    """Search single edits, then pairs of the best, for what lowers the risk.

    Of several targets of one variable the one with the lowest risk is kept. A pair is listed only where it
    lowers the risk by ``least`` more than the better of its two edits alone.

    Parameters
    ----------
    risk
        The model; asked twice, for all singles and for all pairs.
    possible
        Edits that may be made, such as :func:`edits` finds.
    partners
        Best single edits that pairs are made of.
    least
        Smallest lowering worth listing, in the risk's own unit.

    Raises
    ------
    BadInput
        When the model's answers are not one finite number per combination.
    """
    singles: list[tuple[Edit, ...]] = [(), *((edit,) for edit in possible)]
    answers = _asked(risk, singles)
    base = answers[0]
    best: dict[str, tuple[float, Edit]] = {}
    for (edit,), value in zip(singles[1:], answers[1:], strict=True):
        if edit.name not in best or value < best[edit.name][0]:
            best[edit.name] = (value, edit)
    ranked = sorted(best.values(), key=lambda one: (one[0], one[1].name))
    found: list[tuple[tuple[Edit, ...], float]] = [
        ((edit,), value) for value, edit in ranked if value <= base - least
    ]
    pairs = list(combinations(ranked[:partners], 2))
    together = [(first[1], second[1]) for first, second in pairs]
    for both, (first, second), value in zip(together, pairs, _asked(risk, together), strict=True):
        if value <= min(first[0], second[0], base) - least:
            found.append((both, value))
    found.sort(key=lambda one: (one[1], len(one[0])))
    changes = tuple(Change(edits=edits, risk=value, change=value - base) for edits, value in found)
    return Counterfactual(risk=base, changes=changes, tried=len(singles) + len(together))


def _asked(risk: Risk, combinations_: Sequence[tuple[Edit, ...]]) -> list[float]:
    if not combinations_:
        return []
    answers = np.asarray(risk(combinations_), dtype=np.float64)
    if answers.shape != (len(combinations_),) or not np.isfinite(answers).all():
        raise BadInput("the model did not give one finite risk per combination of changes")
    return [float(answer) for answer in answers]
