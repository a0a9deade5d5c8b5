"""Exact contributions of the trees in what is deployed; each other learner is one row with its own share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.sample import Sample
from suwen.engines.panel.landmarks import Cut, LandmarkedMember

if TYPE_CHECKING:
    from suwen.engines.panel.model import PanelModel


def has_trees(model: PanelModel) -> bool:
    """Whether an answer of two classes rests on trees that say what each column adds."""
    two = model.task.endpoint.kind == "classes" and len(model.task.endpoint.classes) == 2
    return two and any(_trees(model, name) is not None for name in model.parts)


def contributions(model: PanelModel, sample: Sample, explained: int, temperature: float) -> dict[str, Any]:
    """What each variable adds to the calibrated log-odds, by LightGBM's own exact contributions.

    Columns of one variable are added up. A learner without trees is one row, with all that it adds.

    Returns
    -------
    dict
        ``names``, ``shown``, ``values`` (one per row), ``base`` and ``output``, log-odds of the class with
        index ``explained``.

    Raises
    ------
    MissingExtra
        Without LightGBM.
    """
    sign = (1.0 if explained == 1 else -1.0) / temperature
    base = sign * float(model.added[1] - model.added[0])
    found: dict[str, float] = {}
    shown: dict[str, str] = {}
    for name, weight in model.parts.items():
        members = _trees(model, name)
        design = model.learners[name].design(model.task, [sample])
        if members is None:
            scores = np.mean([member.scores(design) for member in model.members(name)], axis=0)[0]
            found[f"all that {name} reads"] = sign * weight * float(scores[1] - scores[0])
            shown[f"all that {name} reads"] = "no trees"
            continue
        whole = design.whole if isinstance(design, Cut) else design
        chosen = [_at(member, design) for member in members]
        each = np.mean([member.contributions(whole)[0] for member in chosen], axis=0)
        base += sign * weight * float(each[-1])
        for column, value in zip(chosen[0].names, each[:-1], strict=True):
            variable = column.partition(":")[0].partition("=")[0]
            found[variable] = found.get(variable, 0.0) + sign * weight * float(value)
    logits = model.logits([sample])[0]
    return {
        "names": list(found),
        "shown": [shown.get(name, "") for name in found],
        "values": np.array(list(found.values())),
        "base": base,
        "output": sign * float(logits[1] - logits[0]),
    }


def _trees(model: PanelModel, name: str) -> list[Any] | None:
    """The learner's members where they are trees that can be asked."""
    members = list(model.members(name))
    first = members[0].whole if isinstance(members[0], LandmarkedMember) else members[0]
    return members if hasattr(first, "contributions") else None


def _at(member: Any, design: Any) -> Any:
    """The model that answers for this stay: of whole stays, or of the period it is known up to."""
    if not isinstance(member, LandmarkedMember):
        return member
    return member.answering(float(design.known_h[0]))
