"""Columns that clinicians compute at the bedside, from the last values known: what trees would have to rediscover.

Points are those of the values that are known; an unknown one adds none, so that they are inputs of a model and no
published score. Sources: SIRS criteria, Bone et al., Chest 101:1644, 1992; SOFA, Vincent et al., Intensive Care
Medicine 22:707, 1996 (platelets, bilirubin, mean pressure without vasopressors, creatinine); MEWS, Subbe et al., QJM
94:521, 2001 (without consciousness); shock index, Allgöwer and Burri, Deutsche Medizinische Wochenschrift 92:1947,
1967; SpO2/FiO2 in place of PaO2/FiO2, Rice et al., Chest 132:410, 2007.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

STATIC = ("Age", "Gender", "Unit1", "Unit2", "HospAdmTime", "ICULOS")
"""Descriptors of a stay that are read."""
VITAL = ("HR", "O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp", "EtCO2", "FiO2", "Glucose")
"""Measured often enough for running means and ranges."""


def steps(value: Array, edges: Sequence[float], points: Sequence[float]) -> Array:
    """Points of a value: the first below the first edge, the next from it on, and so on; 0 where unknown."""
    found = np.array(points, np.float32)[np.digitize(value, np.array(edges, np.float32))]
    return np.where(np.isnan(value), np.float32(0), found)


def terms(of: Mapping[str, Array]) -> dict[str, Array]:
    """Ratios and points of hours, arrays (u,).

    Parameters
    ----------
    of
        Last values by variable, descriptors, and ``hour``, arrays (u,), NaN where unknown.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "shock index": of["HR"] / of["SBP"],
            "shock index, mean pressure": of["HR"] / of["MAP"],
            "shock index x age": of["HR"] / of["SBP"] * of["Age"],
            "pulse pressure": of["SBP"] - of["DBP"],
            "SpO2/FiO2": of["O2Sat"] / of["FiO2"],
            "BUN/creatinine": of["BUN"] / of["Creatinine"],
            "platelets/age": of["Platelets"] / of["Age"],
            "heart rate/temperature": of["HR"] / of["Temp"],
            "respiratory rate/heart rate": of["Resp"] / of["HR"],
        }
        found["SIRS points"] = (
            _any(of["Temp"] > 38, of["Temp"] < 36)
            + _any(of["HR"] > 90)
            + _any(of["Resp"] > 20, of["PaCO2"] < 32)
            + _any(of["WBC"] > 12, of["WBC"] < 4)
        )
        found["SOFA points"] = (
            steps(of["Platelets"], (20, 50, 100, 150), (4, 3, 2, 1, 0))
            + steps(of["Bilirubin_total"], (1.2, 2.0, 6.0, 12.0), (0, 1, 2, 3, 4))
            + steps(of["Creatinine"], (1.2, 2.0, 3.5, 5.0), (0, 1, 2, 3, 4))
            + _any(of["MAP"] < 70)
        )
    found["MEWS points"] = (
        steps(of["SBP"], (71, 81, 101, 200), (3, 2, 1, 0, 2))
        + steps(of["HR"], (41, 51, 101, 111, 130), (2, 1, 0, 1, 2, 3))
        + steps(of["Resp"], (9, 15, 21, 30), (2, 0, 1, 2, 3))
        + steps(of["Temp"], (35.0, 38.5), (2, 0, 2))
    )
    found["hours since hospital admission"] = of["hour"] + of["ICULOS"] - of["HospAdmTime"]
    found["hour in intensive care"] = of["hour"] + of["ICULOS"]
    return found


def _any(*conditions: NDArray[np.bool_]) -> Array:
    out: Array = np.logical_or.reduce(conditions).astype(np.float32)
    return out
