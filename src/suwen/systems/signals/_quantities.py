"""Quantities that several data sets share: their units, what a patient can have, what is usual.

Plausible ranges are wide: outside them a value is a fault of the sensor, the unit or the typing, not a finding.
They are the house's own, set where the values of PhysioNet/CinC 2012 and 2019 stop being those of a living adult.

Usual ranges of laboratory values: ABIM Laboratory Test Reference Ranges, January 2026
(abim.org/media/e2wdwdqu/laboratory-reference-ranges.pdf), outer bounds of both sexes; vital signs: the band that
scores no point in NEWS2 (Royal College of Physicians, 2017), and below 140/90 mmHg for pressures. A hospital's own
laboratory goes before them: they are shown, never learned from.

Conversions follow from molar masses (IUPAC atomic weights 2021, g/mol): glucose 180.16, creatinine 113.12,
bilirubin 584.66, urea nitrogen 28.014, cholesterol 386.65, lactate 90.08, calcium 40.078, magnesium 24.305,
phosphorus 30.974, haemoglobin monomer 16 114; 1 kPa = 7.50062 mmHg. Codes: LOINC.
"""

from __future__ import annotations

from dataclasses import replace

from suwen.core.variables import Bound, Variable

KPA = {"kPa": (7.50062, 0.0)}
MEQ = {"meq/L": (1.0, 0.0)}
PER_LITRE = {"g/L": (0.1, 0.0)}
MASS = {"ug/L": (1.0, 0.0), "ng/L": (0.001, 0.0), "pg/mL": (0.001, 0.0)}


def molar(grams_per_mole: float) -> tuple[float, float]:
    """From mmol/L to mg/dL."""
    return grams_per_mole / 10, 0.0


def micromolar(grams_per_mole: float) -> tuple[float, float]:
    """From umol/L to mg/dL."""
    return grams_per_mole / 10_000, 0.0


def pressure(
    name: str, title: str, plausible: tuple[float, float], usual: tuple[Bound, Bound], *loinc: str
) -> Variable:
    """A pressure in mmHg, which treatment can change."""
    return Variable(
        name=name,
        title=title,
        unit="mm[Hg]",
        plausible=plausible,
        reference=usual,
        loinc=loinc,
        convertible=KPA,
        modifiable=True,
    )


