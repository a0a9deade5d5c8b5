"""Subgroups of a report: which samples belong together by a column, and which are too few for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.core.task import ABSENT_LABELS
from suwen.lifecycle.evaluation.arrays import Bools, Ints

LEAST_SAMPLES = 20
"""Fewer samples than this make no subgroup."""

MOST_VALUES = 12
"""A text column of more values names individuals rather than groups, and is left out."""


def subgroups(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]], labels: Ints, n_classes: int
) -> tuple[dict[str, Bools], list[str]]:
    """Find the subgroups that have at least 20 samples and every class.

    Numbers of many values (an age) are cut at their quartiles. A missing value makes the group
    ``unknown``; it is never counted with another.

    Parameters
    ----------
    columns
        Column name to one value per sample, (n,).
    labels
        Array (n,) of class indices.
    n_classes
        Number of classes of the task.

    Returns
    -------
    tuple
        ``column=value`` to a mask (n,), and sentences on what was left out.

    Raises
    ------
    BadInput
        When a column has another length than ``labels``.
    """
    found: dict[str, Bools] = {}
    warnings: list[str] = []
    for column, given in columns.items():
        values = np.array(["" if value is None else str(value).strip() for value in given], dtype=str)
        if len(values) != len(labels):
            raise BadInput(f"the column '{column}' has {len(values)} values beside {len(labels)} samples")
        names = _names(values)
        distinct = sorted(set(names.tolist()), key=_by_number)
        if len(distinct) == 1:
            continue  # the whole sample once more
        if len(distinct) > MOST_VALUES:
            warnings.append(f"No subgroups by {column}: it has {len(distinct)} different values.")
            continue
        few, one_sided = [], []
        for name in distinct:
            mask = np.asarray(names == name)
            if mask.sum() < LEAST_SAMPLES:
                few.append(f"{name} ({int(mask.sum())})")
            elif len(np.unique(labels[mask])) < n_classes:
                one_sided.append(f"{name} ({int(mask.sum())})")
            else:
                found[f"{column}={name}"] = mask
        if few:
            warnings.append(
                f"Subgroups by {column} with fewer than {LEAST_SAMPLES} samples: {', '.join(few)}."
            )
        if one_sided:
            warnings.append(f"Subgroups by {column} that lack a class: {', '.join(one_sided)}.")
    return found, warnings


def _by_number(name: str) -> tuple[bool, float, str]:
    """Sort key: spans and numbers by their first number, other names after them, ``unknown`` last."""
    try:
        return False, float(name.partition(" to ")[0]), name
    except ValueError:
        return name == "unknown", float("inf"), name


def _names(values: NDArray[np.str_]) -> NDArray[np.str_]:
    """Group name of every sample: its value, its quarter of the range, or ``unknown``."""
    known = np.array([value.lower() not in ABSENT_LABELS for value in values])
    names = np.where(known, values, "unknown").astype(object)
    if len(set(values[known].tolist())) > MOST_VALUES:
        try:
            numbers = values[known].astype(np.float64)
        except ValueError:
            return names.astype(str)
        quarter = np.digitize(numbers, np.unique(np.quantile(numbers, [0.25, 0.5, 0.75])), right=True)
        spans = np.empty(len(numbers), dtype=object)
        for number in np.unique(quarter):
            inside = numbers[quarter == number]
            spans[quarter == number] = f"{inside.min():g} to {inside.max():g}"
        names[known] = spans
    return names.astype(str)
