"""Columns of a table as covariates: numbers as they are, categories as one column of 0 and 1 each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.formats.signals.asked import age_band
from suwen.formats.signals.text import ABSENT, number

MOST_CATEGORIES = 50
"""A column with more words than this names individuals or holds notes; it is left out."""

_SEX = {"f": "female", "female": "female", "m": "male", "male": "male"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Covariates of a table.

    Attributes
    ----------
    x
        Array (n, d), float32; NaN is missing.
    names
        One per column; ``column=category`` for a category.
    left_out
        Columns of words with too many different ones.
    """

    x: NDArray[np.float32]
    names: tuple[str, ...]
    left_out: tuple[str, ...]


def columns_of(table: Mapping[str, Sequence[Any]]) -> Columns:
    """Bring columns of cells into numbers.

    A column of numbers stays one; a column without any number becomes one column per word, in sorted order, NaN where
    the cell is blank. A column of numbers and words is refused, since one of the two is a slip.

    Raises
    ------
    BadInput
        ``not-a-number``, naming the column.
    """
    arrays: list[NDArray[np.float32]] = []
    names: list[str] = []
    left_out: list[str] = []
    for name, cells in table.items():
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        texts = ["" if text.lower() in ABSENT else text for text in texts]
        if any(_is_number(text) for text in texts) or not any(texts):
            values = [number(text, name) if text else np.nan for text in texts]
            arrays.append(_single(values, name))
            names.append(name)
            continue
        words = sorted({text for text in texts if text})
        if any(word.lower().lstrip("+-") in {"nan", "inf", "infinity"} for word in words):
            number("nan", name)  # refuses
        if len(words) > MOST_CATEGORIES:
            left_out.append(name)
            continue
        known = np.array([bool(text) for text in texts])
        for word in words:
            chosen = np.array([text == word for text in texts], np.float32)
            arrays.append(np.where(known, chosen, np.float32(np.nan)).astype(np.float32))
            names.append(f"{name}={word}")
    x = np.stack(arrays, axis=1) if arrays else np.zeros((0, 0), np.float32)
    return Columns(x=x, names=tuple(names), left_out=tuple(left_out))


def _single(values: Sequence[float], name: str) -> NDArray[np.float32]:
    column = np.array(values, np.float64)
    if (np.abs(column[~np.isnan(column)]) > np.finfo(np.float32).max).any():
        raise BadInput("a value is too large", where=name, fix="Check its unit", code="not-a-number")
    return column.astype(np.float32)


def _is_number(text: str) -> bool:
    try:
        number(text, "")
    except BadInput:
        return False
    return True


def subgroups(names: Sequence[str], row: NDArray[np.float32]) -> dict[str, str]:
    """Age band and sex of a row, from covariates ``age`` (years), ``female``, ``sex=...`` or ``gender=...``."""
    given = {name.lower(): float(value) for name, value in zip(names, row, strict=True)}
    found = {}
    if "age" in given:
        found["age_band"] = age_band(given["age"])
    if "female" in given:
        found["sex"] = {1.0: "female", 0.0: "male"}.get(given["female"], "")
    for name, value in given.items():
        column, _, word = name.partition("=")
        if column in {"sex", "gender"} and word in _SEX:
            found.setdefault("sex", "")
            if value == 1:
                found["sex"] = _SEX[word]
    return found
