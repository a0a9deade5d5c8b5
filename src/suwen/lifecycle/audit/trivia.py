"""Everything about a sample that is not the finding: what the shortcut probe learns from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample

Matrix = NDArray[np.float64]
Views = Sequence[Mapping[str, NDArray[np.float32] | float]]

SEARCH_VIEW = "fine"
"""The view that only the search for near-duplicates uses."""
MOST_CATEGORIES = 20
"""A text column with more distinct values is an identifier or prose, and is not probed."""
MOST_NUMBERS = 4
"""Numbers per file name that are probed, from the left: a DICOM UID has dozens."""
NUMERIC_SHARE = 0.9
"""A column is numeric when at least this part of its filled cells are numbers."""
KNOTS = (0.2, 0.4, 0.6, 0.8)
"""Quantiles at which the effect of a single number may bend: ids seldom act in a straight line."""
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".npy", ".npz", ".nii", ".gz", ".tif", ".bmp")

MEANINGS: Mapping[str, str] = {
    "thumbnail": "an 8x8 thumbnail",
    "border": "the grey values of the outermost edge",
    "file_size": "the size of the file",
    "image_size": "the height and width of the image",
    "subject_number": "the digits of the subject id",
    "order": "the position in the data set",
}


def meaning(name: str) -> str:
    """What a piece of trivia is, for people."""
    if name.startswith("column:"):
        return f"the column '{name.removeprefix('column:')}'"
    if name.startswith("name_number_"):
        return f"number {name.removeprefix('name_number_')} in the file name"
    return MEANINGS.get(name, f"the view '{name}'")


def suspects(
    samples: Sequence[Sample], views: Views, *, subjects_known: bool
) -> tuple[dict[str, Matrix], tuple[str, ...]]:
    """Collect features of labelled samples that say nothing about the finding itself.

    Parameters
    ----------
    samples
        n labelled samples, in the source's order.
    views
        What the engine reduced each sample to.
    subjects_known
        Whether subject ids are real; else their digits mean nothing.

    Returns
    -------
    tuple
        Name to array (n, d), finite, constant columns dropped; and sentences on what was left out.
    """
    notes: list[str] = []
    found: dict[str, Matrix] = {}
    for name in sorted({name for view in views for name in view} - {SEARCH_VIEW}):
        found[name] = _vectors([view.get(name) for view in views])
    for name in sorted({name for sample in samples for name in sample.attributes}):
        column = _column([sample.attributes.get(name, "") for sample in samples])
        if column is not None:
            found[f"column:{name}"] = column
    subject = _numbers([sample.subject_id for sample in samples])[:, :1] if subjects_known else None
    if subject is not None and subject.size:
        found["subject_number"] = _bent(subject)
    names = [_file_name(sample.source) for sample in samples]
    if _numbered_by_class(names, samples):
        notes.append(
            "Files are named or numbered class by class: the numbers in their names were not probed."
        )
    else:
        numbers = _numbers(names)
        for position in range(min(numbers.shape[1], MOST_NUMBERS)):
            number = numbers[:, position : position + 1]
            if subject is None or not np.array_equal(number, subject, equal_nan=True):
                found[f"name_number_{position + 1}"] = _bent(number)
    if _listed_by_class(samples):
        notes.append("Samples are listed class by class: their order was not probed.")
    else:
        found["order"] = _bent(np.arange(len(samples), dtype=np.float64)[:, None])
    varying = {name: matrix[:, np.ptp(matrix, axis=0) > 0] for name, matrix in found.items()}
    return {name: matrix for name, matrix in varying.items() if matrix.shape[1]}, tuple(notes)


def _vectors(values: Sequence[NDArray[np.float32] | float | None]) -> Matrix:
    """Stack one view; a single number may bend, a missing vector is the mean with a mark beside it."""
    width = max(np.size(value) for value in values if value is not None)
    rows = [np.full(width, np.nan) if value is None else np.ravel(value) for value in values]
    matrix = np.asarray(rows, dtype=np.float64)
    return _bent(matrix) if width == 1 else _filled(matrix)


def _filled(matrix: Matrix) -> Matrix:
    """Replace NaN by the column's mean, and add one column that marks the rows where it was."""
    absent = np.isnan(matrix)
    if not absent.any():
        return matrix
    known = np.where(absent, 0, matrix).sum(axis=0) / np.maximum((~absent).sum(axis=0), 1)
    return np.hstack([np.where(absent, known, matrix), absent.max(axis=1, keepdims=True).astype(np.float64)])


def _bent(number: Matrix) -> Matrix:
    """A number (n, 1) and its excess over each of its own quantiles: a piecewise linear effect."""
    knots = np.unique(np.nanquantile(number, KNOTS)) if not np.isnan(number).all() else np.empty(0)
    return _filled(np.hstack([number, np.clip(number - knots, 0, None)]))


def _column(cells: Sequence[str]) -> Matrix | None:
    """A table column as numbers, or as one column per value where there are few; ``None`` is neither."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = [_number(cell) for cell in cells]
    if filled and sum(np.isfinite(numbers)) >= NUMERIC_SHARE * len(filled):
        return _bent(np.array(numbers)[:, None])
    values = sorted(set(filled))
    if not 1 <= len(values) <= MOST_CATEGORIES:
        return None
    return np.array([[cell.strip() == value for value in values] for cell in cells], dtype=np.float64)


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _numbers(names: Sequence[str]) -> Matrix:
    """Runs of digits in each name, (n, k), NaN where a name has fewer."""
    runs = [[float(run) for run in re.findall(r"\d{1,15}", name)] for name in names]
    width = max((len(run) for run in runs), default=0)
    return np.array([run + [np.nan] * (width - len(run)) for run in runs], dtype=np.float64)


def _file_name(source: str) -> str:
    """Name of the sample's own file without its folder and suffix; empty where there is no such file."""
    path = PurePath(source)
    return path.stem if path.suffix.lower() in PICTURE_SUFFIXES else ""


def _numbered_by_class(names: Sequence[str], samples: Sequence[Sample]) -> bool:
    """Whether names differ by class beside their digits, so that numbering restarts with each class."""
    labels: dict[str, set[str]] = {}
    for name, sample in zip(names, samples, strict=True):
        labels.setdefault(re.sub(r"\d+", "#", name), set()).add(str(sample.target))
    return len(labels) > 1 and all(len(seen) == 1 for seen in labels.values())


def _listed_by_class(samples: Sequence[Sample]) -> bool:
    """Whether a declared part lists its samples class after class: order there is the label itself."""
    by_part: dict[str | None, list[str]] = {}
    for sample in samples:
        by_part.setdefault(sample.split, []).append(str(sample.target))
    return any(
        len(set(labels)) > 1 and sum(1 for _ in groupby(labels)) <= 2 * len(set(labels))
        for labels in by_part.values()
    )
