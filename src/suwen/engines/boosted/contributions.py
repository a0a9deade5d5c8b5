"""Exact contributions of trees: LightGBM's own path-dependent Shapley values, checked to add up.

Method: Lundberg et al., 'From local explanations to global understanding with explainable AI for trees',
Nature Machine Intelligence 2:56-67, 2020 (TreeSHAP), as LightGBM implements it (``pred_contrib``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, MissingExtra, Refused, Unreadable

TOLERANCE = 1e-6
"""Largest difference of a row's contributions and its raw margin with which they may be shown."""


@lru_cache(maxsize=64)
def _booster(path: Path, _: int) -> Any:
    """A text model, opened once; the second argument is the file's time, so that a new file is read."""
    import lightgbm

    try:
        text = path.read_text("utf-8")
        # LightGBM ends the whole process over a text it does not know; this is the least it must hold.
        if not re.match(r"tree\nversion=v\d", text) or "\nend of trees" not in text:
            raise ValueError
        return lightgbm.Booster(model_str=text)
    except (OSError, ValueError, lightgbm.basic.LightGBMError) as error:
        raise Unreadable("the text of the trees cannot be read", where=path.name) from error


def contributions(text_paths: Sequence[Path], x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """What each column adds to the raw margin, averaged over the members of an ensemble.

    Parameters
    ----------
    text_paths
        The members' ``booster.txt``, of the same columns.
    x
        Array (n, d); NaN is missing.

    Returns
    -------
    array (n, d + 1) or (n, outputs, d + 1)
        Log-odds per column; the last is the expected margin over the training data. Each row sums to the
        members' mean raw margin. Three dimensions where the trees have several classes.

    Raises
    ------
    MissingExtra
        Where LightGBM is not installed: serving does not need it, this does.
    Refused
        ``not-additive`` when a row does not sum to its margin within :data:`TOLERANCE`.
    BadInput, Unreadable
        For no rows, another number of columns than the trees learned from, and a text that is no model.
    """
    try:
        import lightgbm  # noqa: F401
    except ImportError as error:
        raise MissingExtra("lightgbm", "explain", "an exact explanation of trees") from error
    if not text_paths or not len(x):
        raise BadInput("there is nothing to explain", fix="Give trees, and a row", code="nothing-to-explain")
    table = np.ascontiguousarray(x, np.float64)
    total: Any = 0.0
    margin: Any = 0.0
    for path in text_paths:
        booster = _booster(path, path.stat().st_mtime_ns if path.exists() else 0)
        if table.ndim != 2 or table.shape[1] != booster.num_feature():
            raise BadInput(
                f"the trees learned from {booster.num_feature()} columns, the table has shape {table.shape}",
                code="wrong-columns",
            )
        part = booster.predict(table, pred_contrib=True, num_threads=1)
        raw = booster.predict(table, raw_score=True, num_threads=1)
        if raw.ndim == 2:
            part = part.reshape(len(table), raw.shape[1], -1)
        total, margin = total + part, margin + raw
    share: NDArray[np.float64] = total / len(text_paths)
    gap = float(np.abs(share.sum(axis=-1) - margin / len(text_paths)).max())
    if not gap <= TOLERANCE:
        raise Refused(
            f"the contributions miss the model's output by {gap:.1e}, so they are not shown",
            code="not-additive",
        )
    return share
