"""Two numbers that bring a score back to log-odds, on disk beside the model they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import Unreadable

Floats = NDArray[np.float64]
FILE = "hourly.json"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an hourly model needs beside its graph.

    Attributes
    ----------
    intercept, slope
        Log-odds of the label are ``intercept + slope * score``.
    more
        Whatever else the learner keeps.
    """

    intercept: float
    slope: float
    more: Mapping[str, Any]

    def logits(self, score: Floats) -> Floats:
        """Logits (u, 2) of scores (u,)."""
        return np.stack([np.zeros(len(score)), self.intercept + self.slope * score], axis=1)


def write(folder: Path, facts: Facts) -> None:
    """Write the facts into a member's folder."""
    document = {"intercept": facts.intercept, "slope": facts.slope, **facts.more}
    (folder / FILE).write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def read(folder: Path, prefix: str) -> Facts:
    """Open what :func:`write` wrote.

    Raises
    ------
    Unreadable
        When it is absent or not what was written.
    """
    try:
        document = json.loads((folder / f"{prefix}{FILE}").read_text("utf-8"))
        return Facts(
            intercept=float(document.pop("intercept")), slope=float(document.pop("slope")), more=document
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("an hourly model cannot be opened", where=f"{prefix}{FILE}") from error