SYS, DIA, MEAN = (20.0, 320.0), (10.0, 220.0), (15.0, 250.0)
ALBUMIN = Variable(
    name="Albumin",
    title="Albumin",
    unit="g/dL",
    plausible=(0.5, 7),
    reference=(3.5, 5.5),
    loinc=("1751-7",),
    convertible=PER_LITRE,
)
ALP = Variable(
    name="ALP",
    title="Alkaline phosphatase",
    unit="U/L",
    plausible=(1, 10_000),
    reference=(30, 120),
    loinc=("6768-6",),
)
ALT = Variable(
    name="ALT",
    title="Alanine aminotransferase",
    unit="U/L",
    plausible=(1, 40_000),
    reference=(10, 40),
    loinc=("1742-6",),
)
AST = replace(ALT, name="AST", title="Aspartate aminotransferase", loinc=("1920-8",))
BILIRUBIN = Variable(
    name="Bilirubin",
    title="Bilirubin, total",
    unit="mg/dL",
    plausible=(0.01, 80),
    reference=(0.3, 1.0),
    loinc=("1975-2",),
    convertible={"umol/L": micromolar(584.66)},
)
BUN = Variable(
    name="BUN",
    title="Urea nitrogen",
    unit="mg/dL",
    plausible=(1, 300),
    reference=(8, 20),
    loinc=("3094-0",),
    convertible={"mmol/L": molar(28.014)},
)
CREATININE = Variable(
    name="Creatinine",
    title="Creatinine",
    unit="mg/dL",
    plausible=(0.05, 50),
    reference=(0.5, 1.3),
    loinc=("2160-0", "14682-9"),
    convertible={"umol/L": micromolar(113.12)},
)
FIO2 = Variable(
    name="FiO2",
    title="Fraction of inspired oxygen",
    unit="1",
    plausible=(0.2, 1),
    loinc=("3150-6", "19996-8"),
    convertible={"%": (0.01, 0.0)},
    modifiable=True,
)
SERUM_GLUCOSE = Variable(
    name="Glucose",
    title="Glucose",
    unit="mg/dL",
    plausible=(10, 2000),
    reference=(70, 99),
    loinc=("2345-7", "2339-0", "14749-6"),
    convertible={"mmol/L": molar(180.16)},
    modifiable=True,
)
HCO3 = Variable(
    name="HCO3",
    title="Bicarbonate",
    unit="mmol/L",
    plausible=(2, 60),
    reference=(23, 30),
    loinc=("1963-8", "1959-6", "1960-4"),
    convertible=MEQ,
    modifiable=True,
)
HCT = Variable(
    name="HCT",
    title="Haematocrit",
    unit="%",
    plausible=(5, 75),
    reference=(37, 50),
    loinc=("4544-3", "20570-8"),
    convertible={"1": (100.0, 0.0), "L/L": (100.0, 0.0)},
    modifiable=True,
)
HR = Variable(
    name="HR",
    title="Heart rate",
    unit="/min",
    plausible=(15, 300),
    reference=(51, 90),
    loinc=("8867-4",),
    modifiable=True,
)
K = Variable(
    name="K",
    title="Potassium",
    unit="mmol/L",
    plausible=(1, 14),
    reference=(3.5, 5.0),
    loinc=("2823-3", "6298-4"),
    convertible=MEQ,
    modifiable=True,
)
LACTATE = Variable(
    name="Lactate",
    title="Lactate",
    unit="mmol/L",
    plausible=(0.1, 40),
    reference=(0.7, 2.1),
    loinc=("2524-7", "32693-4", "2518-9"),
    convertible={"mg/dL": (10 / 90.08, 0.0)},
)
# The challenge gives magnesium as mmol/L, but its values (median 2.0) are those of mg/dL.
MG = Variable(
    name="Mg",
    title="Magnesium",
    unit="mg/dL",
    plausible=(0.2, 15),
    reference=(1.6, 2.6),
    loinc=("19123-9", "2601-3"),
    convertible={"mmol/L": molar(24.305)},
    modifiable=True,
)
NA = Variable(
    name="Na",
    title="Sodium",
    unit="mmol/L",
    plausible=(90, 200),
    reference=(136, 145),
    loinc=("2951-2", "2947-0"),
    convertible=MEQ,
    modifiable=True,
)
PACO2 = pressure("PaCO2", "Arterial carbon dioxide pressure", (5, 200), (38, 42), "2019-8")
PAO2 = pressure("PaO2", "Arterial oxygen pressure", (15, 800), (75, 100), "2703-7")
PH = Variable(
    name="pH",
    title="Arterial pH",
    unit="[pH]",
    plausible=(6.5, 8.0),
    reference=(7.38, 7.44),
    loinc=("2744-1", "11558-4"),
    convertible={"1": (1.0, 0.0)},
    modifiable=True,
)
PLATELETS = Variable(
    name="Platelets",
    title="Platelets",
    unit="10*3/uL",
    plausible=(1, 2500),
    reference=(150, 450),
    loinc=("777-3", "26515-7"),
    convertible={"10*9/L": (1.0, 0.0), "/nL": (1.0, 0.0), "/uL": (0.001, 0.0)},
)
RESP = Variable(
    name="RespRate",
    title="Respiratory rate",
    unit="/min",
    plausible=(1, 80),
    reference=(12, 20),
    loinc=("9279-1",),
    modifiable=True,
)
SAO2 = Variable(
    name="SaO2",
    title="Arterial oxygen saturation",
    unit="%",
    plausible=(20, 100),
    reference=(96, None),
    loinc=("2708-6",),
    convertible={"1": (100.0, 0.0)},
    modifiable=True,
)
TEMP = Variable(
    name="Temp",
    title="Body temperature",
    unit="Cel",
    plausible=(25, 44),
    reference=(36.1, 38.0),
    loinc=("8310-5",),
    convertible={"[degF]": (5 / 9, -160 / 9), "K": (1.0, -273.15)},
    modifiable=True,
)
TROPONIN_I = Variable(
    name="TroponinI",
    title="Troponin I",
    unit="ng/mL",
    plausible=(0, 1000),
    reference=(None, 0.04),
    loinc=("10839-9", "89579-7"),
    convertible=MASS,
)
WBC = replace(
    PLATELETS,
    name="WBC",
    title="White blood cells",
    plausible=(0.05, 600),
    reference=(4, 11),
    loinc=("6690-2", "26464-8"),
)
