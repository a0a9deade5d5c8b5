"""Points of published severity scores as columns for a learner; not shown as the scores themselves.

SOFA: Vincent et al., Intensive Care Med 22:707, 1996 (without vasopressors and urine). SAPS-I: Le Gall et al., Crit
Care Med 12:975, 1984 (physiology without urine; urea in mg/dL of urea nitrogen, glucose in mg/dL).
"""

from collections.abc import Mapping

from suwen.engines.panel.summaries import Points

Parts = Mapping[str | tuple[str, str], tuple[tuple[float, ...], tuple[float, ...]]]

SOFA: Parts = {
    "GCS": ((6.0, 10.0, 13.0, 15.0), (4.0, 3.0, 2.0, 1.0, 0.0)),
    "Bilirubin": ((1.2, 2.0, 6.0, 12.0), (0.0, 1.0, 2.0, 3.0, 4.0)),
    "Creatinine": ((1.2, 2.0, 3.5, 5.0), (0.0, 1.0, 2.0, 3.0, 4.0)),
    "Platelets": ((20.0, 50.0, 100.0, 150.0), (4.0, 3.0, 2.0, 1.0, 0.0)),
    "mean": ((70.0,), (1.0, 0.0)),
    ("PaO2", "FiO2"): ((100.0, 200.0, 300.0, 400.0), (4.0, 3.0, 2.0, 1.0, 0.0)),
}

SAPS_I: Parts = {
    "HR": ((40.0, 55.0, 70.0, 110.0, 140.0, 180.0), (4.0, 3.0, 2.0, 0.0, 2.0, 3.0, 4.0)),
    "systolic": ((55.0, 80.0, 150.0, 190.0), (4.0, 2.0, 0.0, 2.0, 4.0)),
    "Temp": ((30.0, 32.0, 34.0, 36.0, 38.5, 39.0, 41.0), (4.0, 3.0, 2.0, 1.0, 0.0, 1.0, 3.0, 4.0)),
    "RespRate": ((6.0, 10.0, 12.0, 25.0, 35.0, 50.0), (4.0, 2.0, 1.0, 0.0, 1.0, 3.0, 4.0)),
    "BUN": ((10.0, 21.0, 81.0, 101.0, 154.0), (1.0, 0.0, 1.0, 2.0, 3.0, 4.0)),
    "HCT": ((20.0, 30.0, 46.0, 50.0, 60.0), (4.0, 2.0, 0.0, 1.0, 2.0, 4.0)),
    "WBC": ((1.0, 3.0, 15.0, 20.0, 40.0), (4.0, 2.0, 0.0, 1.0, 2.0, 4.0)),
    "Glucose": ((29.0, 50.0, 70.0, 250.0, 500.0, 801.0), (4.0, 3.0, 2.0, 0.0, 1.0, 3.0, 4.0)),
    "K": ((2.5, 3.0, 3.5, 5.5, 6.0, 7.0), (4.0, 2.0, 1.0, 0.0, 1.0, 3.0, 4.0)),
    "Na": ((110.0, 120.0, 130.0, 151.0, 156.0, 161.0, 180.0), (4.0, 3.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0)),
    "HCO3": ((5.0, 10.0, 20.0, 30.0, 40.0), (4.0, 3.0, 1.0, 0.0, 1.0, 3.0)),
    "GCS": ((4.0, 7.0, 10.0, 13.0), (4.0, 3.0, 2.0, 1.0, 0.0)),
}

SEVERITY = tuple(
    Points(name=name, window=window, parts=parts)
    for window in ((0.0, 24.0), (24.0, 48.0))
    for name, parts in (("sofa", SOFA), ("saps", SAPS_I))
)
"""Both scores on each of the two days."""
