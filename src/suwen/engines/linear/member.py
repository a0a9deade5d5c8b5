"""A linear model on disk and opened for serving: names in JSON, numbers in NPZ, no pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_bytes, write_json
from suwen.core.errors import SuwenError, Unreadable
from suwen.engines.linear.expression import Expression
from suwen.engines.linear.table import Table
from suwen.engines.linear.terms import Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DESCRIPTION, NUMBERS = "linear.json", "linear.npz"


class Preparation(Protocol):
    """From columns to the terms that are weighed; fitted on training rows."""

    @property
    def column(self) -> Ints:
        """Column that each term comes from, (t,)."""
        ...

    def of(self, x: NDArray[Any]) -> Floats:
        """Terms (n, t), of training mean 0."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name, for a file."""
        ...


KINDS: dict[str, type[Terms] | type[Expression]] = {"terms": Terms, "expression": Expression}


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearMember:
    """Logits ``terms @ weights + bias``.

    Attributes
    ----------
    names
        Columns it learned from, (d,).
    preparation
        From columns to terms.
    weights, bias
        Arrays (t, K) and (K,).
    """

    names: tuple[str, ...]
    preparation: Preparation
    weights: Floats
    bias: Floats

    def scores(self, design: Table) -> Floats:
        """Logits (n, K)."""
        if not len(design):
            return np.zeros((0, len(self.bias)))
        out: Floats = self.preparation.of(design.columns(self.names)) @ self.weights + self.bias
        return out

    def contributions(self, design: Table) -> Floats:
        """What each column adds to the log-odds, exactly; the last is the model's answer to the mean row.

        Returns
        -------
        array (n, d + 1) or (n, K, d + 1)
            Of class 1 against class 0 where there are two classes, else of each class's logit; each row
            sums to it.
        """
        two = len(self.bias) == 2
        weights = self.weights[:, 1:] - self.weights[:, :1] if two else self.weights
        bias = self.bias[1:] - self.bias[:1] if two else self.bias
        terms = self.preparation.of(design.columns(self.names))
        out = np.zeros((len(terms), weights.shape[1], len(self.names) + 1))
        for term, column in enumerate(self.preparation.column):
            out[:, :, column] += terms[:, term, None] * weights[term]
        out[:, :, -1] = bias
        return out[:, 0] if two else out


def save(folder: Path, member: LinearMember, chosen: Mapping[str, Any]) -> None:
    """Write a member into ``folder``; ``chosen`` are the settings it was learned with, for people."""
    kind = next(name for name, made in KINDS.items() if isinstance(member.preparation, made))
    document = {"preparation": kind, "columns": list(member.names), "chosen": dict(chosen)}
    write_json(folder / DESCRIPTION, document)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"weights": member.weights, "bias": member.bias, **member.preparation.arrays()}
    np.savez_compressed(buffer, **arrays)
    write_bytes(folder / NUMBERS, buffer.getvalue())


def load(folder: Path, prefix: str) -> LinearMember:
    """Open what :func:`save` wrote.

    Raises
    ------
    Unreadable
        When a file is absent or not what was written.
    """
    try:
        document = read_json(folder / f"{prefix}{DESCRIPTION}")
        packed = io.BytesIO((folder / f"{prefix}{NUMBERS}").read_bytes())
        with np.load(packed, allow_pickle=False) as file:
            arrays = dict(file)
        return LinearMember(
            names=tuple(document["columns"]),
            preparation=KINDS[document["preparation"]].from_arrays(arrays),
            weights=arrays["weights"],
            bias=arrays["bias"],
        )
    except (SuwenError, OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise Unreadable("a linear model cannot be opened", where=f"{prefix}{DESCRIPTION}") from error
