"""The room's variables: told apart by name and code, with ranges and conversions that hold."""

from __future__ import annotations

from collections import Counter

import pytest

from suwen.core.errors import BadInput
from suwen.core.variables import Variable
from suwen.formats.signals.cinc2012_stay import DESCRIPTORS as DESCRIPTORS_2012
from suwen.formats.signals.cinc2019_stay import DESCRIPTORS as DESCRIPTORS_2019
from suwen.formats.signals.units import ucum
from suwen.systems.signals._variables import GLUCOSE, ICU_2012, SEPSIS_2019

TABLES = {"2012": ICU_2012, "2019": SEPSIS_2019, "glucose": GLUCOSE}


@pytest.mark.parametrize("name", TABLES)
def test_names_and_codes_tell_variables_apart(name: str) -> None:
    table = TABLES[name]
    names = Counter(variable.name for variable in table)
    codes = Counter(code for variable in table for code in variable.loinc)
    assert max(names.values()) == 1
    assert max(codes.values()) == 1, [code for code, count in codes.items() if count > 1]


@pytest.mark.parametrize(
    "variable", [v for t in (*TABLES.values(), DESCRIPTORS_2012, DESCRIPTORS_2019) for v in t]
)
def test_usual_values_are_possible_and_units_are_ucum(variable: Variable) -> None:
    low, high = variable.plausible
    assert low < high
    assert all(bound is None or low <= bound <= high for bound in variable.reference)
    assert ucum(variable.unit) == variable.unit
    assert all(ucum(unit) == unit for unit in variable.convertible)
    assert all(ucum(code) == code and code.replace("-", "").isdigit() for code in variable.loinc)
    assert all(low <= value <= high for value in variable.coded.values())


@pytest.mark.parametrize(
    ("table", "name", "value", "unit", "expected"),
    [  # pairs as laboratories print them in both units
        ("2012", "Creatinine", 88.4, "umol/L", 1.0),
        ("2012", "Glucose", 5.55, "mmol/L", 100.0),
        ("2012", "Bilirubin", 17.1, "umol/L", 1.0),
        ("2012", "BUN", 3.57, "mmol/L", 10.0),
        ("2012", "Cholesterol", 5.17, "mmol/L", 200.0),
        ("2012", "Lactate", 18.0, "mg/dL", 2.0),
        ("2012", "Mg", 0.82, "mmol/L", 2.0),
        ("2012", "Albumin", 35, "g/L", 3.5),
        ("2012", "PaO2", 10, "kPa", 75.0),
        ("2012", "Temp", 98.6, "[degF]", 37.0),
        ("2012", "Temp", 310.15, "K", 37.0),
        ("2012", "FiO2", 21, "%", 0.21),
        ("2012", "HCT", 0.4, "1", 40),
        ("2012", "K", 4, "meq/L", 4),
        ("2012", "Platelets", 200_000, "/uL", 200),
        ("2012", "TroponinI", 40, "ng/L", 0.04),
        ("2012", "Weight", 154.3, "[lb_av]", 70),
        ("2019", "Calcium", 2.5, "mmol/L", 10.0),
        ("2019", "Phosphate", 1.0, "mmol/L", 3.1),
        ("2019", "Hgb", 8.7, "mmol/L", 14.0),
        ("2019", "Hgb", 140, "g/L", 14.0),
        ("2019", "Fibrinogen", 3, "g/L", 300),
        ("glucose", "glucose", 10, "mmol/L", 180),
    ],
)
def test_conversions(table: str, name: str, value: float, unit: str, expected: float) -> None:
    variable = next(v for v in TABLES[table] if v.name == name)
    assert variable.convert(value, unit) == pytest.approx(expected, rel=0.01)
    with pytest.raises(BadInput) as caught:
        variable.convert(value, "furlong")
    assert caught.value.code == "wrong-unit"
