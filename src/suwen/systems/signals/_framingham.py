"""The Framingham general cardiovascular risk equations of 2008: a published ten-year risk beside the learned one.

Source: D'Agostino RB Sr, Vasan RS, Pencina MJ, et al. General cardiovascular risk profile for use in primary
care: the Framingham Heart Study. Circulation 2008;117:743-753, primary model (lipids) and simple model
(body mass index), people of 30 to 74 years without cardiovascular disease. Risk within ten years::

    1 - S0 ** exp(sum of coefficient * ln(value), plus those of smoking and diabetes, - mean)

It is the risk of *any* first cardiovascular event: coronary disease, stroke, peripheral artery disease and
heart failure. It is therefore higher than the risk of coronary disease alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from suwen.core.sample import Sample

AGES = (30.0, 74.0)
"""Years for which the equations were made."""


@dataclass(frozen=True, kw_only=True)
class Equation:
    """One sex's equation.

    Attributes
    ----------
    logs
        Variable to the coefficient of its natural logarithm.
    pressure, treated_pressure
        Coefficients of the logarithm of systolic pressure without and with treatment of hypertension.
    smoking, diabetes
        Added where true.
    mean
        Sum of the coefficients times the study's means.
    survival
        Share free of an event after ten years at those means.
    """

    logs: Mapping[str, float]
    pressure: float
    treated_pressure: float
    smoking: float
    diabetes: float
    mean: float
    survival: float


LIPIDS = {
    "female": Equation(
        logs={"age": 2.32888, "totChol": 1.20904, "HDL": -0.70833},
        pressure=2.76157, treated_pressure=2.82263, smoking=0.52873, diabetes=0.69154,
        mean=26.1931, survival=0.95012,
    ),
    "male": Equation(
        logs={"age": 3.06117, "totChol": 1.12370, "HDL": -0.93263},
        pressure=1.93303, treated_pressure=1.99881, smoking=0.65451, diabetes=0.57367,
        mean=23.9802, survival=0.88936,
    ),
}  # fmt: skip
"""The primary model: ages in years, cholesterol in mg/dL, systolic pressure in mmHg."""

BODY_MASS = {
    "female": Equation(
        logs={"age": 2.72107, "BMI": 0.51125},
        pressure=2.81291, treated_pressure=2.88267, smoking=0.61868, diabetes=0.77763,
        mean=26.0145, survival=0.94833,
    ),
    "male": Equation(
        logs={"age": 3.11296, "BMI": 0.79277},
        pressure=1.85508, treated_pressure=1.92672, smoking=0.70953, diabetes=0.53160,
        mean=23.9388, survival=0.88431,
    ),
}  # fmt: skip
"""The simple model, without a laboratory: body mass index in kg/m² in place of the lipids."""


def risk(values: Mapping[str, float]) -> float:
    """Ten-year risk of a first cardiovascular event, 0 to 1.

    Parameters
    ----------
    values
        ``gender`` (1 male, 0 female), ``age`` (years), ``sysBP`` (mmHg), ``BPMeds``, ``currentSmoker`` and
        ``diabetes`` (0 or 1), and ``totChol`` with ``HDL`` (mg/dL) or ``BMI`` (kg/m²).

    Returns
    -------
    float
        By the primary model where both lipids are known, else by the simple one. NaN where an input is
        missing or the age lies outside the equations: nothing is guessed.
    """

    def given(name: str) -> float:
        return float(values.get(name, math.nan))

    sex = {1.0: "male", 0.0: "female"}.get(given("gender"))
    lipids = math.isfinite(given("totChol")) and math.isfinite(given("HDL"))
    if sex is None or not AGES[0] <= given("age") <= AGES[1]:
        return math.nan
    equation = (LIPIDS if lipids else BODY_MASS)[sex]
    needed = [*equation.logs, "sysBP", "BPMeds", "currentSmoker", "diabetes"]
    if not all(math.isfinite(given(name)) for name in needed):
        return math.nan
    pressure = equation.treated_pressure if given("BPMeds") == 1 else equation.pressure
    total = sum(weight * math.log(given(name)) for name, weight in equation.logs.items())
    total += pressure * math.log(given("sysBP"))
    total += equation.smoking * (given("currentSmoker") == 1) + equation.diabetes * (given("diabetes") == 1)
    return float(1.0 - equation.survival ** math.exp(total - equation.mean))


def framingham_2008(sample: Sample) -> float:
    """:func:`risk` of a sample's row."""
    row = sample.inputs["factors"]
    return risk(dict(zip(row.names, row.values.tolist(), strict=True)))
