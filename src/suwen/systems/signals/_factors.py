"""Risk factors as the tables of this room hold them: one value per person, units and ranges included.

Plausible ranges are the house's own, as in ``_quantities.py``. Usual ranges: body mass index 18.5 to 25 kg/m²
(World Health Organization, Technical Report Series 894, 2000); total cholesterol below 200 and HDL cholesterol
from 40 mg/dL (NCEP Adult Treatment Panel III, JAMA 2001;285:2486-2497).
"""

from __future__ import annotations

from dataclasses import replace

from suwen.core.variables import Variable
from suwen.systems.signals._quantities import molar


def yes_no(name: str, title: str, *, modifiable: bool = False) -> Variable:
    """A question answered with 1 or yes, 0 or no."""
    return Variable(name=name, title=title, unit="1", plausible=(0.0, 1.0), modifiable=modifiable)


SEX = replace(yes_no("sex", "Sex (1 male, 0 female)"), coded={"male": 1.0, "m": 1.0, "female": 0.0, "f": 0.0})
AGE = Variable(name="age", title="Age", unit="a", plausible=(18, 110), loinc=("30525-0",))
BMI = Variable(
    name="bmi",
    title="Body mass index",
    unit="kg/m2",
    plausible=(10, 90),
    reference=(18.5, 25),
    loinc=("39156-5",),
    modifiable=True,
)
WAIST = Variable(
    name="waist",
    title="Waist circumference",
    unit="cm",
    plausible=(40, 250),
    loinc=("8280-0",),
    convertible={"m": (100.0, 0.0), "mm": (0.1, 0.0), "[in_i]": (2.54, 0.0), "in": (2.54, 0.0)},
    modifiable=True,
)
CHOLESTEROL = Variable(
    name="totChol",
    title="Total cholesterol",
    unit="mg/dL",
    plausible=(60, 1000),
    reference=(None, 200),
    loinc=("2093-3",),
    convertible={"mmol/L": molar(386.65)},
    modifiable=True,
)
HDL = replace(
    CHOLESTEROL,
    name="HDL",
    title="HDL cholesterol",
    plausible=(5, 200),
    reference=(40, None),
    loinc=("2085-9",),
)
CIGARETTES = Variable(
    name="cigsPerDay",
    title="Cigarettes a day",
    unit="/d",
    plausible=(0, 140),
    reference=(None, 0),
    modifiable=True,
)
