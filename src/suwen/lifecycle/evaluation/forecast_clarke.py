"""The Clarke error grid: what a wrong glucose value would have made a patient do.

Clarke, Cox, Gonder-Frederick, Carter and Pohl, Diabetes Care 10:622, 1987; written for the treatment target of
70 to 180 mg/dL. The paper draws the zones; their lines are spelled out here as the public implementations
agree on them (Guevara's ``clarke.m``, MATLAB File Exchange 20545; ``getClarkeZones`` of the R package ``ega``):

A. Within 20% of the reference, or both at most 70: clinically the same.
B. Everything else: a different action, or none, without harm.
C. Correcting what needs no correction: reference 70 to 290 and forecast at least 110 above it; or reference
   130 to 180 and forecast at most 7/5 of the reference minus 182.
D. Failing to see: reference at least 240 and forecast 70 to 180; or reference at most 70 and forecast 70 to 180
   outside A (above 70, and above 6/5 of the reference).
E. Treating the opposite: reference at most 70 and forecast at least 180, or the other way round.

Where lines meet the better zone A counts first, then E, C and D. The grid was made for measurements; for
forecasts it says what acting on the forecast as if it were the reading would have meant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ZONES = ("A", "B", "C", "D", "E")
MG_DL_PER_MMOL_L = 18.016
"""From the molar mass of glucose, 180.16 g/mol."""


def clarke_zones(reference: ArrayLike, forecast: ArrayLike) -> NDArray[np.int64]:
    """Zone of each pair, as an index into :data:`ZONES`.

    Parameters
    ----------
    reference, forecast
        Arrays (n,), mg/dL, finite.

    Returns
    -------
    array
        (n,) of 0 (A) to 4 (E).
    """
    x, y = np.asarray(reference, np.float64), np.asarray(forecast, np.float64)
    a = ((x <= 70) & (y <= 70)) | ((y >= 0.8 * x) & (y <= 1.2 * x))
    e = ((x <= 70) & (y >= 180)) | ((x >= 180) & (y <= 70))
    over = (x >= 70) & (x <= 290) & (y >= x + 110)
    under = (x >= 130) & (x <= 180) & (y <= 7 / 5 * x - 182)
    missed = (y >= 70) & (y <= 180) & ((x >= 240) | (x <= 70))
    found = np.select([a, e, over | under, missed], [0, 4, 2, 3], default=1)
    return found.astype(np.int64)
