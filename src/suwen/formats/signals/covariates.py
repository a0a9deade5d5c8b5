"""What the unnamed columns of DeepSurv's files are, told by what they hold.

The files of Katzman et al., BMC Medical Research Methodology 18:24, 2018 name no column. Names are given where they
can be told: SUPPORT by comparison with support2.csv, value by value; GBSG (the Rotterdam cohort in the training part)
by the ranges of Royston and Altman, BMC Medical Research Methodology 13:33, 2013; METABRIC by its clinical flags and
by the levels of its four genes, which stand in another order than the paper lists them; WHAS by the order of the
paper, whose list leaves the first column out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINARY = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One known table without column names.

    Attributes
    ----------
    title
        The study.
    names
        Of the columns, in order.
    within
        For each column the least and greatest value that it may hold; ``(0, 1)`` holds nothing else but these two.
    """

    title: str
    names: tuple[str, ...]
    within: tuple[tuple[float, float], ...]

    def fits(self, x: NDArray[np.float32]) -> bool:
        """Whether the columns of an array (n, d) hold what this layout says."""
        if x.ndim != 2 or x.shape[1] != len(self.names) or not len(x):
            return False
        for values, bounds in zip(x.T, self.within, strict=True):
            seen = values[~np.isnan(values)]
            if ((seen < bounds[0]) | (seen > bounds[1])).any():
                return False
            if bounds == _BINARY and not np.isin(seen, _BINARY).all():
                return False
        return True


LAYOUTS = (
    Layout(
        title="METABRIC",
        names=(
            "EGFR", "PGR", "ERBB2", "MKI67", "hormone_therapy", "radiotherapy", "chemotherapy", "er_positive", "age",
        ),
        within=((4, 17), (4, 12), (5, 17), (4, 9), _BINARY, _BINARY, _BINARY, _BINARY, (18, 105)),
    ),
    Layout(
        title="Rotterdam and GBSG",
        names=("hormone_therapy", "size_class", "postmenopausal", "age", "nodes", "pgr", "er"),
        within=(_BINARY, (0, 2), _BINARY, (18, 105), (0, 60), (0, 10_000), (0, 10_000)),
    ),
    Layout(
        title="SUPPORT",
        names=(
            "age", "female", "comorbidities", "race", "diabetes", "dementia", "cancer", "mean_pressure", "heart_rate",
            "respiratory_rate", "temperature", "sodium", "wbc", "creatinine",
        ),
        within=(
            (18, 105), _BINARY, (0, 12), (0, 5), _BINARY, _BINARY, (0, 2), (0, 250), (0, 350), (0, 120), (25, 45),
            (90, 200), (0, 300), (0, 50),
        ),
    ),
    Layout(
        title="WHAS",
        names=("x0", "age", "female", "bmi", "left_heart_failure", "recurrent_infarction"),
        within=(_BINARY, (18, 110), _BINARY, (10, 70), _BINARY, _BINARY),
    ),
)  # fmt: skip
"""DeepSurv's four studies. In SUPPORT race is 1 white, 2 black, 3 hispanic, 4 asian, 0 other, 5 unknown, and cancer
0 metastatic, 1 none, 2 present; in Rotterdam size_class is 0 up to 20 mm, 1 to 50 mm, 2 above."""


def named(x: NDArray[np.float32]) -> tuple[tuple[str, ...], str | None]:
    """Names of an array's columns and the study they were told by; ``x0``, ``x1`` ... and ``None`` where none fits."""
    layout = next((layout for layout in LAYOUTS if layout.fits(x)), None)
    if layout is None:
        return tuple(f"x{number}" for number in range(x.shape[1])), None
    return layout.names, layout.title
